// Arrays in order: slices, sorting, sums, joining. Docs "array_slice()", "array_sort_asc()", "array_sum()",
// "strcat_array()".
#include <algorithm>
#include <array>
#include <vector>

#include "convert.h"
#include "functions.h"

namespace capstan::kql {

namespace {

using Kind = Dynamic::Kind;

bool is_array(const Datum& value) { return !value.is_null && value.dynamic->kind == Kind::array; }
bool is_number(const Dynamic& value) { return value.kind == Kind::long_integer || value.kind == Kind::real; }
double as_real(const Dynamic& value) {
  return value.kind == Kind::real ? value.real : static_cast<double>(value.number);
}

Datum array_of(Frame& frame, std::span<const Dynamic> items) {
  const auto made = frame.work.arena.array<Dynamic>(1);
  made[0].kind = Kind::array;
  made[0].items = items;
  return Datum::of(made.data());
}

// Both ends belong to it; what lies outside of the array is passed over.
Datum slice(Frame& frame, Arguments a) {
  if (!is_array(a[0]) || a[1].is_null || a[2].is_null) return Datum::null(Type::dynamic);
  const std::span<const Dynamic> items = a[0].dynamic->items;
  const auto size = static_cast<std::int64_t>(items.size());
  const auto counted = [&](std::int64_t index) { return index < 0 ? index + size : index; };
  const std::int64_t first = std::max<std::int64_t>(counted(a[1].number), 0);
  const std::int64_t last = std::min(counted(a[2].number), size - 1);
  if (first > last) return array_of(frame, {});
  return array_of(frame, items.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first + 1)));
}

// Numbers, then texts, then everything else as it stood. Nulls are placed apart.
int rank(const Dynamic& value) { return is_number(value) ? 0 : value.kind == Kind::string ? 1 : 2; }

bool is_before(const Dynamic& x, const Dynamic& y) {
  if (x.kind == Kind::long_integer && y.kind == Kind::long_integer) return x.number < y.number;
  if (is_number(x)) return as_real(x) < as_real(y);
  return x.kind == Kind::string && x.text < y.text;
}

template <bool Descending>
Datum sort(Frame& frame, Arguments a) {
  if (!is_array(a[0])) return Datum::null(Type::dynamic);
  const bool nulls_last = a.size() < 2 || a[1].is_null || a[1].boolean;
  const auto sorted = frame.work.arena.array<Dynamic>(a[0].dynamic->items.size());
  std::ranges::copy(a[0].dynamic->items, sorted.begin());
  const auto order = [&](const Dynamic& x, const Dynamic& y) {
    const bool x_is_null = x.kind == Kind::null;
    const bool y_is_null = y.kind == Kind::null;
    if (x_is_null || y_is_null) return nulls_last ? y_is_null && !x_is_null : x_is_null && !y_is_null;
    if (rank(x) != rank(y)) return rank(x) < rank(y);
    return Descending ? is_before(y, x) : is_before(x, y);
  };
  std::ranges::stable_sort(sorted, order);
  return array_of(frame, sorted);
}

Datum sum(Frame&, Arguments a) {
  if (!is_array(a[0])) return Datum::null(Type::real);
  double total = 0;
  for (const Dynamic& item : a[0].dynamic->items) {
    if (!is_number(item)) return Datum::null(Type::real);
    total += as_real(item);
  }
  return Datum::of_real(total);
}

Datum join(Frame& frame, Arguments a) {
  if (!is_array(a[0])) return Datum::of(std::string_view{});
  std::string joined;
  bool is_first = true;
  for (const Dynamic& item : a[0].dynamic->items) {
    if (!is_first) joined += a[1].text;
    is_first = false;
    joined += convert(Datum::of(&item), Type::string, frame.work).text;
  }
  return Datum::of(frame.work.arena.copy(joined));
}

constexpr std::array rows{
    FunctionRow{"strcat_array", "ys", "s", Tier::extension, NameKind::none, join},
    FunctionRow{"array_slice", "yll", "y", Tier::extension, NameKind::none, slice},
    FunctionRow{"array_sort_asc", "yb?", "y", Tier::extension, NameKind::none, sort<false>},
    FunctionRow{"array_sort_desc", "yb?", "y", Tier::extension, NameKind::none, sort<true>},
    FunctionRow{"array_sum", "y", "r", Tier::extension, NameKind::none, sum},
};

}  // namespace

std::span<const FunctionRow> array_functions() { return rows; }

}  // namespace capstan::kql
