#include "encoders/leef_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <unordered_set>

namespace capstan {

namespace {

constexpr std::string_view mark = "LEEF:";
constexpr std::string_view tab = "\t";
constexpr std::string_view relayed_tab = "#011";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

std::string utf8(std::uint32_t point) {
  const auto rest = [](std::uint32_t bits) { return static_cast<char>(0x80U | (bits & 0x3FU)); };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xC0U | (point >> 6U)), rest(point)};
  return {static_cast<char>(0xE0U | (point >> 12U)), rest(point >> 6U), rest(point)};
}

// The bytes of the first character; one where it is not UTF-8.
std::size_t character_size(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t size = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  return std::min(size, text.size());
}

// "^", "x5E", "0x5e" → "^". Nothing for what is neither one character nor one to four hex digits.
std::optional<std::string> delimiter_of(std::string_view written) {
  if (written.empty()) return std::nullopt;
  if (character_size(written) == written.size()) return std::string(written);
  std::string_view digits = written;
  if (digits.starts_with('0')) digits.remove_prefix(1);
  if (!digits.starts_with('x') && !digits.starts_with('X')) return std::nullopt;
  digits.remove_prefix(1);
  constexpr std::size_t digits_max = 4;
  constexpr std::uint32_t surrogates_begin = 0xD800;
  constexpr std::uint32_t surrogates_end = 0xE000;
  std::uint32_t point = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), point, 16);
  const bool is_number = failure == std::errc{} && end == digits.data() + digits.size() && digits.size() <= digits_max;
  if (!is_number || point == 0 || (point >= surrogates_begin && point < surrogates_end)) return std::nullopt;
  return utf8(point);
}

class LeefParser {
public:
  LeefParser(std::string_view line, LeefParsing parsing) : line_(line), is_strict_(parsing == LeefParsing::strict) {
    while (!line_.empty() && (line_.back() == '\n' || line_.back() == '\r')) line_.remove_suffix(1);
  }

  Result<LeefEvent> event() {
    TRY(version());
    for (std::string* field : {&event_.vendor, &event_.product, &event_.product_version, &event_.event_id})
      *field = TRY(header_field());
    if (!event_.version.starts_with("1")) TRY(delimiter());
    if (!is_strict_ && is_relayed()) event_.delimiter = relayed_tab;
    TRY(attributes());
    if (event_.delimiter == relayed_tab) event_.delimiter = tab;
    return std::move(event_);
  }

private:
  // LEEF:2.0| after any prefix; relays put a space behind the colon.
  Result<> version() {
    for (std::size_t found = line_.find(mark); found != std::string_view::npos; found = line_.find(mark, found + 1)) {
      const std::size_t begin = std::min(line_.find_first_not_of(' ', found + mark.size()), line_.size());
      std::size_t end = begin;
      while (end < line_.size() && (is_digit(line_[end]) || line_[end] == '.')) ++end;
      const std::string_view version = line_.substr(begin, end - begin);
      if (version.empty() || !is_digit(version.front()) || end == line_.size() || line_[end] != '|') continue;
      if (is_strict_ && begin != found + mark.size()) return wrong(begin, "expected no space behind \"LEEF:\"");
      if (is_strict_ && version != "1.0" && version != "2.0") return wrong(begin, "expected version 1.0 or 2.0");
      event_.prefix = line_.substr(0, found);
      event_.version = version;
      at_ = end + 1;
      return {};
    }
    return wrong(0, "expected \"LEEF:\", a version and \"|\"");
  }

  Result<std::string> header_field() {
    const std::size_t end = line_.find('|', at_);
    if (end == std::string_view::npos) return wrong(line_.size(), "expected 5 \"|\" in the header");
    if (is_strict_ && end == at_) return wrong(at_, "expected no empty header field");
    std::string field(line_.substr(at_, end - at_));
    at_ = end + 1;
    return field;
  }

  // Version 2.0 has one field more. Senders leave it out, or make it empty and mean the tab.
  Result<> delimiter() {
    const std::size_t end = line_.find('|', at_);
    const std::string_view written = line_.substr(at_, std::min(end, line_.size()) - at_);
    if (is_strict_) return strict_delimiter(written, end);
    if (end == std::string_view::npos) return {};
    if (written.empty()) {
      const bool is_bar = end + 1 < line_.size() && line_[end + 1] == '|';
      if (is_bar) event_.delimiter = "|";
      at_ = end + (is_bar ? 2 : 1);
      return {};
    }
    if (const auto delimiter = delimiter_of(written)) {
      event_.delimiter = *delimiter;
      at_ = end + 1;
    } else if (!written.contains('=')) {
      return wrong(at_, fmt::format("expected one character or x and its number as delimiter, got \"{}\"", written));
    }
    return {};
  }

  Result<> strict_delimiter(std::string_view written, std::size_t end) {
    if (end == std::string_view::npos) return wrong(line_.size(), "expected 6 \"|\" in the header of version 2.0");
    const auto delimiter = delimiter_of(written);
    if (!delimiter || *delimiter == "|" || *delimiter == "=")
      return wrong(at_, fmt::format("expected one character or x and its number as delimiter, got \"{}\"", written));
    event_.delimiter = *delimiter;
    at_ = end + 1;
    return {};
  }

  bool is_relayed() const {
    const std::string_view text = line_.substr(at_);
    if (event_.delimiter != tab || text.contains(tab)) return false;
    for (std::size_t found = text.find(relayed_tab); found != std::string_view::npos;
         found = text.find(relayed_tab, found + 1)) {
      const std::string_view behind = text.substr(found + relayed_tab.size());
      const auto key_end = std::ranges::find_if_not(behind, is_alphanumeric);
      if (key_end != behind.begin() && key_end != behind.end() && *key_end == '=') return true;
    }
    return false;
  }

  Result<> attributes() {
    while (at_ < line_.size()) {
      const std::size_t end = std::min(line_.find(event_.delimiter, at_), line_.size());
      TRY(attribute(line_.substr(at_, end - at_)));
      if (is_strict_ && end < line_.size() && end + event_.delimiter.size() == line_.size())
        return wrong(end, "expected no delimiter at the end");
      at_ = end + event_.delimiter.size();
    }
    return {};
  }

  Result<> attribute(std::string_view piece) {
    const std::size_t equals = piece.find('=');
    const bool has_key = equals != std::string_view::npos && equals > 0;
    if (!has_key && is_strict_) return wrong(at_, fmt::format("expected key=value, got \"{}\"", piece));
    if (!has_key) return without_key(piece);
    const std::string_view key = piece.substr(0, equals);
    if (is_strict_ && !std::ranges::all_of(key, is_alphanumeric))
      return wrong(at_, fmt::format("expected letters and digits in a key, got \"{}\"", key));
    is_inside_known_ = seen_.insert(std::string(key)).second;
    if (is_inside_known_) {
      event_.attributes.emplace_back(key, piece.substr(equals + 1));
    } else if (is_strict_) {
      return wrong(at_, fmt::format("expected the key \"{}\" once", key));
    }
    return {};
  }

  // A blank piece is a delimiter too many; anything else goes on with the value before it.
  Result<> without_key(std::string_view piece) {
    if (piece.find_first_not_of(" \t") == std::string_view::npos) return {};
    if (event_.attributes.empty()) return wrong(at_, fmt::format("expected key=value, got \"{}\"", piece));
    if (is_inside_known_) event_.attributes.back().second.append(event_.delimiter).append(piece);
    return {};
  }

  static Error wrong(std::size_t at, std::string_view why) {
    return {ErrorCode::not_leef, fmt::format("reading a LEEF line: column {}: {}", at + 1, why)};
  }

  std::string_view line_;
  bool is_strict_;
  std::size_t at_ = 0;
  bool is_inside_known_ = false;  // whether the last key was taken, and not one that stood before
  LeefEvent event_;
  std::unordered_set<std::string> seen_;
};

}  // namespace

const std::string* LeefEvent::find(std::string_view key) const {
  for (const auto& [each, value] : attributes)
    if (each == key) return &value;
  return nullptr;
}

Result<LeefEvent> parse_leef(std::string_view line, LeefParsing parsing) { return LeefParser(line, parsing).event(); }

}  // namespace capstan
