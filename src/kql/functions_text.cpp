#include <algorithm>
#include <array>
#include <map>

#include "base/text.h"
#include "characters.h"
#include "convert.h"
#include "functions.h"
#include "pattern.h"
#include "text_form.h"

namespace capstan::kql {

namespace {

Datum text_of(Frame& frame, std::string_view text) { return Datum::of(frame.work.arena.copy(text)); }

// An empty text to build a result in.
std::string& blank(Frame& frame) {
  frame.work.text.clear();
  return frame.work.text;
}

// Where every character begins, and the end.
std::vector<std::size_t> borders(std::string_view text) {
  std::vector<std::size_t> all;
  for (std::size_t at = 0; at < text.size();) {
    all.push_back(at);
    next_character(text, at);
  }
  all.push_back(text.size());
  return all;
}

Datum string_length(Frame&, Arguments a) {
  if (a[0].is_null) return Datum::null(Type::long_integer);
  return Datum::of_long(static_cast<std::int64_t>(borders(a[0].text).size() - 1));
}

Datum substring(Frame&, Arguments a) {
  if (a[1].is_null || (a.size() > 2 && a[2].is_null)) {
    // The only text that is null: what the row engine answers to a null position.
    Datum unknown = Datum::null(Type::string);
    unknown.is_null = true;
    return unknown;
  }
  const auto border = borders(a[0].text);
  const auto length = static_cast<std::int64_t>(border.size() - 1);
  std::int64_t begin = a[1].number;
  if (begin < 0) begin += length;
  if (begin < 0 || begin >= length) return Datum::of(std::string_view{});
  std::int64_t count = a.size() > 2 ? a[2].number : length;
  count = std::min(count, length - begin);
  if (count <= 0) return Datum::of(std::string_view{});
  const std::size_t from = border[static_cast<std::size_t>(begin)];
  return Datum::of(a[0].text.substr(from, border[static_cast<std::size_t>(begin + count)] - from));
}

template <bool Upper>
Datum change_case(Frame& frame, Arguments a) {
  std::string& out = blank(frame);
  for (std::size_t at = 0; at < a[0].text.size();) {
    const std::size_t begin = at;
    const char32_t c = next_character(a[0].text, at);
    if (at - begin == 1 && c >= 0x80) {
      out += a[0].text[begin];
      continue;
    }
    char32_t changed = fold(c);
    if constexpr (Upper) {
      changed = c;
      // The upper-case letter is the one that folds to this one.
      constexpr std::array<std::int32_t, 5> steps{-32, -1, -80, 1, 0};
      for (const std::int32_t step : steps) {
        const auto candidate = static_cast<char32_t>(static_cast<std::int32_t>(c) + step);
        if (candidate != c && fold(candidate) == c && fold(c) == c && c != 0xDF) {
          changed = candidate;
          break;
        }
      }
    }
    append_character(changed, out);
  }
  return text_of(frame, out);
}

Datum concatenate(Frame& frame, Arguments a) {
  std::string& out = blank(frame);
  for (const Datum& part : a) out += part.text;
  return text_of(frame, out);
}

Datum concatenate_delimited(Frame& frame, Arguments a) {
  std::string& out = blank(frame);
  for (std::size_t i = 1; i < a.size(); ++i) {
    if (i > 1) out += a[0].text;
    out += a[i].text;
  }
  return text_of(frame, out);
}

// Calls `each` with every piece in order.
template <class Each>
void each_piece(std::string_view text, std::string_view delimiter, Each each) {
  if (!delimiter.empty()) {
    for (std::size_t found = text.find(delimiter); found != std::string_view::npos; found = text.find(delimiter)) {
      each(text.substr(0, found));
      text.remove_prefix(found + delimiter.size());
    }
  }
  each(text);
}

Datum split(Frame& frame, Arguments a) {
  std::int64_t count = 0;
  each_piece(a[0].text, a[1].text, [&](std::string_view) { ++count; });
  const bool is_one = a.size() > 2 && !a[2].is_null;
  const std::int64_t first = is_one ? a[2].number : 0;
  const std::int64_t size = !is_one ? count : first >= 0 && first < count ? 1 : 0;
  const auto items = frame.work.arena.array<Dynamic>(static_cast<std::size_t>(size));
  std::int64_t number = 0;
  each_piece(a[0].text, a[1].text, [&](std::string_view piece) {
    const std::int64_t place = number++ - first;
    if (place < 0 || place >= size) return;
    items[static_cast<std::size_t>(place)].kind = Dynamic::Kind::string;
    items[static_cast<std::size_t>(place)].text = piece;
  });
  const auto value = frame.work.arena.array<Dynamic>(1);
  value[0].kind = Dynamic::Kind::array;
  value[0].items = items.first(static_cast<std::size_t>(size));
  return Datum::of(value.data());
}

Datum index_of(Frame&, Arguments a) {
  const auto border = borders(a[0].text);
  const auto length = static_cast<std::int64_t>(border.size() - 1);
  const auto number = [&](std::size_t i, std::int64_t otherwise) {
    return a.size() > i && !a[i].is_null ? a[i].number : otherwise;
  };
  std::int64_t start = number(2, 0);
  if (start < 0) start = std::max<std::int64_t>(0, start + length);
  const std::int64_t reach = number(3, -1);
  std::int64_t occurrence = number(4, 1);
  if (occurrence < 1) return Datum::null(Type::long_integer);
  const std::int64_t stop = reach < 0 ? length : std::min(length, start + reach);
  for (std::int64_t at = start; at <= stop && at <= length; ++at) {
    if (!a[0].text.substr(border[static_cast<std::size_t>(at)]).starts_with(a[1].text)) continue;
    if (--occurrence == 0) return Datum::of_long(at);
  }
  return Datum::of_long(-1);
}

// Patterns that come from data are compiled once a thread and text, at most so many.
const Pattern* cached(std::string_view source) {
  constexpr std::size_t cache_max = 256;
  thread_local std::map<std::string, Pattern::Made, std::less<>> cache;
  auto found = cache.find(source);
  if (found == cache.end()) {
    if (cache.size() >= cache_max) cache.clear();
    found = cache.emplace(std::string(source), Pattern::make(source)).first;
  }
  return found->second.pattern.get();
}

Datum count_of(Frame&, Arguments a) {
  if (a[1].text.empty()) return Datum::of_long(0);
  std::int64_t count = 0;
  if (a.size() > 2 && a[2].text == "regex") {
    const Pattern* pattern = cached(a[1].text);
    if (pattern == nullptr) return Datum::null(Type::long_integer);
    std::vector<std::string_view> found;
    for (std::size_t at = 0; at <= a[0].text.size() && pattern->find(a[0].text, at, found); ++count) {
      at = static_cast<std::size_t>(found[0].data() - a[0].text.data()) + std::max<std::size_t>(found[0].size(), 1);
    }
    return Datum::of_long(count);
  }
  for (std::size_t at = a[0].text.find(a[1].text); at != std::string_view::npos; at = a[0].text.find(a[1].text, at + 1))
    ++count;
  return Datum::of_long(count);
}

Datum matches_pattern(Frame&, Arguments a) {
  const Pattern* pattern = cached(a[1].text);
  return Datum::of(pattern != nullptr && pattern->is_found_in(a[0].text));
}

Datum extract(Frame& frame, Arguments a) {
  const Pattern* pattern = cached(a[0].text);
  const auto to = a.size() > 3 ? parse_type(a[3].text).value_or(Type::string) : Type::string;
  std::vector<std::string_view> found;
  const bool is_found = pattern != nullptr && !a[1].is_null && pattern->find(a[2].text, 0, found);
  if (!is_found || a[1].number < 0 || static_cast<std::size_t>(a[1].number) >= found.size()) return Datum::null(to);
  return convert(Datum::of(found[static_cast<std::size_t>(a[1].number)]), to, frame.work);
}

// The groups that are wanted, in order; all where none of them exists.
std::vector<std::size_t> wanted_groups(const Datum* wanted, const Pattern& pattern) {
  const std::size_t count = pattern.groups();
  std::vector<std::size_t> groups;
  if (wanted != nullptr && !wanted->is_null && wanted->dynamic->kind == Dynamic::Kind::array) {
    for (const Dynamic& item : wanted->dynamic->items) {
      const bool is_number = item.kind == Dynamic::Kind::long_integer;
      if (is_number && item.number >= 0 && item.number <= static_cast<std::int64_t>(count))
        groups.push_back(static_cast<std::size_t>(item.number));
      const auto named = item.kind == Dynamic::Kind::string ? pattern.group_of(item.text) : std::nullopt;
      if (named) groups.push_back(*named);
    }
  }
  if (groups.empty())
    for (std::size_t i = 1; i <= count; ++i) groups.push_back(i);
  return groups;
}

Datum extract_all(Frame& frame, Arguments a) {
  const Pattern* pattern = cached(a[0].text);
  if (pattern == nullptr) return Datum::null(Type::dynamic);
  const Datum* wanted = a.size() > 2 ? &a[1] : nullptr;
  const std::string_view text = a.back().text;
  const auto groups = wanted_groups(wanted, *pattern);
  std::vector<Dynamic> matches_found;
  std::vector<std::string_view> found;
  const auto as_text = [](std::string_view piece) {
    Dynamic made;
    made.kind = Dynamic::Kind::string;
    made.text = piece;
    return made;
  };
  for (std::size_t at = 0; at <= text.size() && pattern->find(text, at, found);) {
    Dynamic match;
    if (groups.size() == 1) {
      match = as_text(found[groups.front()]);
    } else {
      const auto items = frame.work.arena.array<Dynamic>(groups.size());
      for (std::size_t i = 0; i < groups.size(); ++i) items[i] = as_text(found[groups[i]]);
      match.kind = Dynamic::Kind::array;
      match.items = items;
    }
    matches_found.push_back(match);
    at = static_cast<std::size_t>(found[0].data() - text.data()) + std::max<std::size_t>(found[0].size(), 1);
  }
  if (matches_found.empty()) return Datum::null(Type::dynamic);
  const auto items = frame.work.arena.array<Dynamic>(matches_found.size());
  std::ranges::copy(matches_found, items.begin());
  const auto made = frame.work.arena.array<Dynamic>(1);
  made[0].kind = Dynamic::Kind::array;
  made[0].items = items;
  return Datum::of(made.data());
}

Datum replace_pattern(Frame& frame, Arguments a) {
  const Pattern* pattern = cached(a[0].text);
  return pattern == nullptr ? a[2] : text_of(frame, pattern->replace_all(a[2].text, a[1].text));
}
Datum replace_pattern_modern(Frame& frame, Arguments a) {
  const Pattern* pattern = cached(a[1].text);
  return pattern == nullptr ? a[0] : text_of(frame, pattern->replace_all(a[0].text, a[2].text));
}

Datum replace_text(Frame& frame, Arguments a) {
  if (a[1].text.empty()) return a[0];
  std::string& out = blank(frame);
  std::string_view rest = a[0].text;
  for (std::size_t found = rest.find(a[1].text); found != std::string_view::npos; found = rest.find(a[1].text)) {
    out += rest.substr(0, found);
    out += a[2].text;
    rest.remove_prefix(found + a[1].text.size());
  }
  out += rest;
  return text_of(frame, out);
}

// Matches are taken off one end until none is left there.
template <bool Front, bool Back>
Datum trim(Frame&, Arguments a) {
  std::string_view text = a[1].text;
  std::vector<std::string_view> found;
  if constexpr (Front) {
    const Pattern* front = cached("\\A(?:" + std::string(a[0].text) + ")+");
    if (front != nullptr && front->find(text, 0, found)) text.remove_prefix(found[0].size());
  }
  if constexpr (Back) {
    const Pattern* back = cached("(?:" + std::string(a[0].text) + ")+\\z");
    if (back != nullptr && back->find(text, 0, found)) text.remove_suffix(found[0].size());
  }
  return Datum::of(text);
}

Datum reverse(Frame& frame, Arguments a) {
  const auto border = borders(a[0].text);
  std::string& out = blank(frame);
  for (std::size_t i = border.size() - 1; i > 0; --i) out += a[0].text.substr(border[i - 1], border[i] - border[i - 1]);
  return text_of(frame, out);
}

// A replacement list that is too short goes on with its last character; an empty one takes the characters out.
Datum translate(Frame& frame, Arguments a) {
  const auto character = [](std::string_view text, const std::vector<std::size_t>& border, std::size_t i) {
    return text.substr(border[i], border[i + 1] - border[i]);
  };
  const auto searched = borders(a[0].text);
  const auto replacing = borders(a[1].text);
  const auto border = borders(a[2].text);
  std::string& out = blank(frame);
  for (std::size_t i = 0; i + 1 < border.size(); ++i) {
    const std::string_view one = character(a[2].text, border, i);
    std::size_t place = 0;
    while (place + 1 < searched.size() && character(a[0].text, searched, place) != one) ++place;
    if (place + 1 == searched.size()) {
      out += one;
    } else if (replacing.size() > 1) {
      out += character(a[1].text, replacing, std::min(place, replacing.size() - 2));
    }
  }
  return text_of(frame, out);
}

constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

Datum base64_encode(Frame& frame, Arguments a) {
  std::string& out = blank(frame);
  const std::string_view in = a[0].text;
  for (std::size_t i = 0; i < in.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, in.size() - i);
    for (std::size_t j = 0; j < 3; ++j) group = (group << 8) | (j < count ? static_cast<unsigned char>(in[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j) out += j <= count ? base64_digits[(group >> (18 - 6 * j)) & 63] : '=';
  }
  return text_of(frame, out);
}

Datum base64_decode(Frame& frame, Arguments a) {
  std::string_view in = a[0].text;
  if (in.size() % 4 != 0) return Datum::of(std::string_view{});
  while (in.ends_with('=') && in.size() + 2 > a[0].text.size()) in.remove_suffix(1);
  std::string& out = blank(frame);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : in) {
    const std::size_t digit = base64_digits.find(c);
    if (digit == std::string_view::npos) return Datum::of(std::string_view{});
    bits = (bits << 6) | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>((bits >> held) & 0xFF);
  }
  return is_utf8(out) ? text_of(frame, out) : Datum::of(std::string_view{});
}

Datum is_empty(Frame& frame, Arguments a) {
  return Datum::of(a[0].is_null || (convert(a[0], Type::string, frame.work).text.empty()));
}
Datum is_not_empty(Frame& frame, Arguments a) { return Datum::of(!is_empty(frame, a).boolean); }

template <Type To>
Datum conversion(Frame& frame, Arguments a) {
  return convert(a[0], To, frame.work);
}

constexpr std::array rows{
    FunctionRow{"strlen", "s", "l", Tier::portable, NameKind::prefixed, string_length},
    FunctionRow{"substring", "Sll?", "s", Tier::portable, NameKind::argument, substring},
    FunctionRow{"tolower", "S", "s", Tier::portable, NameKind::none, change_case<false>},
    FunctionRow{"toupper", "S", "s", Tier::portable, NameKind::none, change_case<true>},
    FunctionRow{"strcat", "S*", "s", Tier::portable, NameKind::none, concatenate},
    FunctionRow{"strcat_delim", "SS*", "s", Tier::portable, NameKind::none, concatenate_delimited},
    FunctionRow{"split", "SSl?", "y", Tier::portable, NameKind::argument, split},
    FunctionRow{"indexof", "SSl?l?l?", "l", Tier::portable, NameKind::none, index_of},
    FunctionRow{"countof", "sss?", "l", Tier::portable, NameKind::none, count_of},
    FunctionRow{"extract", "s!lSs?", "T", Tier::portable, NameKind::none, extract},
    FunctionRow{"replace", "s!SS", "s", Tier::portable, NameKind::none, replace_pattern},
    FunctionRow{"replace_regex", "Ss!S", "s", Tier::extension, NameKind::none, replace_pattern_modern},
    FunctionRow{"replace_string", "SSS", "s", Tier::accepted, NameKind::none, replace_text},
    FunctionRow{"trim", "s!S", "s", Tier::extension, NameKind::none, trim<true, true>},
    FunctionRow{"trim_start", "s!S", "s", Tier::extension, NameKind::none, trim<true, false>},
    FunctionRow{"trim_end", "s!S", "s", Tier::extension, NameKind::none, trim<false, true>},
    FunctionRow{"reverse", "S", "s", Tier::extension, NameKind::none, reverse},
    FunctionRow{"translate", "sss", "s", Tier::extension, NameKind::none, translate},
    FunctionRow{"base64_encodestring", "S", "s", Tier::portable, NameKind::none, base64_encode},
    FunctionRow{"base64_decodestring", "S", "s", Tier::portable, NameKind::none, base64_decode},
    FunctionRow{"base64_encode_tostring", "S", "s", Tier::accepted, NameKind::none, base64_encode},
    FunctionRow{"base64_decode_tostring", "S", "s", Tier::accepted, NameKind::none, base64_decode},
    FunctionRow{"isempty", "a", "b", Tier::portable, NameKind::none, is_empty},
    FunctionRow{"isnotempty", "a", "b", Tier::portable, NameKind::none, is_not_empty},
    FunctionRow{"notempty", "a", "b", Tier::accepted, NameKind::none, is_not_empty},
    FunctionRow{"tostring", "a", "s", Tier::portable, NameKind::argument, conversion<Type::string>},
    FunctionRow{"tolong", "a", "l", Tier::portable, NameKind::argument, conversion<Type::long_integer>},
    FunctionRow{"toint", "a", "i", Tier::portable, NameKind::argument, conversion<Type::integer>},
    FunctionRow{"toreal", "a", "r", Tier::portable, NameKind::argument, conversion<Type::real>},
    FunctionRow{"todouble", "a", "r", Tier::portable, NameKind::argument, conversion<Type::real>},
    FunctionRow{"tobool", "a", "b", Tier::portable, NameKind::argument, conversion<Type::boolean>},
    FunctionRow{"toboolean", "a", "b", Tier::portable, NameKind::argument, conversion<Type::boolean>},
    FunctionRow{"todatetime", "a", "d", Tier::portable, NameKind::argument, conversion<Type::datetime>},
    FunctionRow{"totimespan", "a", "t", Tier::portable, NameKind::argument, conversion<Type::timespan>},
    FunctionRow{"toguid", "a", "g", Tier::portable, NameKind::argument, conversion<Type::guid>},
    FunctionRow{"extract_all", "s!y?S", "y", Tier::portable, NameKind::none, extract_all},
    FunctionRow{"matches regex", "ss", "b", Tier::portable, NameKind::none, matches_pattern},
};

}  // namespace

std::span<const FunctionRow> text_functions() { return rows; }

}  // namespace capstan::kql
