#include "kql/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>

namespace capstan::kql {

LineColumn locate(std::string_view text, std::size_t offset) {
  LineColumn at;
  offset = std::min(offset, text.size());
  for (std::size_t i = 0; i < offset; ++i) {
    if (text[i] == '\n') {
      ++at.line;
      at.column = 1;
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
      ++at.column;
    }
  }
  return at;
}

std::string render(const Diagnostic& diagnostic, std::string_view file, std::string_view text) {
  std::string rendered = render_without_code(diagnostic, file, text);
  return rendered.insert(rendered.find('\n'), fmt::format(" [{}]", label(diagnostic.code)));
}

std::string render_without_code(const Diagnostic& diagnostic, std::string_view file, std::string_view text) {
  const std::size_t begin = std::min(diagnostic.span.begin, text.size());
  const LineColumn at = locate(text, begin);
  const std::size_t line_begin = begin == 0 ? 0 : text.rfind('\n', begin - 1) + 1;  // npos + 1 is 0
  const std::size_t line_end = std::min(text.find('\n', begin), text.size());
  const std::string_view line = text.substr(line_begin, line_end - line_begin);
  std::string under;
  for (const char c : line.substr(0, begin - line_begin))
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) under += c == '\t' ? '\t' : ' ';
  const std::size_t length =
      std::max<std::size_t>(1, std::min(diagnostic.span.end, line_end) - std::min(begin, line_end));
  under += '^' + std::string(length - 1, '~');
  return fmt::format("{}:{}:{}: {}\n  {}\n  {}", file, at.line, at.column, diagnostic.sentence, line, under);
}

}  // namespace capstan::kql
