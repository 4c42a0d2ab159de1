#include "rule_test_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace capstan::app {

namespace {

std::size_t failures(std::span<const RuleTestOutcome> outcomes) {
  return static_cast<std::size_t>(
      std::ranges::count_if(outcomes, [](const RuleTestOutcome& one) { return !one.is_passed(); }));
}

std::string indented(std::string_view text) {
  std::string out = "  ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "  ";
  }
  while (out.ends_with(' ') || out.ends_with('\n')) out.pop_back();
  return out;
}

// XML 1.0 has no place for control characters, not even escaped.
std::string xml_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "&#10;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 && c != '\t' ? '?' : c;
    }
  }
  return out;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

std::string junit_case(const RuleTestOutcome& one) {
  const std::string head =
      fmt::format(R"(    <testcase classname="{}" name="{}" file="{}" line="{}")", xml_escaped(one.file),
                  xml_escaped(one.name), xml_escaped(one.file), one.place.line);
  if (one.is_passed()) return head + "/>\n";
  return fmt::format("{}>\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n", head,
                     xml_escaped(one.complaints.front()), xml_escaped(joined(one.complaints)));
}

// The outcomes of the first file of the list.
std::span<const RuleTestOutcome> first_file(std::span<const RuleTestOutcome> outcomes) {
  const auto end =
      std::ranges::find_if(outcomes, [&](const RuleTestOutcome& one) { return one.file != outcomes.front().file; });
  return outcomes.first(static_cast<std::size_t>(end - outcomes.begin()));
}

}  // namespace

std::string rule_tests_text(std::span<const RuleTestOutcome> outcomes) {
  std::string text;
  for (const RuleTestOutcome& one : outcomes) {
    if (one.is_passed()) continue;
    text += fmt::format("{}: failed: {}\n", to_string(one.place), one.name);
    for (const std::string& complaint : one.complaints) text += indented(complaint) + "\n";
  }
  const std::size_t failed = failures(outcomes);
  return text + fmt::format("{} case{}: {} passed, {} failed\n", outcomes.size(), outcomes.size() == 1 ? "" : "s",
                            outcomes.size() - failed, failed);
}

std::string rule_tests_json(std::span<const RuleTestOutcome> outcomes) {
  std::string cases;
  for (const RuleTestOutcome& one : outcomes) {
    std::string complaints;
    for (const std::string& complaint : one.complaints)
      complaints += (complaints.empty() ? "" : ",") + json_quote(complaint);
    cases +=
        fmt::format(R"({}{{"file":{},"line":{},"name":{},"is_passed":{},"complaints":[{}]}})", cases.empty() ? "" : ",",
                    json_quote(one.file), one.place.line, json_quote(one.name), one.is_passed(), complaints);
  }
  const std::size_t failed = failures(outcomes);
  return fmt::format(R"({{"passed":{},"failed":{},"cases":[{}]}})", outcomes.size() - failed, failed, cases);
}

std::string rule_tests_junit(std::span<const RuleTestOutcome> outcomes) {
  std::string text =
      fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"{}\" failures=\"{}\">\n",
                  outcomes.size(), failures(outcomes));
  while (!outcomes.empty()) {
    const auto file = first_file(outcomes);
    text += fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\">\n", xml_escaped(file.front().file),
                        file.size(), failures(file));
    for (const RuleTestOutcome& one : file) text += junit_case(one);
    text += "  </testsuite>\n";
    outcomes = outcomes.subspan(file.size());
  }
  return text + "</testsuites>\n";
}

}  // namespace capstan::app
