#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "api/status_json.h"
#include "app/components.h"
#include "app/program.h"
#include "command.h"
#include "command_line.h"
#include "demo_view.h"
#include "status_text.h"
#include "table.h"
#include "verify_report.h"

namespace capstan::app {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Said {
  int exit = 0;
  std::string out;
  std::string err;
};

Said say(const std::vector<std::string>& words, const std::string& typed = {}) {
  std::istringstream in(typed);
  std::ostringstream out;
  std::ostringstream err;
  Streams streams{.in = in, .out = out, .err = err};
  const int code = app::main(words, streams);
  return {code, out.str(), err.str()};
}

class Program : public testing::Test {
protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "capstan_app_" + std::to_string(::getpid());
    std::filesystem::create_directories(directory_);
    ::setenv("APP_TEST_SECRET", "s3cr3t-of-the-test", 1);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ + "/" + name) << text;
    return directory_ + "/" + name;
  }
  std::string read(const std::string& path) const {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  std::string configuration() const {
    return "data_dir: " + directory_ +
           "/data\n"
           "api: {enabled: false}\n"
           "tenants:\n  contoso: {api_url: 'https://contoso.example', auth: {method: oauth2, tenant_id: t, client_id: "
           "c, client_secret: '${env:APP_TEST_SECRET}'}}\n"
           "sources:\n  mdca: {type: mdca, tenant: contoso, feeds: [activities]}\n"
           "sinks:\n  out: {type: file, path: " +
           directory_ +
           "/out.ndjson}\n"
           "routes:\n  all: {from: mdca, encode: {format: json}, to: out}\n";
  }

  std::string directory_;
};

// ---- the command line -----------------------------------------------------------------------------------------------

TEST_F(Program, HelpNamesEveryCommandThatIsNotHidden) {
  const Said help = say({"--help"});
  EXPECT_EQ(help.exit, exit_done);
  for (const Command& command : commands()) {
    if (command.is_hidden)
      EXPECT_THAT(help.out, Not(HasSubstr("  " + command.name + " ")));
    else
      EXPECT_THAT(help.out, HasSubstr("  " + command.name + " "));
  }
}

TEST_F(Program, HelpOfEveryCommandNamesEveryOption) {
  for (const Command& command : commands()) {
    std::vector<std::string> words;
    std::istringstream name(command.name);
    for (std::string word; name >> word;) words.push_back(word);
    words.emplace_back("--help");
    const Said help = say(words);
    EXPECT_EQ(help.exit, exit_done) << command.name << help.err;
    for (const Option& option : command.all_options()) EXPECT_THAT(help.out, HasSubstr(written(option)));
    EXPECT_FALSE(command.summary.empty());
    EXPECT_TRUE(command.run != nullptr) << command.name;
  }
}

TEST_F(Program, EveryExampleIsUnderstood) {
  for (const Command& command : commands())
    for (const Example& example : command.examples) {
      const std::size_t begin = example.line.find("capstan ");
      ASSERT_NE(begin, std::string::npos) << example.line;
      std::istringstream line(example.line.substr(begin + 8));
      std::vector<std::string> words;
      for (std::string word; line >> word && word != ">" && word != "|";) {
        if (word.ends_with(')')) word.pop_back();
        words.push_back(word);
      }
      const auto understood = read_command_line(words);
      EXPECT_TRUE(understood.has_value()) << example.line << ": " << understood.error().text();
    }
}

TEST_F(Program, WrongUsageSuggestsTheNearest) {
  const Said command = say({"verfy"});
  EXPECT_EQ(command.exit, exit_wrong_usage);
  EXPECT_THAT(command.err, HasSubstr("there is no command \"verfy\"; did you mean \"verify\"? [E1001]"));
  const Said option = say({"check", "--lvie"});
  EXPECT_EQ(option.exit, exit_wrong_usage);
  EXPECT_THAT(option.err,
              HasSubstr("there is no option \"--lvie\" in capstan check; did you mean \"--live\"? [E1001]"));
  const Said choice = say({"status", "--output", "jsn"});
  EXPECT_EQ(choice.exit, exit_wrong_usage);
  EXPECT_THAT(choice.err, HasSubstr("expected one of text, json, got \"jsn\"; did you mean \"json\"?"));
  EXPECT_EQ(say({}).exit, exit_wrong_usage);
  EXPECT_EQ(say({"journal"}).exit, exit_wrong_usage);
  EXPECT_THAT(say({"journal", "lss"}).err, HasSubstr("did you mean \"ls\"?"));
  EXPECT_THAT(say({"replay", "all"}).err, HasSubstr("capstan replay needs --since TIME"));
  EXPECT_THAT(say({"replay", "all", "--since", "yesterday"}).err, HasSubstr("expected a time such as"));
  EXPECT_THAT(say({"check", "-c"}).err, HasSubstr("needs a value"));
  EXPECT_THAT(say({"version", "more"}).err, HasSubstr("does not know what to do with \"more\""));
}

TEST_F(Program, OptionsMayStandAnywhereAndBeWrittenWithEquals) {
  const auto line = read_command_line({"replay", "--since=2d", "all", "--output", "json", "-c", "x.yaml"});
  ASSERT_TRUE(line.has_value()) << line.error().text();
  EXPECT_EQ(line->arguments.text("route"), "all");
  EXPECT_EQ(line->arguments.text("since"), "2d");
  EXPECT_EQ(line->arguments.text("config"), "x.yaml");
  const auto repeated = read_command_line({"journal", "cat", "mdca", "--feed", "alerts", "--feed", "files"});
  ASSERT_TRUE(repeated.has_value()) << repeated.error().text();
  EXPECT_EQ(repeated->arguments.all("feed"), (std::vector<std::string>{"alerts", "files"}));
  EXPECT_EQ(repeated->arguments.text("source"), "mdca");
}

TEST_F(Program, MomentsAreTimesOrHowLongAgo) {
  Arguments arguments;
  arguments.add("since", "2d");
  arguments.add("until", "2026-11-24T16:00:00Z");
  const Timestamp now = *parse_iso8601("2026-11-24T17:00:00Z");
  EXPECT_EQ(*arguments.moment("since", now), parse_iso8601("2026-11-22T17:00:00Z"));
  EXPECT_EQ(*arguments.moment("until", now), parse_iso8601("2026-11-24T16:00:00Z"));
  EXPECT_EQ(*arguments.moment("never", now), std::nullopt);
}

// ---- commands -------------------------------------------------------------------------------------------------------

TEST_F(Program, ExplainsErrorCodes) {
  const Said known = say({"explain", "E2003"});
  EXPECT_EQ(known.exit, exit_done);
  EXPECT_THAT(known.out, HasSubstr("E2003 throttled (retry)"));
  EXPECT_THAT(known.out, HasSubstr("what to do:"));
  EXPECT_EQ(say({"explain", "e2003"}).out, known.out);
  const Said unknown = say({"explain", "E9999"});
  EXPECT_EQ(unknown.exit, exit_wrong_usage);
  EXPECT_THAT(unknown.err, HasSubstr("[E1015]"));
  const Said all = say({"explain", "--list"});
  for (const ErrorEntry& entry : error_catalogue()) EXPECT_THAT(all.out, HasSubstr(label(entry.code)));
  EXPECT_EQ(say({"explain"}).exit, exit_wrong_usage);
}

TEST_F(Program, CheckTellsAllFindingsWithTheirPlaces) {
  const std::string file = write("capstan.yaml", R"(data_dir: /tmp/x
tenants:
  contoso: {api_url: 'https://a.example', auth: {method: oauth2, tenant_id: t, client_id: c, client_secret: '${env:APP_TEST_NO_SUCH}'}}
sources:
  mdca: {type: mdca, tenant: contso}
sinks:
  siem: {type: syslog, adress: '127.0.0.1:514', transport: carrier-pigeon}
routes:
  all: {from: mdca, encode: {format: cef}, to: siem}
)");
  const Said check = say({"check", "-c", file});
  EXPECT_EQ(check.exit, exit_configuration);
  for (const char* part : {"capstan.yaml:3:", "[E1007]", "capstan.yaml:5:", "[E1009]",
                           "capstan.yaml:7:", "there is no option \"adress\"", "did you mean \"address\"", "[E1005]"})
    EXPECT_THAT(check.out, HasSubstr(part));
  EXPECT_THAT(check.out, Not(HasSubstr("\x1b"))) << "colours are for terminals";
  const Said json = say({"check", "-c", file, "--output", "json"});
  EXPECT_THAT(json.out, HasSubstr(R"("is_good":false)"));
  EXPECT_THAT(json.out, HasSubstr(R"("code":"E1009")"));
  EXPECT_EQ(say({"run", "-c", file}).exit, exit_configuration);
}

TEST_F(Program, CheckSaysWhatIsDoubtfulAndWhatIsNotPortable) {
  const std::string file = write("capstan.yaml", R"(data_dir: /tmp/x
tenants:
  contoso: {api_url: 'https://a.example', auth: {method: token, token: '${env:PATH}'}}
sources:
  mdca: {type: mdca, tenant: contoso, feeds: [alerts]}
sinks:
  out: {type: stdout}
routes:
  all: {from: mdca, query: "source | where severityValu == 2 | mv-expand entities", encode: {format: cef}, to: out}
)");
  const Said check = say({"check", "-c", file});
  EXPECT_EQ(check.exit, exit_done) << check.out;
  EXPECT_THAT(check.out, HasSubstr("capstan.yaml:9:28: warning: route all: query:1:16: no column is called "
                                   "\"severityValu\", so it is read as a member of the record; did you mean "
                                   "\"severityValue\"? [E6002]\n  source | where"));
  EXPECT_THAT(check.out, HasSubstr("note: route all: query:1:36: \"mv-expand\" is not portable to a DCR\n"));
  EXPECT_THAT(say({"check", "-c", file, "--output", "json"}).out,
              HasSubstr(R"("not_portable":[{"route":"all","line":1,"column":36,)"));
}

TEST_F(Program, CheckReadsRulesFromFilesBesideTheConfiguration) {
  write("rule.kql", "source\n| where severityValue == 2\n| wher x == 1\n");
  const std::string with_both = R"(data_dir: /tmp/x
tenants:
  contoso: {api_url: 'https://a.example', auth: {method: token, token: '${env:PATH}'}}
sources:
  mdca: {type: mdca, tenant: contoso, feeds: [alerts]}
sinks:
  out: {type: stdout}
routes:
  one: {from: mdca, query_file: rule.kql, encode: {format: cef}, to: out}
  two: {from: mdca, query_file: nowhere.kql, encode: {format: cef}, to: out}
  three: {from: mdca, query: source, query_file: rule.kql, encode: {format: cef}, to: out}
)";
  const Said check = say({"check", "-c", write("capstan.yaml", with_both)});
  EXPECT_EQ(check.exit, exit_configuration);
  EXPECT_THAT(check.out, HasSubstr("capstan.yaml:9:33: route one: rule.kql:3:3: there is no operator \"wher\"; did you "
                                   "mean \"where\"? [E6002]\n  | wher x == 1\n    ^~~~"));
  EXPECT_THAT(check.out, HasSubstr("capstan.yaml:10:33: route two: query_file: "));
  EXPECT_THAT(check.out, HasSubstr("route three: expected query or query_file, got both [E1010]"));
}

TEST_F(Program, CheckOfWhatCannotBeRead) {
  EXPECT_EQ(say({"check", "-c", directory_ + "/nowhere.yaml"}).exit, exit_configuration);
  EXPECT_THAT(say({"check", "-c", directory_ + "/nowhere.yaml"}).err, HasSubstr("[E1002]"));
  const Said broken = say({"check", "-c", write("broken.yaml", "a: [1,\nb: }")});
  EXPECT_EQ(broken.exit, exit_configuration);
  EXPECT_THAT(broken.out, HasSubstr("[E1003]"));
}

TEST_F(Program, CheckSaysThatAGoodConfigurationIsGood) {
  const Said check = say({"check", "-c", write("capstan.yaml", configuration())});
  EXPECT_EQ(check.exit, exit_done) << check.out << check.err;
  EXPECT_THAT(check.out, HasSubstr("good; tenants 1, sources 1, routes 1"));
  EXPECT_THAT(check.out, Not(HasSubstr("s3cr3t")));
}

TEST_F(Program, InitWritesWhatCheckTakes) {
  const std::string file = directory_ + "/made.yaml";
  const std::vector<std::string> words{"init",
                                       "-c",
                                       file,
                                       "--api-url",
                                       "https://contoso.eu.example",
                                       "--tenant-id",
                                       "t",
                                       "--client-id",
                                       "c",
                                       "--secret",
                                       "env:APP_TEST_SECRET",
                                       "--siem",
                                       "siem.example:6514",
                                       "--yes"};
  const Said init = say(words);
  ASSERT_EQ(init.exit, exit_done) << init.err;
  EXPECT_THAT(read(file), HasSubstr("client_secret: '${env:APP_TEST_SECRET}'"));
  EXPECT_THAT(read(file), Not(HasSubstr("s3cr3t")));
  const Said check = say({"check", "-c", file});
  EXPECT_EQ(check.exit, exit_done) << check.out;
  const std::string before = read(file);
  const Said again = say(words);
  EXPECT_EQ(again.exit, exit_not_done);
  EXPECT_THAT(again.err, HasSubstr("[E1014]"));
  EXPECT_EQ(read(file), before);
}

TEST_F(Program, InitAsksForWhatIsNotGiven) {
  const std::string file = directory_ + "/asked.yaml";
  const Said init = say({"init", "-c", file},
                        "https://contoso.example\nt\nc\nenv:APP_TEST_SECRET\nsiem.example:514\ntcp\nsiem-agent\n\n");
  ASSERT_EQ(init.exit, exit_done) << init.err;
  EXPECT_THAT(init.out, HasSubstr("address of the SIEM"));
  EXPECT_THAT(read(file), HasSubstr("profile: siem-agent"));
  EXPECT_EQ(say({"check", "-c", file}).exit, exit_done);
  EXPECT_EQ(say({"init", "-c", directory_ + "/none.yaml"}, "").exit, exit_wrong_usage);
}

TEST_F(Program, InitRefusesASecretInPlainText) {
  const Said init = say({"init", "-c", directory_ + "/x.yaml", "--api-url", "https://contoso.example", "--tenant-id",
                         "t", "--client-id", "c", "--siem", "siem.example:514", "--yes", "--secret", "Gh~plain.text"});
  EXPECT_EQ(init.exit, exit_configuration);
  EXPECT_THAT(init.err, HasSubstr("[E1008]"));
  EXPECT_THAT(init.err, Not(HasSubstr("Gh~plain")));
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/x.yaml"));
}

TEST_F(Program, StatusWithoutAProcessSaysSo) {
  const Said status = say({"status", "-c", write("capstan.yaml", configuration())});
  EXPECT_EQ(status.exit, exit_done) << status.err;
  EXPECT_THAT(status.out, HasSubstr("not running"));
  EXPECT_THAT(status.out, HasSubstr("all"));
  const Said json = say({"status", "-c", directory_ + "/capstan.yaml", "--output", "json"});
  EXPECT_THAT(json.out, HasSubstr(R"({"is_running":false,)"));
}

TEST_F(Program, JournalCommandsNameTheSourcesThatThereAre) {
  const std::string file = write("capstan.yaml", configuration());
  const Said wrong = say({"journal", "ls", "mdac", "-c", file});
  EXPECT_EQ(wrong.exit, exit_configuration);
  EXPECT_THAT(wrong.err, HasSubstr("did you mean \"mdca\"?"));
  EXPECT_THAT(say({"journal", "ls", "-c", file}).err, HasSubstr("[E1016]"));
}

TEST_F(Program, VersionNamesWhatItIsBuiltWith) {
  EXPECT_THAT(say({"version"}).out, HasSubstr("capstan 0."));
  EXPECT_THAT(say({"version", "--output", "json"}).out, HasSubstr(R"({"version":"0.)"));
}

TEST_F(Program, ReferenceNamesEveryKindAndCode) {
  ASSERT_EQ(say({"reference", directory_ + "/pages"}).exit, exit_done);
  for (const auto& kind : builtin_components().sources.all())
    EXPECT_THAT(read(directory_ + "/pages/sources.md"), HasSubstr("## " + kind.name));
  for (const auto& kind : builtin_components().sinks.all())
    EXPECT_THAT(read(directory_ + "/pages/configuration.schema.json"), HasSubstr("\"const\": \"" + kind.name + "\""));
  for (const ErrorEntry& entry : error_catalogue())
    EXPECT_THAT(read(directory_ + "/pages/errors.md"), HasSubstr(label(entry.code)));
}

// ---- how it looks ---------------------------------------------------------------------------------------------------

TEST(Views, TablesAlignCharactersNotBytes) {
  Table table({{"name"}, {"n", Align::right}});
  table.add({"Zoë", "1"});
  table.add({"Ana-Lia", "1,234"});
  EXPECT_EQ(table.text(), "name         n\nZoë          1\nAna-Lia  1,234\n");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
}

TEST(Views, StatusTellsStatesErrorsAndWhatToDo) {
  runtime::Status status;
  status.data_dir = "/var/lib/capstan";
  runtime::SourceStatus source;
  source.name = "contoso_mdca";
  source.state = runtime::SourceState::connection_error;
  runtime::FeedStatus feed;
  feed.name = "alerts";
  feed.code = ErrorCode::secret_expired;
  feed.error = "getting a token of contoso: AADSTS7000222 [E2014]";
  feed.is_held = true;
  source.feeds.push_back(feed);
  status.sources.push_back(source);
  runtime::RouteStatus route;
  route.name = "to_siem";
  route.sink = "siem";
  route.sink_kind = "syslog";
  route.backlog_records = 12'345;
  status.routes.push_back(route);
  std::string json = api::to_json(status);
  json.insert(1, "\"is_running\":true,");
  const auto text = status_text(json);
  ASSERT_TRUE(text.has_value()) << text.error().text();
  for (const char* part : {"Connection error", "alerts", "held", "12,345", "siem (syslog)", "AADSTS7000222 [E2014]",
                           "what to do: make a new secret"})
    EXPECT_THAT(*text, HasSubstr(part));
  EXPECT_THAT(*text, Not(HasSubstr("sent, not provable")));
  EXPECT_FALSE(status_text("<html>").has_value());
}

TEST(Views, StatusCallsWhatCannotBeProvedSentAndNotDelivered) {
  runtime::Status status;
  runtime::RouteStatus route;
  route.name = "proved";
  route.delivered = 4711;
  route.sink_kind = "syslog";
  status.routes.push_back(route);
  route.name = "hoped";
  route.delivered = 1234;
  route.proof = Sink::Proof::not_provable;
  status.routes.push_back(route);
  std::string json = api::to_json(status);
  EXPECT_THAT(json, HasSubstr(R"("proof":"acknowledged_by_kernel")"));
  EXPECT_THAT(json, HasSubstr(R"("proof":"not_provable")"));
  json.insert(1, "\"is_running\":true,");
  const auto text = status_text(json);
  ASSERT_TRUE(text.has_value()) << text.error().text();
  EXPECT_THAT(*text, testing::ContainsRegex("delivered +sent, not provable +dropped"));
  EXPECT_THAT(*text, testing::ContainsRegex("proved .* 4,711 +0 +0 +0"));
  EXPECT_THAT(*text, testing::ContainsRegex("hoped .* 1,234 +0 +0 +0"));
}

TEST(Views, StatusTellsWhenAFeedWillHaveCaughtUpOrThatItNeverWill) {
  runtime::Status status;
  runtime::FeedStatus feed;
  feed.name = "activities";
  feed.lag = std::chrono::hours(3);
  feed.pace = {.page_size = 500,
               .arriving_per_second = 300,
               .possible_per_second = 208.3,
               .is_outpaced = true,
               .caught_up_at = {}};
  runtime::SourceStatus source;
  source.name = "m";
  source.feeds.push_back(feed);
  feed.pace = {.page_size = 5000,
               .arriving_per_second = 300,
               .possible_per_second = 2083,
               .caught_up_at = from_epoch_ms(1'795'000'000'000)};
  source.feeds.push_back(feed);
  status.sources.push_back(source);
  std::string json = api::to_json(status);
  json.insert(1, "\"is_running\":true,");
  const auto text = status_text(json);
  ASSERT_TRUE(text.has_value()) << text.error().text();
  EXPECT_THAT(*text,
              HasSubstr("300.0 records a second come, and the request budget lets 208.3 through in pages of 500; "
                        "it never catches up at this rate"));
  EXPECT_THAT(*text, HasSubstr("raise requests_per_minute"));
  EXPECT_THAT(*text, HasSubstr("it will have caught up at 2026-11-18 11:06:40 UTC"));
}

TEST(Views, VerifyReportOfTheRunningProcessReadsLikeOurOwn) {
  runtime::VerifyReport report;
  report.since = from_epoch_ms(1'700'000'000'000);
  report.until = from_epoch_ms(1'700'100'000'000);
  report.totals = {.shown = 10, .journaled = 9, .missing = 1, .late = 2};
  runtime::VerifyRouteFigures& route = report.routes.emplace_back();
  route.route = "to_siem";
  route.delivered = 8;
  route.dropped = 1;
  route.resent = 3;
  route.proof = Sink::Proof::not_provable;
  runtime::VerifyFeed& asked = report.feeds.emplace_back();
  asked.source = "mdca";
  asked.feed = "alerts";
  asked.error = "asking: 403 [E2002]";
  runtime::VerifyRow& row = report.rows.emplace_back();
  row.source = "mdca";
  row.feed = "alerts";
  row.hour = from_epoch_ms(1'700'000'000'000);
  row.figures = report.totals;
  row.routes = report.routes;
  report.named.push_back({runtime::VerifyNamed::Kind::missing, "mdca", "alerts", "abc", from_epoch_ms(1), "why"});
  const auto back = read_verify_report(runtime::to_json(report));
  ASSERT_TRUE(back.has_value()) << back.error().text();
  EXPECT_EQ(runtime::to_text(*back), runtime::to_text(report));
  EXPECT_EQ(back->is_proved(), report.is_proved());
  EXPECT_FALSE(read_verify_report("{}").has_value());
}

TEST(Views, DemoWritesPlainLinesWhereThereIsNoTerminal) {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  Streams streams{.in = in, .out = out, .err = err};
  DemoView view(streams, std::chrono::seconds(20));
  DemoFigures figures;
  figures.shown_about = 100;
  figures.collected = 50;
  figures.arrived = 40;
  view.show(figures, std::chrono::seconds(1));
  EXPECT_THAT(out.str(), HasSubstr("collected        50"));
  EXPECT_THAT(out.str(), Not(HasSubstr("\x1b")));
  EXPECT_EQ(view.interval(), std::chrono::seconds(1));
  streams.out_is_terminal = true;
  view.show(figures, std::chrono::seconds(2));
  EXPECT_THAT(out.str(), HasSubstr("█"));
}

TEST(Views, TruthGivesDistinctIds) {
  EXPECT_EQ(
      ids_of_truth("{\"feed\":\"alerts\",\"id\":\"b\",\"version\":1}\n{\"id\":\"a\"}\n{\"id\":\"b\"}\nnot json\n"),
      (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace capstan::app
