// What is wrong with a query, and where. Several per query.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace capstan::kql {

// Bytes [begin, end) of the query's text.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct Diagnostic {
  ErrorCode code = ErrorCode::kql_syntax;
  Span span;
  std::string sentence;  // "there is no column \"Tmestamp\"; did you mean \"Timestamp\"?"
};

class Diagnostics {
public:
  void add(ErrorCode code, Span span, std::string sentence) { all_.push_back({code, span, std::move(sentence)}); }
  bool is_empty() const { return all_.empty(); }
  const std::vector<Diagnostic>& all() const { return all_; }
  std::size_t size() const { return all_.size(); }

private:
  std::vector<Diagnostic> all_;
};

struct LineColumn {
  std::size_t line = 1;    // from 1
  std::size_t column = 1;  // from 1, in characters (UTF-8)
};
LineColumn locate(std::string_view text, std::size_t offset);

// "alerts.kql:2:9: there is no column … [E6002]", the line, and a caret under the place.
std::string render(const Diagnostic& diagnostic, std::string_view file, std::string_view text);
// The same for somebody who tells the code himself, as a finding of the configuration does.
std::string render_without_code(const Diagnostic& diagnostic, std::string_view file, std::string_view text);

}  // namespace capstan::kql
