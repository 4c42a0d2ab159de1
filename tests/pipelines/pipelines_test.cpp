// Runs every *.golden beside it: records through an encoder of the registry, compared line by line.
//
//   == encode      the route's `encode` as YAML
//   == rule        the route's `query`; may be left out
//   == feed        the records' feed; a second word: updated, quarantined
//   == records     one a line
//   == expect      one message a line
//
// CAPSTAN_WRITE_GOLDEN=1 writes what came out into the files, for a person to read before it is kept.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "app/components.h"
#include "base/clock.h"
#include "config/document.h"
#include "event/batch.h"
#include "event/json_record.h"
#include "runtime/transform.h"

namespace capstan {
namespace {

using Sections = std::map<std::string, std::string>;

Sections read_sections(const std::filesystem::path& path) {
  std::ifstream in(path);
  Sections sections;
  std::string name = "about";
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("== ")) {
      name = line.substr(3);
    } else {
      sections[name] += line + "\n";
    }
  }
  return sections;
}

class NoHttp final : public net::HttpClient {
public:
  Result<net::Response> send(const net::Request&, const Call&) override {
    return Error(ErrorCode::connection_failed, "an encoder asked for HTTP");
  }
};

std::string number_or_zero(JsonReader& reader, std::string_view member) {
  const auto number = reader.integer(member);
  return number ? std::to_string(*number) : "0";
}

std::string rule_of(const Sections& sections) { return sections.contains("rule") ? sections.at("rule") : ""; }

std::string run(const Sections& sections) {
  SystemClock clock;
  PosixFileSystem files;
  NoHttp http;
  World world{clock, files, http};
  const BuildContext context{world, "golden", {}};
  config::Findings findings;
  const config::Node options =
      config::parse(sections.at("encode"), "encode", config::system_references(files), findings);
  const config::Node* format = options.find("format");
  const Kind<Encoder>* kind = app::builtin_components().encoders.find(format == nullptr ? "" : format->scalar);
  if (kind == nullptr) return "there is no such format\n";
  config::Node rest = options;
  std::erase_if(rest.members, [](const config::Node::Member& member) { return member.key == "format"; });
  const auto encoder = kind->make(rest, context, findings);
  std::string out;
  for (const config::Finding& finding : findings.all()) out += config::to_string(finding) + "\n";
  if (!encoder) return out;

  std::istringstream feed_line(sections.at("feed"));
  std::string feed;
  std::string what;
  feed_line >> feed >> what;
  std::istringstream records(sections.at("records"));
  JsonReader reader;
  const std::vector<std::string> feeds{feed};
  const std::string rule = rule_of(sections);
  std::vector<runtime::TransformProblem> problems;
  const auto transform = runtime::Transform::compile(rule, kql::schema_of_feeds(feeds), feeds, *encoder, problems);
  for (const runtime::TransformProblem& problem : problems) out += runtime::to_string(problem) + "\n";
  if (!transform) return out;
  runtime::TransformRun run(transform);
  for (std::string raw; std::getline(records, raw);) {
    RecordView record;
    record.feed = feed;
    record.kind = what == "updated" ? RecordKind::updated : RecordKind::created;
    record.is_quarantined = !reader.open(raw).has_value();
    const std::string id = record.is_quarantined ? "sha:0" : reader.text("_id").value_or("");
    record.id = id;
    record.raw = raw;
    record.event_time = from_epoch_ms(record.is_quarantined ? 0 : std::stoll(number_or_zero(reader, "timestamp")));
    Batch batch;
    EXPECT_TRUE(batch.add(record).has_value());
    const kql::Envelope envelope{"contoso", "mdca", from_epoch_ms(1'800'000'000'000)};
    const Result<> encoded = run.append(batch[0], envelope, out, [&] { out += "\n"; });
    if (!encoded) out += encoded.error().text() + "\n";
  }
  return out;
}

TEST(Pipelines, GiveWhatTheirFilesSay) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(CAPSTAN_PIPELINES)) {
    if (entry.path().extension() != ".golden") continue;
    ++count;
    const Sections sections = read_sections(entry.path());
    const std::string got = run(sections);
    if (std::getenv("CAPSTAN_WRITE_GOLDEN") != nullptr) {
      std::ofstream out(entry.path());
      out << sections.at("about") << "== encode\n"
          << sections.at("encode") << (rule_of(sections).empty() ? "" : "== rule\n") << rule_of(sections) << "== feed\n"
          << sections.at("feed") << "== records\n"
          << sections.at("records") << "== expect\n"
          << got;
      continue;
    }
    EXPECT_EQ(got, sections.contains("expect") ? sections.at("expect") : "") << entry.path().filename();
  }
  std::cout << count << " golden pipelines\n";
  EXPECT_GT(count, 5U);
}

}  // namespace
}  // namespace capstan
