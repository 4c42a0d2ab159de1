#include "metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <sstream>

#include "base/text.h"

namespace capstan::api {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
double seconds(Timestamp t) { return static_cast<double>(epoch_ms(t)) / 1000.0; }

// A label's value has to be UTF-8; names come from a configuration that a person wrote.
Labels clean(Labels labels) {
  for (auto& label : labels)
    if (!is_utf8(label.value)) label.value = "not UTF-8";
  return labels;
}

class Families {
public:
  // Starts a family; the samples that follow are its own. One without samples is left out.
  void counter(std::string name, std::string help) { start(std::move(name), std::move(help), MetricType::Counter); }
  void gauge(std::string name, std::string help) { start(std::move(name), std::move(help), MetricType::Gauge); }
  template <class N>
  void sample(Labels labels, N value) {
    ClientMetric metric;
    metric.label = clean(std::move(labels));
    if (all_.back().type == MetricType::Counter)
      metric.counter.value = static_cast<double>(value);
    else
      metric.gauge.value = static_cast<double>(value);
    all_.back().metric.push_back(std::move(metric));
  }
  std::string text() {
    std::erase_if(all_, [](const MetricFamily& family) { return family.metric.empty(); });
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, all_);
    return out.str();
  }

private:
  void start(std::string name, std::string help, MetricType type) {
    MetricFamily family;
    family.name = "capstan_" + std::move(name);
    family.help = std::move(help);
    family.type = type;
    all_.push_back(std::move(family));
  }
  std::vector<MetricFamily> all_;
};

Labels labels_of(const runtime::SourceStatus& source, const runtime::FeedStatus& feed) {
  return {{"source", source.name}, {"tenant", source.tenant}, {"feed", feed.name}};
}
Labels labels_of(const runtime::SourceStatus& source) { return {{"source", source.name}, {"tenant", source.tenant}}; }
Labels labels_of(const runtime::RouteStatus& route) { return {{"route", route.name}, {"sink", route.sink}}; }

// Every value that a state label may have is always there, with 0 or 1: an alert on `== 1` never misses its series.
template <class State>
void one_of(Families& families, const Labels& labels, State now, std::initializer_list<State> states) {
  for (const State state : states) {
    Labels with = labels;
    std::string word(runtime::to_string(state));
    for (char& c : word) c = c == ' ' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    with.push_back({"state", std::move(word)});
    families.sample(std::move(with), state == now ? 1 : 0);
  }
}

void program(Families& families, const runtime::Status& status, std::string_view version) {
  families.gauge("build_info", "Always 1; the version is a label.");
  families.sample({{"version", std::string(version)}}, 1);
  families.gauge("start_time_seconds", "When the process started, in seconds since the epoch.");
  families.sample({}, seconds(status.started));
  families.gauge("uptime_seconds", "How long the process runs, by a clock that does not jump.");
  families.sample({}, seconds(status.uptime));
  families.gauge("resident_memory_bytes", "Resident memory of the process.");
  families.sample({}, status.memory.resident_bytes);
  families.gauge("resident_memory_peak_bytes", "The most resident memory the process has had.");
  families.sample({}, status.memory.peak_bytes);
  families.counter("clock_jumps_total", "Times that the machine's clock jumped.");
  families.sample({}, status.clock_jumps);
  families.counter("reloads_total", "Times that the configuration was read anew, by what came of it.");
  const runtime::ReloadStatus& reload = status.reload;
  families.sample({{"outcome", "changed"}}, reload.changed);
  families.sample({{"outcome", "unchanged"}}, reload.unchanged);
  families.sample({{"outcome", "refused"}}, reload.refused);
  families.sample({{"outcome", "failed"}}, reload.failed);
  families.gauge("last_reload_timestamp_seconds", "When the configuration was last read anew.");
  if (reload.last) families.sample({}, seconds(*reload.last));
  families.gauge("ready", "1 when every stage makes progress or has nothing to do, as /readyz says.");
  families.sample({}, status.is_ready() ? 1 : 0);
  families.gauge("stalled_seconds", "Stages that have work and make no progress, and for how long.");
  for (const auto& stage : status.stalled) families.sample({{"stage", stage.stage}}, seconds(stage.since));
}

void sources(Families& families, const runtime::Status& status) {
  families.gauge("source_state", "State of a source; 1 for the state that it is in.");
  for (const auto& source : status.sources) {
    using enum runtime::SourceState;
    one_of(families, labels_of(source), source.state, {created, connected, connection_error, disconnected});
  }
  families.gauge("source_held", "1 when the source waits for a person to act (a refused secret, a full journal).");
  for (const auto& source : status.sources) families.sample(labels_of(source), source.is_held ? 1 : 0);
  families.counter("source_polls_total", "Times that a source was asked for what is new.");
  for (const auto& source : status.sources) families.sample(labels_of(source), source.polls);
  families.counter("source_poll_errors_total", "Times that asking a source ended with an error.");
  for (const auto& source : status.sources) families.sample(labels_of(source), source.poll_errors);
}

// One family over all feeds of all sources.
template <class Value>
void over_feeds(Families& families, const runtime::Status& status, Value value) {
  for (const auto& source : status.sources)
    for (const auto& feed : source.feeds)
      if (const auto v = value(feed)) families.sample(labels_of(source, feed), *v);
}

void feeds(Families& families, const runtime::Status& status) {
  using runtime::FeedStatus;
  const auto count = [&](std::string name, std::string help, std::uint64_t FeedStatus::* member) {
    families.counter(std::move(name), std::move(help));
    over_feeds(families, status, [member](const FeedStatus& feed) { return std::optional(feed.*member); });
  };
  count("events_received_total", "Records read from the service, before de-duplication: kept + duplicate.",
        &FeedStatus::records);
  count("events_kept_total", "Records written to the journal.", &FeedStatus::journaled);
  count("events_duplicate_total", "Records seen before and left out.", &FeedStatus::duplicates);
  count("events_updated_total", "Of the kept: records of a known id with other content (a changed alert).",
        &FeedStatus::updates);
  count("events_quarantined_total", "Of the kept: records that are no readable JSON object.", &FeedStatus::quarantined);
  count("events_passed_over_total", "Records that the service could not show and that were passed over.",
        &FeedStatus::passed_over);
  families.gauge("feed_up", "1 when the feed was asked without an error last.");
  over_feeds(families, status,
             [](const FeedStatus& feed) { return std::optional(!feed.code && feed.last_ok.has_value() ? 1 : 0); });
  families.gauge("feed_held", "1 when the feed waits for a person to act (a missing permission, a refused secret).");
  over_feeds(families, status, [](const FeedStatus& feed) { return std::optional(feed.is_held ? 1 : 0); });
  const auto span = [&](std::string name, std::string help, std::optional<Duration> FeedStatus::* member) {
    families.gauge(std::move(name), std::move(help));
    over_feeds(families, status, [member](const FeedStatus& feed) -> std::optional<double> {
      return feed.*member ? std::optional(seconds(*(feed.*member))) : std::nullopt;
    });
  };
  span("feed_lag_seconds",
       "How far the newest record that was read lies behind now; 0 when there is nothing to ask for.",
       &FeedStatus::lag);
  span("feed_lateness_seconds", "How late the service saves records after they happened, the 99th percentile.",
       &FeedStatus::lateness);
  span("feed_catch_up_seconds", "Until the feed has caught up at the present speed; 0 when it has.",
       &FeedStatus::time_to_catch_up);
  families.gauge("feed_page_size", "The most records that the service was seen to give at once while it had more.");
  over_feeds(families, status, [](const FeedStatus& feed) { return feed.pace.page_size; });
  families.gauge("feed_arriving_events_per_second", "Records that the tenant makes, by their saved time.");
  over_feeds(families, status, [](const FeedStatus& feed) { return feed.pace.arriving_per_second; });
  families.gauge("feed_possible_events_per_second", "What the request budget lets through in pages of that size.");
  over_feeds(families, status, [](const FeedStatus& feed) { return feed.pace.possible_per_second; });
  families.gauge("feed_outpaced", "1 when the feed is behind and more comes than the request budget lets through.");
  over_feeds(families, status, [](const FeedStatus& feed) { return std::optional(feed.pace.is_outpaced ? 1 : 0); });
  families.gauge("feed_last_ok_timestamp_seconds", "When the feed was last asked without an error.");
  over_feeds(families, status, [](const FeedStatus& feed) -> std::optional<double> {
    return feed.last_ok ? std::optional(seconds(*feed.last_ok)) : std::nullopt;
  });
}

void journals(Families& families, const runtime::Status& status) {
  families.gauge("journal_bytes", "Size of the source's journal on disk.");
  for (const auto& source : status.sources) families.sample(labels_of(source), source.journal.bytes);
  families.gauge("journal_segments", "Segment files of the source's journal.");
  for (const auto& source : status.sources) families.sample(labels_of(source), source.journal.segments);
  families.counter("journal_records_total", "Records appended since the journal was made.");
  for (const auto& source : status.sources) families.sample(labels_of(source), source.journal.records);
  families.counter("journal_damaged_frames_total", "Damaged parts of the journal that were passed over.");
  for (const auto& source : status.sources) families.sample(labels_of(source), source.journal.damaged_frames);
  families.gauge("journal_truncated_bytes", "Torn end of the journal that was cut when it was opened.");
  for (const auto& source : status.sources) families.sample(labels_of(source), source.journal.truncated_bytes);
  families.gauge("index_ids", "Ids that de-duplication remembers.");
  for (const auto& source : status.sources) families.sample(labels_of(source), source.index_size);
}

// One family over all feeds that are proved continuously.
template <class Value>
void over_proofs(Families& families, const runtime::Status& status, Value value) {
  for (const auto& source : status.sources)
    for (const auto& feed : source.proof.feeds)
      if (const auto v = value(feed))
        families.sample({{"source", source.name}, {"tenant", source.tenant}, {"feed", feed.feed}}, *v);
}

void proofs(Families& families, const runtime::Status& status) {
  using runtime::ProofFeedStatus;
  using runtime::ProofStatus;
  families.gauge("proved_until_timestamp_seconds",
                 "All that was saved before this time, by the service's clock, and is shown is journaled.");
  over_proofs(families, status, [](const ProofFeedStatus& feed) {
    return feed.proved_until ? std::optional(seconds(*feed.proved_until)) : std::nullopt;
  });
  families.gauge("route_proved_until_timestamp_seconds", "The same, and the route has delivered all of it.");
  for (const auto& route : status.routes)
    for (const auto& cursor : route.cursors)
      for (const auto& proof : cursor.proof)
        if (proof.proved_until)
          families.sample(
              {{"route", route.name}, {"sink", route.sink}, {"source", cursor.source}, {"feed", proof.feed}},
              seconds(*proof.proved_until));
  families.gauge("proof_windows_not_proved", "Hours of the last month that are missing something or not comparable.");
  over_proofs(families, status,
              [](const ProofFeedStatus& feed) { return std::optional(feed.missing + feed.not_comparable); });
  families.gauge("proof_events_repaired",
                 "Of the last month: events that appeared late and were collected by the proof.");
  over_proofs(families, status, [](const ProofFeedStatus& feed) { return std::optional(feed.repaired); });
  const auto count = [&](std::string name, std::string help, std::uint64_t ProofStatus::* member) {
    families.counter(std::move(name), std::move(help));
    for (const auto& source : status.sources)
      if (source.proof.is_enabled) families.sample(labels_of(source), source.proof.*member);
  };
  count("proof_polls_total", "Steps in which the continuous proof asked the service.", &ProofStatus::polls);
  count("proof_comparisons_total", "Questions of the continuous proof that were answered to their end.",
        &ProofStatus::comparisons);
  count("proof_events_read_total", "Events that the continuous proof was shown.", &ProofStatus::records_read);
  count("proof_repaired_total", "Events that were missing and collected by the proof.", &ProofStatus::repaired);
  families.gauge("journal_damaged_places", "Damaged places of the journal that are not asked for again yet.");
  for (const auto& source : status.sources)
    if (source.proof.is_enabled) families.sample(labels_of(source), source.proof.damaged_places);
}

void routes(Families& families, const runtime::Status& status) {
  using runtime::RouteStatus;
  const auto each = [&](auto value) {
    for (const auto& route : status.routes) families.sample(labels_of(route), value(route));
  };
  const auto count = [&](std::string name, std::string help, std::uint64_t RouteStatus::* member) {
    families.counter(std::move(name), std::move(help));
    each([member](const RouteStatus& route) { return route.*member; });
  };
  count("events_delivered_total", "Events that the destination has accepted.", &RouteStatus::delivered);
  count("events_dropped_total", "Events that the route's rule left out.", &RouteStatus::dropped);
  count("events_rejected_total", "Events that cannot be delivered and are kept as dead letters.",
        &RouteStatus::rejected);
  count("events_resent_total", "Messages that may be at the destination once more; never fewer than there are.",
        &RouteStatus::resent);
  count("events_cut_total", "Events that were shortened to the destination's limit.", &RouteStatus::cut);
  count("events_lost_to_retention_total", "Events removed from the journal before the route had them.",
        &RouteStatus::lost_to_retention);
  count("events_lost_to_damage_total", "Events destroyed in the journal before the route had them.",
        &RouteStatus::lost_to_damage);
  count("delivered_bytes_total", "Encoded bytes that the destination has accepted.", &RouteStatus::delivered_bytes);
  count("delivery_attempts_total", "Attempts to deliver a payload.", &RouteStatus::attempts);
  count("delivery_errors_total", "Attempts that ended with an error.", &RouteStatus::errors);
  families.gauge("route_state", "State of a route; 1 for the state that it is in.");
  for (const auto& route : status.routes) {
    using enum runtime::RouteState;
    one_of(families, labels_of(route), route.state, {idle, delivering, retrying, held, stopped});
  }
  families.gauge("backlog_records", "Events that wait in the journal for the route, exactly.");
  each([](const RouteStatus& route) { return route.backlog_records; });
  families.gauge("backlog_bytes", "Journal that waits for the route; 0 when everything is delivered.");
  each([](const RouteStatus& route) { return route.backlog_bytes; });
  families.gauge("route_lag_seconds", "Age of the oldest event that is not delivered; 0 when everything is.");
  for (const auto& route : status.routes)
    if (route.lag) families.sample(labels_of(route), seconds(*route.lag));
  families.gauge("last_delivery_timestamp_seconds", "When the destination last accepted something.");
  for (const auto& route : status.routes)
    if (route.last_delivery) families.sample(labels_of(route), seconds(*route.last_delivery));
}

void tenants(Families& families, const runtime::Status& status) {
  families.gauge("tenant_requests_per_minute_limit", "Request budget of the tenant.");
  for (const auto& tenant : status.tenants) families.sample({{"tenant", tenant.name}}, tenant.requests_per_minute);
  families.gauge("tenant_requests_last_minute", "Requests to the tenant in the last 60 seconds.");
  for (const auto& tenant : status.tenants) families.sample({{"tenant", tenant.name}}, tenant.recent);
  families.counter("tenant_pauses_total", "Times that the service asked for a pause (429, Retry-After).");
  for (const auto& tenant : status.tenants) families.sample({{"tenant", tenant.name}}, tenant.pauses);
}

void tables(Families& families, const runtime::Status& status) {
  const auto labels_of_table = [](const runtime::TableStatus& table) {
    return Labels{{"table", table.name}, {"from", table.from}};
  };
  families.gauge("table_rows", "Rows that rules look up in.");
  for (const auto& table : status.tables) families.sample(labels_of_table(table), table.rows);
  families.gauge("table_bytes", "Memory that the rows of a lookup table take, without its indexes.");
  for (const auto& table : status.tables) families.sample(labels_of_table(table), table.bytes);
  families.gauge("table_loaded_timestamp_seconds", "When the rows that are in use were read.");
  for (const auto& table : status.tables)
    if (table.loaded) families.sample(labels_of_table(table), seconds(*table.loaded));
  families.counter("table_reloads_total", "Times that a lookup table was replaced by a newer one.");
  for (const auto& table : status.tables) families.sample(labels_of_table(table), table.reloads);
}

// 1 for each part that has an error now, with its code: to alert on, and to explain with `capstan explain CODE`.
void errors(Families& families, const runtime::Status& status) {
  families.gauge("error", "1 for every part that is stopped by an error at the moment; the code is a label.");
  const auto say = [&](std::string part, std::string name, ErrorCode code) {
    families.sample({{"part", std::move(part)},
                     {"name", std::move(name)},
                     {"code", label(code)},
                     {"class", std::string(to_string(entry(code).error_class))}},
                    1);
  };
  for (const auto& source : status.sources) {
    if (source.code) say("source", source.name, *source.code);
    for (const auto& feed : source.feeds)
      if (feed.code) say("feed", source.name + "/" + feed.name, *feed.code);
  }
  for (const auto& route : status.routes)
    if (route.code) say("route", route.name, *route.code);
  for (const auto& table : status.tables)
    if (table.code) say("table", table.name + " from " + table.from, *table.code);
}

}  // namespace

std::string metrics_text(const runtime::Status& status, std::string_view version) {
  Families families;
  program(families, status, version);
  tenants(families, status);
  sources(families, status);
  feeds(families, status);
  journals(families, status);
  routes(families, status);
  proofs(families, status);
  tables(families, status);
  errors(families, status);
  return families.text();
}

}  // namespace capstan::api
