#include "plan_options.h"

namespace capstan::runtime {

namespace {

using WhenFull = store::JournalOptions::WhenFull;

// Two segments at least: the one that is written and one that can go.
void two_segments_fit(const store::JournalOptions& options, const config::Node& at, config::Findings& findings) {
  if (options.max_bytes.count < 2 * options.segment_size.count)
    findings.add(ErrorCode::conflicting_options, at.place,
                 "journal: expected max_bytes of at least two segments of " + to_string(options.segment_size) +
                     ", got " + to_string(options.max_bytes));
}

// A transaction is what one poll brought; one that is larger than the whole journal is taken when nothing else is
// there, so a journal of that size holds one page at a time and stops, or drops, at every page.
constexpr Bytes largest_page = 16_MiB;

void a_page_fits(const store::JournalOptions& options, const config::Node& at, config::Findings& findings) {
  if (options.max_bytes < largest_page)
    findings.warn(ErrorCode::conflicting_options, at.place,
                  "journal: max_bytes of " + to_string(options.max_bytes) + " may be less than one page of " +
                      to_string(largest_page) + "; such a page is taken only when everything before it " +
                      (options.when_full == WhenFull::block ? "is delivered" : "is delivered or dropped"));
}

config::Schema<store::JournalOptions> journal_schema() {
  using store::JournalOptions;
  config::Schema<JournalOptions> s;
  s.option("segment_size", &JournalOptions::segment_size, "size of one journal file").range(64_KiB, 1_GiB);
  s.option("max_bytes", &JournalOptions::max_bytes, "how much one source's journal may hold")
      .range(1_MiB, Bytes{1ULL << 50});
  s.option("max_age", &JournalOptions::max_age, "delivered events older than this are removed")
      .range(Duration(std::chrono::minutes(1)), Duration(std::chrono::hours(24 * 3650)));
  s.option("reserve", &JournalOptions::reserve, "free disk space that is left alone");
  s.option("proof_bytes", &JournalOptions::proof_bytes,
           "disk for what proof needs of removed events: 24 bytes each for five weeks, the oldest go first")
      .range(1_MiB, Bytes{1ULL << 50});
  s.choice("when_full", &JournalOptions::when_full,
           {{"block", WhenFull::block}, {"drop_oldest", WhenFull::drop_oldest}},
           "block: stop asking the tenant until there is room; drop_oldest: drop the oldest events, with an alarm");
  s.rule(two_segments_fit);
  return s.rule(a_page_fits);
}

constexpr Duration age_min = std::chrono::minutes(10);
constexpr Duration age_max = std::chrono::hours(24 * 30);

void ages_grow(const ProofOptions& options, const config::Node& at, config::Findings& findings) {
  const auto wrong = [&](const std::string& got) {
    findings.add(ErrorCode::wrong_value, at.place,
                 "proof.ages: expected growing durations from " + capstan::to_string(age_min) + " to " +
                     capstan::to_string(age_max) + ", the first not below late_after, got " + got);
  };
  if (options.ages.empty()) return wrong("none");
  Duration before = std::max(age_min - Duration(1), options.late_after - Duration(1));
  for (const std::string& text : options.ages) {
    const auto age = parse_duration(text);
    if (!age || *age <= before || *age > age_max) return wrong("\"" + text + "\"");
    before = *age;
  }
}

config::Schema<ProofOptions> proof_schema() {
  config::Schema<ProofOptions> s;
  s.option("enabled", &ProofOptions::enabled,
           "compare again and again with what the tenants show, and collect what appeared late");
  s.option("late_after", &ProofOptions::late_after, "how long a record may be on its way before it counts as missing")
      .range(Duration(std::chrono::minutes(1)), Duration(std::chrono::hours(24)));
  s.option("ages", &ProofOptions::ages, "how old an hour is when it is compared, each time").example("[1h, 1d, 30d]");
  return s.rule(ages_grow);
}

config::Schema<ApiOptions> api_schema() {
  config::Schema<ApiOptions> s;
  s.option("enabled", &ApiOptions::enabled, "serve metrics, health and the admin API");
  s.option("listen", &ApiOptions::listen, "IP address and port").example("127.0.0.1:9477");
  return s;
}

config::Schema<GeoOptions> geo_schema() {
  config::Schema<GeoOptions> s;
  s.option("database", &GeoOptions::database,
           "a file in the MaxMind DB format; replace it by renaming a new one over it")
      .required()
      .example("/var/lib/GeoIP/GeoLite2-City.mmdb");
  s.option("reload", &GeoOptions::reload, "how often it is looked whether there is a new file")
      .range(Duration(std::chrono::seconds(1)), Duration(std::chrono::hours(24)));
  return s;
}

config::Schema<LogOptions> log_schema() {
  config::Schema<LogOptions> s;
  s.choice("level", &LogOptions::level,
           {{"debug", log::Level::debug},
            {"info", log::Level::info},
            {"warning", log::Level::warning},
            {"error", log::Level::error}},
           "the least that is logged");
  s.choice("format", &LogOptions::format, {{"text", log::Format::text}, {"json", log::Format::json}},
           "how a line looks");
  return s;
}

config::Schema<BatchOptions> batch_schema() {
  config::Schema<BatchOptions> s;
  s.option("max_bytes", &BatchOptions::max_bytes, "encoded bytes of one delivery; a larger message goes alone")
      .range(1_KiB, 16_MiB);
  s.option("max_events", &BatchOptions::max_events, "messages of one delivery").range(1U, 100'000U);
  s.option("timeout", &BatchOptions::timeout, "how long one attempt may take")
      .range(Duration(std::chrono::seconds(1)), Duration(std::chrono::minutes(10)));
  return s;
}

}  // namespace

std::vector<Duration> ages_of(const ProofOptions& options) {
  std::vector<Duration> ages;
  for (const std::string& text : options.ages)
    if (const auto age = parse_duration(text)) ages.push_back(*age);
  return ages;
}

config::Schema<TopOptions> top_schema() {
  config::Schema<TopOptions> s;
  s.option("data_dir", &TopOptions::data_dir, "where the journals and the state lie")
      .required()
      .example("/var/lib/capstan");
  s.option("tenants", &TopOptions::tenants, "the tenants by name");
  s.option("sources", &TopOptions::sources, "what is collected, by name").required();
  s.option("sinks", &TopOptions::sinks, "where it goes, by name").required();
  s.option("routes", &TopOptions::routes, "which source goes where and how it is written, by name").required();
  s.option("secrets", &TopOptions::secrets, "the keys that rules use by name, hmac_sha256(value, \"name\")")
      .example("{people: \"${file:/run/credentials/people}\"}");
  s.object("geo", &TopOptions::geo, geo_schema(), "where rules learn an IP address's place, geo_location(address)");
  s.option("tables", &TopOptions::tables, "what rules look up in, by name");
  s.object("journal", &TopOptions::journal, journal_schema(), "the journal of every source");
  s.object("proof", &TopOptions::proof, proof_schema(), "continuous proof that nothing is missing");
  s.object("api", &TopOptions::api, api_schema(), "metrics, health and administration");
  s.object("log", &TopOptions::log, log_schema(), "the log, on standard error");
  return s;
}

config::Schema<FileTableOptions> table_schema() {
  using Format = FileTableOptions::Format;
  config::Schema<FileTableOptions> s;
  s.option("file", &FileTableOptions::file, "where it is").required().example("/etc/capstan/offices.csv");
  s.choice("format", &FileTableOptions::format,
           {{"by_extension", Format::by_extension},
            {"csv", Format::csv},
            {"json", Format::json},
            {"ndjson", Format::ndjson}},
           "csv: RFC 4180, the first row names the columns; json: one array of objects; ndjson: an object a line");
  s.option("schema", &FileTableOptions::schema,
           "the columns that are taken and their types; all when it is left out, text in CSV and as they are in JSON")
      .example("range:string, office:string, floor:long");
  s.option("reload", &FileTableOptions::reload, "how often the file is looked at; changed content is read")
      .range(Duration(std::chrono::seconds(1)), Duration(std::chrono::hours(24)));
  return s;
}

config::Schema<RouteOptions> route_schema() {
  config::Schema<RouteOptions> s;
  s.option("from", &RouteOptions::from, "one source or a list of them").required().example("contoso_mdca");
  s.option("feeds", &RouteOptions::feeds, "only these feeds; all when it is left out").example("[alerts, activities]");
  s.option("query", &RouteOptions::query,
           "a rule in KQL that begins with \"source\": what it drops is not delivered, what it adds and takes away is "
           "encoded (docs/reference/kql.md)")
      .example("source | where severityValue >= 1");
  s.option("query_file", &RouteOptions::query_file,
           "the same out of a file, from where the configuration lies; instead of query")
      .example("rules/alerts.kql");
  s.option("encode", &RouteOptions::encode, "the format of a message and its options")
      .required()
      .example("{format: cef}");
  s.option("to", &RouteOptions::to, "the sink").required();
  s.object("batch", &RouteOptions::batch, batch_schema(), "how much is delivered at once");
  return s;
}

}  // namespace capstan::runtime
