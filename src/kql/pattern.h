// Regular expressions (RE2, linear time). KQL's dialect is that of the Rust crate; what RE2 says differently is
// rewritten, and what it cannot say is refused by name.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace capstan::kql {

class Pattern {
public:
  struct Flags {
    bool ignores_case = false;
    bool dot_matches_newline = false;
    bool multi_line = false;
    bool swaps_greed = false;
  };
  // The pattern, or what is wrong with it.
  struct Made;
  static Made make(std::string_view source, Flags flags);
  static Made make(std::string_view source);
  ~Pattern();

  bool is_found_in(std::string_view text) const;
  // From `start`: the whole match and its groups (a group that took no part is empty with a null pointer).
  bool find(std::string_view text, std::size_t start, std::vector<std::string_view>& groups) const;
  std::size_t groups() const;
  std::optional<std::size_t> group_of(std::string_view name) const;
  // All non-overlapping matches replaced; \0…\9 and $0…$9 stand for groups.
  std::string replace_all(std::string_view text, std::string_view rewrite) const;

  // The rewritten text of a Rust-dialect pattern, or what cannot be said in RE2.
  static std::optional<std::string> rewrite(std::string_view source, std::string& refusal);

private:
  struct Impl;
  explicit Pattern(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct Pattern::Made {
  std::shared_ptr<const Pattern> pattern;
  std::string refusal;  // when there is none
};

}  // namespace capstan::kql
