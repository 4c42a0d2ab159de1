#include <fmt/format.h>

#include <algorithm>

#include "rule_test.h"
#include "rule_test_report.h"
#include "session.h"

namespace capstan::app {

namespace {

struct Tested {
  std::vector<RuleTestOutcome> outcomes;
  config::Findings findings;
};

// A rule that does not compile is a finding of its file, unless a case wants it so.
void test_file(Session& session, const RuleTestFile& file, Tested& tested) {
  const bool wants_error =
      std::ranges::any_of(file.cases, [](const RuleTestCase& test) { return test.wish == RuleTestCase::Wish::error; });
  if (!file.mistakes.empty() && !wants_error) {
    for (const std::string& mistake : file.mistakes) session.streams.err << mistake << '\n';
    tested.findings.add(ErrorCode::kql_syntax, {file.path, 0, 0}, "its rule is wrong, see above; no case was run");
    return;
  }
  for (RuleTestOutcome& outcome : run_rule_tests(session, file)) tested.outcomes.push_back(std::move(outcome));
}

Result<int> run(Session& session) {
  Tested tested;
  for (const std::string& path : session.arguments.all("paths"))
    for (const std::string& file : TRY(find_rule_tests(session.files, path))) {
      config::Findings found;
      const RuleTestFile read = TRY(read_rule_tests(session, file, found));
      if (!found.has_errors()) test_file(session, read, tested);
      tested.findings.append(found);
    }
  session.streams.err << findings_text(tested.findings, session.streams.err_is_terminal);
  if (session.arguments.has("junit"))
    TRY(replace_file(session.files, session.arguments.text("junit"), rule_tests_junit(tested.outcomes)));
  session.out() << (session.wants_json() ? rule_tests_json(tested.outcomes) + "\n" : rule_tests_text(tested.outcomes));
  if (tested.findings.has_errors()) return exit_configuration;
  const bool all_passed = std::ranges::all_of(tested.outcomes, &RuleTestOutcome::is_passed);
  return all_passed ? exit_done : exit_not_done;
}

}  // namespace

Command test_rules_command() {
  return {
      .name = "test-rules",
      .summary = "run the tests that you wrote for your rules",
      .details =
          "Reads *.test.yaml files: a rule, records that go in, and what has to come out; "
          "docs/guide/test-your-rules.md shows\nhow. Nothing is asked or sent, and no secret is needed. Exit codes: "
          "1 when a case failed, 78 when a file or its rule\ncould not be read.",
      .wants = Wants::output,
      .options = {{.names = "paths",
                   .value_name = "PATHS",
                   .help = "test files, and directories with *.test.yaml at any depth",
                   .completes = Completes::files,
                   .is_required = true,
                   .is_repeatable = true},
                  {.names = "--junit",
                   .value_name = "FILE",
                   .help = "also write the results as JUnit's XML, for build servers",
                   .completes = Completes::files}},
      .examples = {{"capstan test-rules rules/", "all tests of a directory"},
                   {"capstan test-rules rules/ --junit results.xml", "and the results for the build server"}},
      .run = run};
}

}  // namespace capstan::app
