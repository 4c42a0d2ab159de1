#include "runtime/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "config/document.h"
#include "engine_equipment.h"
#include "place_database.h"

namespace capstan::runtime {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct SourceOptions {
  std::string tenant;
};

class PlanTest : public testing::Test {
protected:
  PlanTest() {
    Kind<Source> source;
    source.name = "scripted";
    source.make = [](const config::Node& node, const BuildContext& context,
                     config::Findings& findings) -> std::unique_ptr<Source> {
      config::Schema<SourceOptions> schema;
      schema.option("tenant", &SourceOptions::tenant, "whose");
      const SourceOptions options = schema.decode(node, "source " + context.name, findings);
      if (!options.tenant.empty() && context.tenant(options.tenant) == nullptr) {
        findings.add(ErrorCode::unknown_name, node.place, "there is no tenant \"" + options.tenant + "\"");
        return nullptr;
      }
      return std::make_unique<equipment::ScriptedSource>(std::vector<equipment::Answer>{});
    };
    registry_.sources.add(std::move(source));
    Kind<Encoder> encoder;
    encoder.name = "raw";
    encoder.make = [](const config::Node& node, const BuildContext&, config::Findings& findings) {
      config::Schema<SourceOptions>().decode(node, "encoder raw", findings);
      return std::make_unique<equipment::RawEncoder>();
    };
    registry_.encoders.add(std::move(encoder));
    Kind<Sink> sink;
    sink.name = "inbox";
    sink.make = [](const config::Node& node, const BuildContext& context, config::Findings& findings) {
      config::Schema<SourceOptions>().decode(node, "sink " + context.name, findings);
      return std::make_unique<equipment::InboxSink>(std::make_shared<equipment::Inbox>());
    };
    registry_.sinks.add(std::move(sink));
  }

  std::optional<Plan> make(const std::string& yaml) {
    config::Findings findings;
    const config::References references{.environment = [](const std::string&) { return "secret"; }, .files = &files_};
    const config::Node root = config::parse(yaml, "capstan.yaml", references, findings);
    auto plan = make_plan(root, registry_, world_, findings);
    found_.clear();
    for (const config::Finding& finding : findings.all()) found_.push_back(to_string(finding));
    return plan;
  }

  static std::string good() {
    return "data_dir: /data\n"
           "tenants:\n"
           "  contoso:\n"
           "    api_url: https://contoso.example\n"
           "    auth: {method: oauth2, tenant_id: t, client_id: c, client_secret: '${env:S}'}\n"
           "sources:\n"
           "  one: {type: scripted, tenant: contoso}\n"
           "sinks:\n"
           "  siem: {type: inbox}\n"
           "routes:\n";
  }

  equipment::ManualClock clock_;
  PosixFileSystem files_;
  equipment::NoHttp http_;
  World world_{clock_, files_, http_};
  Registry registry_;
  std::vector<std::string> found_;
};

TEST_F(PlanTest, a_whole_configuration_becomes_a_plan) {
  const auto plan = make(good() +
                         "  all: {from: one, encode: {format: raw}, to: siem, batch: {max_events: 5}}\n"
                         "  some: {from: [one], feeds: [alerts], encode: raw, to: siem}\n"
                         "journal: {max_age: 3d, when_full: drop_oldest}\n"
                         "api: {listen: '127.0.0.1:1234'}\n"
                         "log: {level: debug, format: json}\n");
  EXPECT_THAT(found_, IsEmpty());
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->data_dir, "/data");
  EXPECT_EQ(plan->journal.max_age, std::chrono::hours(72));
  EXPECT_EQ(plan->journal.when_full, store::JournalOptions::WhenFull::drop_oldest);
  EXPECT_EQ(plan->api.listen, "127.0.0.1:1234");
  EXPECT_EQ(plan->log.format, log::Format::json);
  ASSERT_EQ(plan->sources.size(), 1U);
  EXPECT_EQ(plan->sources[0].tenant, "contoso");
  EXPECT_NE(plan->sources[0].make_another(), nullptr);
  ASSERT_EQ(plan->routes.size(), 2U);
  EXPECT_EQ(plan->routes[0].batch.max_events, 5U);
  EXPECT_THAT(plan->routes[1].feeds, ElementsAre("alerts"));
  EXPECT_NE(plan->routes[0].sink, plan->routes[1].sink);
}

TEST_F(PlanTest, every_mistake_is_found_with_its_place) {
  EXPECT_FALSE(
      make("data_dir: /data\n"
           "jurnal: {}\n"
           "sources:\n"
           "  one: {type: scripted, tenant: contso}\n"
           "  two: {type: scriptd}\n"
           "  three: {type: scripted}\n"
           "sinks:\n"
           "  siem: {type: inbox, adress: x}\n"
           "routes:\n"
           "  a: {from: thre, encode: {format: rav}, to: sim}\n"
           "  b: {from: three, feeds: [alert], encode: {}, to: siem, query: 'sorce'}\n"
           "  c: {to: siem}\n"));
  const auto said = testing::PrintToString(found_);
  for (const char* part :
       {"capstan.yaml:2:1: there is no option \"jurnal\"", "did you mean \"journal\"",
        "capstan.yaml:4:", "no tenant \"contso\"",
        "capstan.yaml:5:15: source two: there is no type \"scriptd\"; did you mean \"scripted\"?",
        "no option \"adress\"", "capstan.yaml:10:13: route a: there is no source \"thre\"; did you mean \"three\"?",
        "there is no format \"rav\"; did you mean \"raw\"?", "there is no sink \"sim\"; did you mean \"siem\"?",
        "capstan.yaml:11:27: route b: there is no feed \"alert\"; did you mean \"alerts\"?",
        "route b: encode needs the option \"format\"", "there is no table \"sorce\"; did you mean \"source\"?",
        "route c needs the option \"from\"", "route c needs the option \"encode\""}) {
    bool is_found = false;
    for (const std::string& one : found_) is_found = is_found || one.find(part) != std::string::npos;
    EXPECT_TRUE(is_found) << part << "\nin " << said;
  }
}

TEST_F(PlanTest, a_rule_uses_a_secret_by_its_name) {
  const std::string route =
      "  all: {from: one, encode: raw, to: siem, query: 'source | extend who = hmac_sha256(name, \"people\")'}\n";
  EXPECT_TRUE(make(good() + route + "secrets: {people: '${env:A_LONGER_ONE}${env:A}${env:B}'}\n"));
  EXPECT_THAT(found_, IsEmpty());
  EXPECT_FALSE(make(good() + route + "secrets: {persons: '${env:A}${env:B}${env:C}'}\n"));
  ASSERT_EQ(found_.size(), 1U);
  EXPECT_THAT(found_[0], HasSubstr("there is no secret \"people\""));
  EXPECT_FALSE(make(good() + route));
  ASSERT_EQ(found_.size(), 1U);
  EXPECT_THAT(found_[0], HasSubstr("name one under \"secrets\""));
}

TEST_F(PlanTest, a_rule_asks_the_database_of_places) {
  const std::string route =
      "  all: {from: one, encode: raw, to: siem, query: 'source | extend where = geo_location(ip)'}\n";
  const std::string path = testing::TempDir() + "/plan_places_" + std::to_string(::getpid()) + ".mmdb";
  capstan::equipment::PlaceDatabase().write(path);
  EXPECT_TRUE(make(good() + route + "geo: {database: " + path + "}\n"));
  EXPECT_THAT(found_, IsEmpty());
  std::filesystem::remove(path);
  EXPECT_FALSE(make(good() + route + "geo: {database: " + path + "}\n"));
  EXPECT_THAT(found_, Contains(HasSubstr("capstan.yaml:12:6: geo: opening the database of places")));
  EXPECT_FALSE(make(good() + route + "geo: {}\n"));
  EXPECT_THAT(found_, Contains(HasSubstr("geo needs the option \"database\"")));
}

TEST_F(PlanTest, a_secret_is_given_by_reference_and_is_long_enough) {
  EXPECT_FALSE(make(good() + "  all: {from: one, encode: raw, to: siem}\nsecrets: {people: in-the-open}\n"));
  ASSERT_EQ(found_.size(), 1U);
  EXPECT_THAT(found_[0], HasSubstr("secret people: expected a reference"));
  EXPECT_THAT(found_[0], Not(HasSubstr("in-the-open")));
  EXPECT_TRUE(make(good() + "  all: {from: one, encode: raw, to: siem}\nsecrets: {people: '${env:A}'}\n"));
  ASSERT_EQ(found_.size(), 1U);
  EXPECT_THAT(found_[0], HasSubstr("expected 16 bytes or more, got 6"));
}

TEST_F(PlanTest, names_that_cannot_be_directories_are_refused) {
  EXPECT_FALSE(make(good() + "  ../up: {from: one, encode: raw, to: siem}\n"));
  ASSERT_EQ(found_.size(), 1U);
  EXPECT_THAT(found_[0], HasSubstr("capstan.yaml:11:3"));
}

TEST_F(PlanTest, what_makes_no_sense_together_is_refused) {
  EXPECT_FALSE(
      make(good() + "  all: {from: one, encode: raw, to: siem}\njournal: {segment_size: 1GiB, max_bytes: 1GiB}\n"));
  ASSERT_EQ(found_.size(), 1U);
  EXPECT_THAT(found_[0], HasSubstr("E1010"));
  EXPECT_FALSE(make(good() + "  all: {from: [one, one], encode: raw, to: siem}\n"));
  ASSERT_EQ(found_.size(), 1U);
  EXPECT_THAT(found_[0], HasSubstr("stands twice"));
}

TEST_F(PlanTest, a_source_that_nobody_takes_from_is_a_warning) {
  std::string yaml = good() + "  all: {from: one, encode: raw, to: siem}\n";
  yaml.replace(yaml.find("sinks:"), 0, "  lonely: {type: scripted}\n");
  EXPECT_TRUE(make(yaml));
  ASSERT_EQ(found_.size(), 1U);
  EXPECT_THAT(found_[0], HasSubstr("source lonely: no route takes from it"));
}

// A table beside nothing but itself; the name is the test's.
class PlanTables : public PlanTest {
protected:
  PlanTables()
      : file_(std::filesystem::temp_directory_path() / ("capstan-plan-" + std::to_string(::getpid()) + ".csv")) {}
  ~PlanTables() override { std::filesystem::remove(file_); }
  std::string with_table(std::string_view content, const std::string& query, const std::string& more = {}) const {
    std::ofstream(file_) << content;
    return good() + "  all: {from: one, encode: raw, to: siem, query: '" + query + "'}\n" +
           "tables:\n  offices: {file: " + file_.string() + more + "}\n";
  }
  std::filesystem::path file_;
};

TEST_F(PlanTables, a_rule_looks_up_in_a_table_of_the_configuration) {
  const auto plan = make(with_table("city,office\nBern,B1\n", "source | lookup offices on city", ", reload: 5m"));
  EXPECT_THAT(found_, IsEmpty());
  ASSERT_TRUE(plan);
  const TablesInUse& tables = plan->routes[0].tables;
  ASSERT_EQ(tables.files.size(), 1U);
  EXPECT_EQ(tables.files[0]->options().reload, std::chrono::minutes(5));
  EXPECT_THAT(plan->routes[0].rule->tables(), ElementsAre(tables.files[0]->live()));
  EXPECT_THAT(tables.subnets, IsEmpty());
  EXPECT_TRUE(plan->routes[0].facts.contains("table offices: reload"));
}

TEST_F(PlanTables, a_broken_table_is_one_finding_with_its_line) {
  EXPECT_FALSE(make(with_table("city,office\nBern\n", "source | lookup offices on city")));
  ASSERT_EQ(found_.size(), 1U) << testing::PrintToString(found_);
  EXPECT_THAT(found_[0],
              HasSubstr("capstan.yaml:13:19: table offices: " + file_.string() + ":2: expected 2 cells, got 1"));
  EXPECT_FALSE(make(with_table("city,office\n", "source", ", schema: 'city:text'")));
  ASSERT_EQ(found_.size(), 1U) << testing::PrintToString(found_);
  EXPECT_THAT(found_[0], HasSubstr("table offices: reading the schema \"city:text\""));
  EXPECT_FALSE(make(with_table("city,office\n", "source", ", reload: 1ms")));
  EXPECT_THAT(found_, ElementsAre(HasSubstr("expected 1s to 1d")));
}

TEST_F(PlanTables, a_table_that_is_not_there_comes_with_the_nearest) {
  EXPECT_FALSE(make(with_table("city\n", "source | lookup offces on city")));
  EXPECT_THAT(found_, ElementsAre(HasSubstr("there is no table \"offces\" to look up in; did you mean \"offices\"?")));
  EXPECT_FALSE(make(with_table("city\n", "source | evaluate ipv4_lookup(subnets, ip, range)")));
  EXPECT_THAT(found_, ElementsAre(HasSubstr("there is no table \"subnets\" to look up in")));
}

}  // namespace
}  // namespace capstan::runtime
