// Tests that users write for their rules: *.test.yaml files, read and run. docs/guide/test-your-rules.md is the
// contract.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/node.h"
#include "input_form.h"
#include "kql/program.h"
#include "runtime/transform.h"
#include "session.h"

namespace capstan::app {

// Bounds against a wrong path or a test that would never end.
constexpr std::uint64_t rule_test_size_max = 16U << 20;
constexpr std::size_t rule_test_files_max = 10'000;
constexpr std::size_t rule_test_rows_max = 100'000;

struct RuleTestCase {
  enum class Wish : std::uint8_t { rows, contained_rows, messages, kept, dropped, error };

  std::string name;
  config::Place place;
  config::Node input;      // a record, a list of records, or text; null: input_file
  std::string input_file;  // beside the test file
  std::string feed, id, source, tenant;
  std::optional<Timestamp> time;  // _Time
  Wish wish = Wish::dropped;
  std::vector<std::string> rows;  // JSON, or messages
  std::string error;              // a part of the error's text
};

// A route without its tenants' secrets and its sink.
struct RouteRule {
  std::vector<std::string> feeds;
  std::shared_ptr<const kql::Program> program;  // nothing where it has no rule
  std::unique_ptr<Encoder> encoder;
  std::shared_ptr<const runtime::Transform> transform;  // of both
};

struct RuleTestFile {
  std::string path;
  std::shared_ptr<const kql::Program> program;  // nothing: no rule (a route that takes all), or it is wrong
  std::vector<std::string> mistakes;            // of the rule: each with its place, line and caret
  std::shared_ptr<const RouteRule> route;       // whose rule it is, where it is one's
  InputForm form = InputForm::json;
  std::optional<Timestamp> now;
  std::vector<RuleTestCase> cases;
};

struct RuleTestOutcome {
  std::string file;
  config::Place place;
  std::string name;
  std::vector<std::string> complaints;  // nothing: passed
  bool is_passed() const { return complaints.empty(); }
};

// The test files that `path` names: itself, or all *.test.yaml below a directory, sorted. Fails with unreadable_file.
Result<std::vector<std::string>> find_rule_tests(const FileSystem& files, const std::string& path);
// What is wrong with the file becomes findings. An Error only where it cannot be read.
Result<RuleTestFile> read_rule_tests(Session& session, const std::string& path, config::Findings& findings);
// One outcome a case, in order.
std::vector<RuleTestOutcome> run_rule_tests(Session& session, const RuleTestFile& file);

// route_rule.cpp: findings, and nothing, where the configuration is wrong otherwise.
Result<std::shared_ptr<const RouteRule>> route_rule(Session& session, const std::string& configuration_file,
                                                    const std::string& route, const config::Place& place,
                                                    config::Findings& findings);

}  // namespace capstan::app
