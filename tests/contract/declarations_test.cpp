// Every kind tells what it is, what can be set, and shows an example that works.
#include <gtest/gtest.h>

#include "contract.h"

namespace capstan::contract {
namespace {

void options_are_told(const std::vector<config::OptionDescription>& options, const std::string& owner) {
  std::vector<std::string> names;
  for (const auto& option : options) {
    const std::string where = owner + "." + option.name;
    EXPECT_FALSE(option.name.empty()) << owner;
    EXPECT_TRUE(std::ranges::all_of(
        option.name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }))
        << where << ": names are snake_case";
    EXPECT_EQ(std::ranges::count(names, option.name), 0) << where << " is declared twice";
    names.push_back(option.name);
    EXPECT_GE(option.help.size(), 10U) << where << " has no help";
    EXPECT_FALSE(option.help.ends_with('.')) << where << ": help is a phrase";
    EXPECT_FALSE(option.type.empty()) << where;
    if (option.type == "one of") {
      EXPECT_GE(option.choices.size(), 2U) << where;
    }
    if (option.is_required) {
      EXPECT_FALSE(option.example.empty() && option.choices.empty()) << where << " is required and has no example";
    }
    options_are_told(option.options, where);
  }
}

template <class Component>
void kind_is_told(const Kind<Component>& kind) {
  SCOPED_TRACE(kind.name);
  EXPECT_FALSE(kind.name.empty());
  EXPECT_GE(kind.summary.size(), 15U);
  EXPECT_EQ(kind.summary.find('\n'), std::string::npos);
  EXPECT_TRUE(static_cast<bool>(kind.make));
  options_are_told(kind.options, kind.name);
}

// `selector`: the member that names the kind ("type", "format").
template <class Component>
void example_works(const Kind<Component>& kind, const std::string& selector) {
  SCOPED_TRACE(kind.name);
  WatchedFiles files;
  Workshop workshop(files);
  config::Findings findings;
  const config::Node example = read_yaml(kind.example, findings);
  EXPECT_TRUE(findings.all().empty()) << text(findings);
  const config::Node* named = example.find(selector);
  ASSERT_NE(named, nullptr) << "the example does not say " << selector << ":";
  EXPECT_EQ(named->scalar, kind.name);
  EXPECT_NE(workshop.make(kind, example), nullptr);
  EXPECT_TRUE(workshop.findings.all().empty()) << text(workshop.findings);
  EXPECT_EQ(files.touches, 0) << "making a component touched the disk";
  EXPECT_TRUE(workshop.service.take().empty()) << "making a component asked the network";
}

// The longest name, so that a mistyped letter still leaves it the nearest.
template <class Component>
std::string longest_option(const Kind<Component>& kind) {
  std::string longest;
  for (const auto& option : kind.options)
    if (option.name.size() > longest.size()) longest = option.name;
  return longest;
}

template <class Component>
void unknown_option_is_found(const Kind<Component>& kind) {
  const std::string option = longest_option(kind);
  if (option.size() < 4) return;
  SCOPED_TRACE(kind.name + "." + option);
  WatchedFiles files;
  Workshop workshop(files);
  config::Findings findings;
  config::Node node = read_yaml(kind.example, findings);
  set(node, option.substr(0, option.size() - 1) + "q", "value");
  EXPECT_EQ(workshop.make(kind, node), nullptr);
  ASSERT_EQ(workshop.findings.all().size(), 1U) << text(workshop.findings);
  const config::Finding& finding = workshop.findings.all()[0];
  EXPECT_EQ(finding.code, ErrorCode::unknown_option);
  EXPECT_EQ(finding.place.line, 99);
  EXPECT_NE(finding.sentence.find("did you mean \"" + option + "\""), std::string::npos) << finding.sentence;
}

// A wrong value of every option that has a type which can be wrong.
template <class Component>
void wrong_values_are_found(const Kind<Component>& kind) {
  for (const auto& option : kind.options) {
    if (option.type == "text" || option.type == "any" || option.type == "secret" || option.type == "list of text")
      continue;
    SCOPED_TRACE(kind.name + "." + option.name);
    WatchedFiles files;
    Workshop workshop(files);
    config::Findings findings;
    config::Node node = read_yaml(kind.example, findings);
    set(node, option.name, "neither this nor that");
    EXPECT_EQ(workshop.make(kind, node), nullptr);
    EXPECT_TRUE(workshop.findings.has_errors());
    for (const auto& finding : workshop.findings.all()) {
      EXPECT_EQ(finding.place.line, 99) << to_string(finding);
      EXPECT_NE(to_string(finding).find("neither this nor that"), std::string::npos) << to_string(finding);
    }
  }
}

template <class Component>
void check(const Kinds<Component>& kinds, const std::string& selector) {
  ASSERT_FALSE(kinds.all().empty());
  std::vector<std::string> names;
  for (const auto& kind : kinds.all()) {
    EXPECT_EQ(std::ranges::count(names, kind.name), 0) << kind.name << " is registered twice";
    names.push_back(kind.name);
    kind_is_told(kind);
    example_works(kind, selector);
    unknown_option_is_found(kind);
    wrong_values_are_found(kind);
  }
}

TEST(Declarations, of_sources) { check(app::builtin_components().sources, "type"); }
TEST(Declarations, of_encoders) { check(app::builtin_components().encoders, "format"); }
TEST(Declarations, of_sinks) { check(app::builtin_components().sinks, "type"); }

TEST(Declarations, variations_cover_every_choice) {
  for (const auto& kind : app::builtin_components().sinks.all()) {
    std::size_t choices = 1;
    for (const auto& option : kind.options) choices += option.type == "yes/no" ? 2 : option.choices.size();
    EXPECT_EQ(variations(kind).size(), choices) << kind.name;
  }
}

}  // namespace
}  // namespace capstan::contract
