#include "encoders/cef_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

namespace capstan {

namespace {

constexpr std::string_view mark = "CEF:";

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool begins_key(char c) { return is_alphanumeric(c) || c == '_'; }
bool is_in_key(char c) { return begins_key(c) || c == '.' || c == ',' || c == '[' || c == ']'; }

std::string_view without_blanks(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

class CefParser {
public:
  CefParser(std::string_view line, CefParsing parsing) : line_(line), is_strict_(parsing == CefParsing::strict) {
    while (!line_.empty() && (line_.back() == '\n' || line_.back() == '\r')) line_.remove_suffix(1);
  }

  Result<CefEvent> event() {
    TRY(version());
    for (std::string* field :
         {&event_.vendor, &event_.product, &event_.device_version, &event_.signature, &event_.name, &event_.severity})
      *field = TRY(header_field());
    const std::size_t begin = at_;
    while (at_ < line_.size() && line_[at_] == ' ') ++at_;
    if (is_strict_ && at_ > begin + 1) return wrong(begin + 1, "expected at most one space before the first key");
    TRY(extension());
    return std::move(event_);
  }

private:
  // CEF:0| after any prefix; relays put a space behind the colon (the rsyslog template of Azure Monitor's agent).
  Result<> version() {
    for (std::size_t found = line_.find(mark); found != std::string_view::npos; found = line_.find(mark, found + 1)) {
      std::size_t digits = found + mark.size();
      while (digits < line_.size() && line_[digits] == ' ') ++digits;
      const char* const end = line_.data() + line_.size();
      const auto [stop, error] = std::from_chars(line_.data() + digits, end, event_.version);
      if (error != std::errc{} || stop == end || *stop != '|' || event_.version < 0) continue;
      if (is_strict_ && digits != found + mark.size()) return wrong(digits, "expected no space behind \"CEF:\"");
      if (is_strict_ && event_.version > 1) return wrong(digits, "expected version 0 or 1");
      event_.prefix = line_.substr(0, found);
      at_ = static_cast<std::size_t>(stop - line_.data()) + 1;
      return {};
    }
    return wrong(0, "expected \"CEF:\", a number and \"|\"");
  }

  Result<std::string> header_field() {
    std::string field;
    for (; at_ < line_.size() && line_[at_] != '|'; ++at_) {
      if (line_[at_] == '\\') {
        const bool is_escape = at_ + 1 < line_.size() && (line_[at_ + 1] == '|' || line_[at_ + 1] == '\\');
        if (is_escape)
          ++at_;
        else if (is_strict_)
          return wrong(at_, "expected \"\\|\" or \"\\\\\" behind a backslash of the header");
      }
      field += line_[at_];
    }
    if (at_ == line_.size()) return wrong(at_, "expected 7 \"|\" in the header");
    if (is_strict_ && field.empty()) return wrong(at_, "expected no empty header field");
    ++at_;
    return field;
  }

  // A key is what stands directly before an unescaped "=", at the start or after a space; a value runs to the space
  // before the next key.
  Result<> extension() {
    const std::size_t start = at_;
    std::size_t key = std::string_view::npos;
    std::size_t equals = start;
    for (std::size_t i = start; i < line_.size(); ++i) {
      if (line_[i] == '\\') {
        ++i;
        continue;
      }
      if (line_[i] != '=') continue;
      std::size_t begin = i;
      while (begin > start && is_in_key(line_[begin - 1])) --begin;
      const bool is_key = begin < i && begins_key(line_[begin]) && (begin == start || line_[begin - 1] == ' ');
      if (!is_key) {
        if (is_strict_) return wrong(i, "expected a key before \"=\", or \"\\=\" in a value");
        continue;
      }
      if (key != std::string_view::npos)
        TRY(pair(key, equals, begin - 1));
      else if (is_strict_ && begin != start)
        return wrong(start, "expected a key");
      else
        event_.loose = without_blanks(line_.substr(start, begin - start));
      key = begin;
      equals = i;
    }
    if (key != std::string_view::npos) return pair(key, equals, line_.size());
    if (is_strict_ && start < line_.size()) return wrong(start, "expected a key");
    event_.loose = without_blanks(line_.substr(start));
    return {};
  }

  Result<> pair(std::size_t key_begin, std::size_t equals, std::size_t end) {
    const std::string_view key = line_.substr(key_begin, equals - key_begin);
    const std::string_view written = line_.substr(equals + 1, end - equals - 1);
    if (is_strict_) TRY(is_allowed(key, key_begin, written, equals + 1));
    std::string value = TRY(unescaped(written, equals + 1));
    const auto [known, is_new] = places_.try_emplace(std::string(key), event_.extension.size());
    if (is_new) {
      event_.extension.emplace_back(key, std::move(value));
    } else {
      if (is_strict_) return wrong(key_begin, fmt::format("expected the key \"{}\" once", key));
      event_.extension[known->second].second = std::move(value);
    }
    return {};
  }

  Result<> is_allowed(std::string_view key, std::size_t key_begin, std::string_view value, std::size_t value_begin) {
    if (!std::all_of(key.begin(), key.end(), is_alphanumeric))
      return wrong(key_begin, fmt::format("expected letters and digits in a key, got \"{}\"", key));
    if (value.empty()) return wrong(value_begin, fmt::format("expected a value of \"{}\"", key));
    if (value.front() == ' ' || value.back() == ' ')
      return wrong(value_begin, fmt::format("expected no space around the value of \"{}\"", key));
    return {};
  }

  Result<std::string> unescaped(std::string_view value, std::size_t begin) {
    std::string text;
    text.reserve(value.size());
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (value[i] != '\\') {
        if (is_strict_ && static_cast<unsigned char>(value[i]) < 0x20)
          return wrong(begin + i, "expected no control character");
        text += value[i];
        continue;
      }
      const char next = i + 1 < value.size() ? value[i + 1] : '\0';
      switch (next) {
        case '\\':
        case '=':
          text += next;
          break;
        case 'n':
          text += '\n';
          break;
        case 'r':
          text += '\r';
          break;
        default:
          if (is_strict_) return wrong(begin + i, "expected \\\\, \\=, \\n or \\r");
          text += '\\';
          continue;
      }
      ++i;
    }
    return text;
  }

  static Error wrong(std::size_t at, std::string_view why) {
    return {ErrorCode::not_cef, fmt::format("reading a CEF line: column {}: {}", at + 1, why)};
  }

  std::string_view line_;
  bool is_strict_;
  std::size_t at_ = 0;
  CefEvent event_;
  std::unordered_map<std::string, std::size_t> places_;  // of keys in the extension
};

}  // namespace

const std::string* CefEvent::find(std::string_view key) const {
  for (const auto& [each, value] : extension)
    if (each == key) return &value;
  return nullptr;
}

Result<CefEvent> parse_cef(std::string_view line, CefParsing parsing) { return CefParser(line, parsing).event(); }

}  // namespace capstan
