// has_ipv4 and its kin: an address, or the beginning of one, somewhere in a text. What is found is a whole valid
// address between characters that are no letters and no digits (docs "has_ipv4()", "has_ipv4_prefix()").
#include <algorithm>
#include <array>

#include "address.h"
#include "convert.h"
#include "functions.h"

namespace capstan::kql {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
// Bytes of other scripts count as letters.
bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (static_cast<unsigned char>(c) & 0x80) != 0;
}

bool is_address(std::string_view text) {
  return !text.empty() && is_digit(text.front()) && is_digit(text.back()) && !text.contains('/') &&
         parse_ipv4(text).has_value();
}

// "192.", "192.168.", "192.168.1.": the rest can be any.
bool is_prefix(std::string_view text) {
  const auto dots = std::ranges::count(text, '.');
  if (!text.ends_with('.') || dots > 3) return false;
  std::string whole(text);
  for (auto i = dots; i < 4; ++i) whole += i + 1 < 4 ? "0." : "0";
  return is_address(whole);
}

// The longest run of four numbers with points between them that begins here.
std::string_view address_at(std::string_view text, std::size_t begin) {
  std::size_t at = begin;
  for (int octet = 0; octet < 4; ++octet) {
    if (octet > 0 && (at >= text.size() || text[at++] != '.')) return {};
    const std::size_t first = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    if (at == first) return {};
  }
  return text.substr(begin, at - begin);
}

bool has(std::string_view text, std::string_view wanted, bool takes_prefix) {
  const bool is_whole = is_address(wanted);
  if (!is_whole && !(takes_prefix && is_prefix(wanted))) return false;
  for (std::size_t at = text.find(wanted); at != std::string_view::npos; at = text.find(wanted, at + 1)) {
    if (at > 0 && is_alphanumeric(text[at - 1])) continue;
    const std::string_view found = address_at(text, at);
    const std::size_t behind = at + found.size();
    if (!is_address(found) || (behind < text.size() && is_alphanumeric(text[behind]))) continue;
    if (!is_whole || found == wanted) return true;
  }
  return false;
}

// The addresses come one by one or as one dynamic array.
template <bool TakesPrefix>
Datum has_any(Frame& frame, Arguments a) {
  for (const Datum& wanted : a.subspan(1)) {
    if (wanted.type == Type::dynamic && !wanted.is_null && wanted.dynamic->kind == Dynamic::Kind::array) {
      for (const Dynamic& item : wanted.dynamic->items)
        if (item.kind == Dynamic::Kind::string && has(a[0].text, item.text, TakesPrefix)) return Datum::of(true);
    } else if (has(a[0].text, convert(wanted, Type::string, frame.work).text, TakesPrefix)) {
      return Datum::of(true);
    }
  }
  return Datum::of(false);
}

constexpr std::array rows{
    FunctionRow{"has_ipv4", "ss", "b", Tier::extension, NameKind::none, has_any<false>},
    FunctionRow{"has_ipv4_prefix", "ss", "b", Tier::extension, NameKind::none, has_any<true>},
    FunctionRow{"has_any_ipv4", "sa*", "b", Tier::extension, NameKind::none, has_any<false>},
    FunctionRow{"has_any_ipv4_prefix", "sa*", "b", Tier::extension, NameKind::none, has_any<true>},
};

}  // namespace

std::span<const FunctionRow> address_search_functions() { return rows; }

}  // namespace capstan::kql
