#include "text_search.h"

#include <cstdint>
#include <cstring>

#include "characters.h"

namespace capstan::kql {

namespace {

bool is_ascii(std::string_view text) {
  constexpr std::uint64_t highs = 0x8080'8080'8080'8080;
  for (; text.size() >= sizeof(std::uint64_t); text.remove_prefix(sizeof(std::uint64_t))) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, text.data(), sizeof eight);
    if ((eight & highs) != 0) return false;
  }
  for (const char c : text)
    if ((static_cast<unsigned char>(c) & 0x80) != 0) return false;
  return true;
}

char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool equal_at(std::string_view text, std::size_t at, std::string_view needle, bool ignores_case) {
  if (text.size() - at < needle.size()) return false;
  if (!ignores_case) return text.substr(at, needle.size()) == needle;
  for (std::size_t i = 0; i < needle.size(); ++i)
    if (ascii_lower(text[at + i]) != ascii_lower(needle[i])) return false;
  return true;
}

std::size_t find(std::string_view text, std::string_view needle, std::size_t from, bool ignores_case) {
  if (!ignores_case) return text.find(needle, from);
  if (needle.empty()) return from <= text.size() ? from : std::string_view::npos;
  const char first = ascii_lower(needle.front());
  for (std::size_t at = from; at + needle.size() <= text.size(); ++at)
    if (ascii_lower(text[at]) == first && equal_at(text, at, needle, true)) return at;
  return std::string_view::npos;
}

char32_t character_before(std::string_view text, std::size_t at) {
  std::size_t begin = at - 1;
  while (begin > 0 && at - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  return next_character(text, begin);
}

// Terms are maximal runs of letters and digits; an end of the needle that is one must be the end of a term.
bool has_term(std::string_view text, std::string_view needle, bool ignores_case, bool checks_front, bool checks_back) {
  if (needle.empty()) return true;
  std::size_t first = 0;
  const bool front = checks_front && is_term_character(next_character(needle, first));
  const bool back = checks_back && is_term_character(character_before(needle, needle.size()));
  for (std::size_t at = find(text, needle, 0, ignores_case); at != std::string_view::npos;
       at = find(text, needle, at + 1, ignores_case)) {
    const bool front_is_good = !front || at == 0 || !is_term_character(character_before(text, at));
    std::size_t behind = at + needle.size();
    const bool back_is_good = !back || behind >= text.size() || !is_term_character(next_character(text, behind));
    if (front_is_good && back_is_good) return true;
  }
  return false;
}

bool search(TextSearch::Kind kind, std::string_view text, std::string_view needle, bool ignores_case) {
  switch (kind) {
    case TextSearch::Kind::equals:
      return text.size() == needle.size() && equal_at(text, 0, needle, ignores_case);
    case TextSearch::Kind::contains:
      return find(text, needle, 0, ignores_case) != std::string_view::npos;
    case TextSearch::Kind::has:
      return has_term(text, needle, ignores_case, true, true);
    case TextSearch::Kind::has_prefix:
      return has_term(text, needle, ignores_case, true, false);
    case TextSearch::Kind::has_suffix:
      return has_term(text, needle, ignores_case, false, true);
    case TextSearch::Kind::starts_with:
      return equal_at(text, 0, needle, ignores_case);
    case TextSearch::Kind::ends_with:
      return text.size() >= needle.size() && equal_at(text, text.size() - needle.size(), needle, ignores_case);
  }
  return false;
}

}  // namespace

bool matches(TextSearch wanted, std::string_view text, std::string_view needle, Workspace& work) {
  bool found = false;
  if (wanted.ignores_case && (!is_ascii(needle) || !is_ascii(text))) {
    fold_into(text, work.folded_text);
    fold_into(needle, work.folded_needle);
    found = search(wanted.kind, work.folded_text, work.folded_needle, false);
  } else {
    found = search(wanted.kind, text, needle, wanted.ignores_case);
  }
  return found != wanted.is_negated;
}

}  // namespace capstan::kql
