#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/document.h"
#include "config/schema.h"
#include "node_json.h"
#include "rule_test.h"

namespace capstan::app {

namespace {

using config::Findings;
using config::Node;

struct CaseOptions {
  std::string name;
  config::Raw input;
  std::string input_file;
  std::string feed;
  std::string id;
  std::string source;
  std::string tenant;
  std::string time;
  config::Raw expect;
  config::Raw contains;
  config::Raw expect_message;
  bool expect_kept = false;
  bool expect_dropped = false;
  std::string expect_error;
};

struct FileOptions {
  std::string query;
  std::string query_file;
  std::string route;
  std::string config;
  std::string schema;
  std::string feed;
  std::string from = "json";
  std::string now;
  config::Raw cases;
};

config::Schema<CaseOptions> case_schema() {
  config::Schema<CaseOptions> s;
  s.option("name", &CaseOptions::name, "what the case shows").required();
  s.option("input", &CaseOptions::input, "a record, a list of records, or their text");
  s.option("input_file", &CaseOptions::input_file, "a file of records instead, beside the test file");
  s.option("feed", &CaseOptions::feed, "what _Feed says, instead of the file's feed");
  s.option("id", &CaseOptions::id, "what _Id says");
  s.option("source", &CaseOptions::source, "what _Source says");
  s.option("tenant", &CaseOptions::tenant, "what _Tenant says");
  s.option("time", &CaseOptions::time, "what _Time says").example("2026-11-24T16:00:00Z");
  s.option("expect", &CaseOptions::expect, "the record or records that come out, exactly");
  s.option("contains", &CaseOptions::contains, "the same, but members that are not named may come out too");
  s.option("expect_message", &CaseOptions::expect_message, "the message or messages that the route sends");
  s.option("expect_kept", &CaseOptions::expect_kept, "something comes out");
  s.option("expect_dropped", &CaseOptions::expect_dropped, "nothing comes out");
  s.option("expect_error", &CaseOptions::expect_error, "a part of the error that the rule or a record gives");
  return s;
}

config::Schema<FileOptions> file_schema() {
  config::Schema<FileOptions> s;
  s.option("query", &FileOptions::query, "the rule");
  s.option("query_file", &FileOptions::query_file, "a file with the rule, beside the test file");
  s.option("route", &FileOptions::route, "a route whose rule is tested");
  s.option("config", &FileOptions::config, "the configuration that has the route, beside the test file");
  s.option("schema", &FileOptions::schema, "a:long,b:dynamic, or a name that `capstan schema` lists");
  s.option("feed", &FileOptions::feed, "the feed that the records are of: its schema, and what _Feed says");
  s.option("from", &FileOptions::from, "what input is where it is text: json, cef, leef or syslog");
  s.option("now", &FileOptions::now, "what now() is; the real time where it is not given")
      .example("2026-11-24T16:00:00Z");
  s.option("cases", &FileOptions::cases, "what goes in and what comes out").required();
  return s;
}

class RuleTestReader {
public:
  RuleTestReader(Session& session, const std::string& path, Findings& findings)
      : session_(session), path_(path), findings_(findings) {}

  Result<RuleTestFile> read() {
    const std::string text = TRY(read_file(session_.files, path_, rule_test_size_max).during("reading the tests"));
    // A test says all that it depends on: the environment is not asked.
    const config::References none{[](const std::string&) { return std::optional<std::string>{}; }, &session_.files};
    root_ = config::parse(text, path_, none, findings_);
    file_.path = path_;
    if (findings_.has_errors()) return std::move(file_);
    options_ = file_schema().decode(root_, "the test file", findings_);
    read_form();
    file_.now = moment("now", options_.now, root_);
    TRY(read_rule());
    read_cases();
    return std::move(file_);
  }

private:
  const config::Place& place_of(std::string_view option) const {
    const Node* node = root_.find(option);
    return node == nullptr ? root_.place : node->place;
  }
  // Files are named from where the test file is.
  std::string beside(const std::string& name) const { return config::beside(root_.place, name); }

  void read_form() {
    const auto form = parse_form(options_.from);
    if (form) {
      file_.form = *form;
    } else {
      findings_.add(ErrorCode::wrong_value, place_of("from"),
                    fmt::format("from: expected one of ndjson, json, cef, leef, syslog, got \"{}\"", options_.from));
    }
  }

  std::optional<Timestamp> moment(std::string_view option, const std::string& text, const Node& owner) {
    if (text.empty()) return std::nullopt;
    const auto time = parse_iso8601(text);
    const Node* node = owner.find(option);
    if (!time)
      findings_.add(ErrorCode::wrong_value, node == nullptr ? owner.place : node->place,
                    fmt::format("{}: expected a time such as 2026-11-24T16:00:00Z, got \"{}\"", option, text));
    return time;
  }

  Result<> read_rule() {
    const int given = static_cast<int>(!options_.query.empty()) + static_cast<int>(!options_.query_file.empty()) +
                      static_cast<int>(!options_.route.empty());
    if (given != 1) {
      findings_.add(given == 0 ? ErrorCode::missing_option : ErrorCode::conflicting_options, root_.place,
                    "expected one of \"query\", \"query_file\" and \"route\"");
      return {};
    }
    if (!options_.route.empty()) return read_route();
    if (!options_.query.empty()) return compile(options_.query, fmt::format("{}, query", to_string(place_of("query"))));
    const std::string file = beside(options_.query_file);
    return compile(TRY(read_file(session_.files, file, rule_test_size_max).during("reading a rule")), file);
  }

  Result<> read_route() {
    if (options_.config.empty()) {
      findings_.add(ErrorCode::missing_option, place_of("route"), "a route needs the option \"config\"");
      return {};
    }
    const auto rule = TRY(route_rule(session_, beside(options_.config), options_.route, place_of("route"), findings_));
    if (!rule) return {};
    file_.route = rule;
    file_.program = rule->program;
    if (options_.feed.empty() && rule->feeds.size() == 1) options_.feed = rule->feeds.front();
    return {};
  }

  Result<> compile(const std::string& query, const std::string& name) {
    const auto schema = input_schema(options_.schema, options_.feed, file_.form);
    if (!schema.has_value()) {
      findings_.add(ErrorCode::wrong_value, place_of("schema"), schema.error().sentence());
      return {};
    }
    kql::Compiled compiled = kql::compile(query, *schema);
    file_.program = std::move(compiled.program);
    for (const kql::Diagnostic& diagnostic : compiled.diagnostics.all())
      file_.mistakes.push_back(kql::render(diagnostic, name, query));
    return {};
  }

  void read_cases() {
    const Node& cases = options_.cases.node;
    if (cases.kind == Node::Kind::null) return;  // reported as missing
    if (cases.kind != Node::Kind::sequence || cases.items.empty()) {
      findings_.add(ErrorCode::wrong_value, cases.place, "cases: expected a list of at least one case");
      return;
    }
    for (const Node& node : cases.items) read_case(node);
  }

  void read_case(const Node& node) {
    const CaseOptions options = case_schema().decode(node, "the case", findings_);
    RuleTestCase test;
    test.name = options.name;
    test.place = node.place;
    test.input = options.input.node;
    if (!options.input_file.empty()) test.input_file = beside(options.input_file);
    test.feed = options.feed.empty() ? options_.feed : options.feed;
    test.id = options.id;
    test.source = options.source;
    test.tenant = options.tenant;
    test.time = moment("time", options.time, node);
    read_wish(node, options, test);
    file_.cases.push_back(std::move(test));
  }

  void read_wish(const Node& node, const CaseOptions& options, RuleTestCase& test) {
    using Wish = RuleTestCase::Wish;
    std::vector<Wish> wishes;
    if (node.find("expect") != nullptr) wishes.push_back(Wish::rows);
    if (node.find("contains") != nullptr) wishes.push_back(Wish::contained_rows);
    if (node.find("expect_message") != nullptr) wishes.push_back(Wish::messages);
    if (options.expect_kept) wishes.push_back(Wish::kept);
    if (options.expect_dropped) wishes.push_back(Wish::dropped);
    if (!options.expect_error.empty()) wishes.push_back(Wish::error);
    if (wishes.size() != 1) {
      findings_.add(wishes.empty() ? ErrorCode::missing_option : ErrorCode::conflicting_options, node.place,
                    "expected one of \"expect\", \"contains\", \"expect_message\", \"expect_kept: true\", "
                    "\"expect_dropped: true\" and \"expect_error\"");
      return;
    }
    test.wish = wishes.front();
    test.error = options.expect_error;
    const bool has_input = test.input.kind != Node::Kind::null;
    if (has_input == !test.input_file.empty() && test.wish != Wish::error)
      findings_.add(has_input ? ErrorCode::conflicting_options : ErrorCode::missing_option, node.place,
                    "expected one of \"input\" and \"input_file\"");
    if (test.wish == Wish::messages) return read_messages(node, options.expect_message.node, test);
    if (test.wish != Wish::rows && test.wish != Wish::contained_rows) return;
    const Node& rows = test.wish == Wish::rows ? options.expect.node : options.contains.node;
    if (rows.kind == Node::Kind::sequence) {
      for (const Node& row : rows.items) test.rows.push_back(node_json(row));
    } else if (rows.kind == Node::Kind::map) {
      test.rows.push_back(node_json(rows));
    } else {
      findings_.add(ErrorCode::wrong_value, rows.place, "expected a record or a list of records");
    }
  }

  void read_messages(const Node& node, const Node& messages, RuleTestCase& test) {
    if (file_.route == nullptr) {
      findings_.add(ErrorCode::conflicting_options, node.find("expect_message")->place,
                    "expect_message: expected the option \"route\": only a route makes messages");
      return;
    }
    const auto add = [&](const Node& message) {
      // A block of text ends with a line end; a message does not.
      test.rows.push_back(message.scalar.ends_with('\n') ? message.scalar.substr(0, message.scalar.size() - 1)
                                                         : message.scalar);
      if (message.kind != Node::Kind::scalar)
        findings_.add(ErrorCode::wrong_value, message.place, "expect_message: expected text or a list of text");
    };
    if (messages.kind == Node::Kind::sequence) {
      for (const Node& message : messages.items) add(message);
    } else {
      add(messages);
    }
  }

  Session& session_;
  const std::string& path_;
  Findings& findings_;
  Node root_;
  FileOptions options_;
  RuleTestFile file_;
};

constexpr std::string_view test_file_end = ".test.yaml";
constexpr int directory_depth_max = 16;

void find_below(const FileSystem& files, const std::string& directory, int depth, std::vector<std::string>& found) {
  const auto names = files.list(directory);
  if (!names.has_value() || depth > directory_depth_max) return;  // a file, or nothing that we may look into
  for (const std::string& name : *names) {
    if (name.starts_with('.') || found.size() >= rule_test_files_max) continue;
    const std::string path = directory + "/" + name;
    if (name.ends_with(test_file_end)) {
      found.push_back(path);
    } else {
      find_below(files, path, depth + 1, found);
    }
  }
}

}  // namespace

Result<std::vector<std::string>> find_rule_tests(const FileSystem& files, const std::string& path) {
  if (!files.list(path).has_value()) return std::vector{path};
  std::vector<std::string> found;
  find_below(files, path.size() > 1 && path.ends_with('/') ? path.substr(0, path.size() - 1) : path, 0, found);
  if (found.empty())
    return Error(ErrorCode::unreadable_file,
                 fmt::format("looking for tests in {}: expected files named *{}, got none", path, test_file_end));
  return found;
}

Result<RuleTestFile> read_rule_tests(Session& session, const std::string& path, config::Findings& findings) {
  return RuleTestReader(session, path, findings).read();
}

}  // namespace capstan::app
