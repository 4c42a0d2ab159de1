// What became of users' tests: for people, for scripts, and for build servers (JUnit's XML).
#pragma once

#include <span>
#include <string>

#include "rule_test.h"

namespace capstan::app {

// One line a case that failed, what was expected below it, and the totals.
std::string rule_tests_text(std::span<const RuleTestOutcome> outcomes);
std::string rule_tests_json(std::span<const RuleTestOutcome> outcomes);
// One testsuite a file, as build servers read it.
std::string rule_tests_junit(std::span<const RuleTestOutcome> outcomes);

}  // namespace capstan::app
