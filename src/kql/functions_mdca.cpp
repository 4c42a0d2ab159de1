// What only Capstan has: the words for numbers of the Defender for Cloud Apps API.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "convert.h"
#include "functions.h"
#include "mdca_names.h"
#include "text_form.h"

namespace capstan::kql {

namespace {

// Items of one array that are looked at; a record names a handful.
constexpr std::size_t items_max = 256;

// An integer, also where a service wrote it as text or with a point.
std::optional<std::int64_t> whole(const Dynamic& value) {
  switch (value.kind) {
    case Dynamic::Kind::long_integer:
      return value.number;
    case Dynamic::Kind::real:
      if (!(std::abs(value.real) < 0x1p63)) return std::nullopt;
      return static_cast<std::int64_t>(value.real);
    case Dynamic::Kind::string:
      return parse_long(value.text);
    default:
      return std::nullopt;
  }
}

// The word; the prefix and what is there where no word is known; null where nothing is there.
Dynamic name_of(const MdcaNames& names, const Dynamic& value, Frame& frame) {
  Dynamic made;
  if (value.kind == Dynamic::Kind::null) return made;
  const auto number = whole(value);
  const std::string_view word = number ? mdca_word(names, *number) : std::string_view{};
  made.kind = Dynamic::Kind::string;
  if (!word.empty()) {
    made.text = word;
    return made;
  }
  const std::string_view text = to_text(Datum::of(&value), frame.work.arena);
  if (text.empty()) return {};
  frame.work.text.assign(names.prefix).append(text);
  made.text = frame.work.arena.copy(frame.work.text);
  return made;
}

// Of an array every word once, in order.
Dynamic names_of(const MdcaNames& names, const Dynamic& values, Frame& frame) {
  const std::size_t size = std::min(values.items.size(), items_max);
  const auto items = frame.work.arena.array<Dynamic>(size);
  std::size_t count = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const Dynamic name = name_of(names, values.items[i], frame);
    const auto known = items.first(count);
    const bool is_new = std::ranges::find(known, name.text, &Dynamic::text) == known.end();
    if (name.kind == Dynamic::Kind::string && is_new) items[count++] = name;
  }
  Dynamic made;
  made.kind = Dynamic::Kind::array;
  made.items = items.first(count);
  return made;
}

Datum mdca_name(Frame& frame, Arguments a) {
  const MdcaNames* names = find_mdca_names(a[0].text);
  if (names == nullptr || a[1].is_null) return Datum::null(Type::dynamic);
  const Dynamic value = as_dynamic(a[1], frame.work);
  const auto place = frame.work.arena.array<Dynamic>(1);
  place[0] = value.kind == Dynamic::Kind::array ? names_of(*names, value, frame) : name_of(*names, value, frame);
  return Datum::of(place.data());
}

constexpr std::array rows = {
    FunctionRow{"mdca_name", "s!a", "y", Tier::extension, NameKind::none, mdca_name},
};

}  // namespace

std::span<const FunctionRow> mdca_functions() { return rows; }

}  // namespace capstan::kql
