#include <algorithm>
#include <array>
#include <unordered_set>

#include "cef_message.h"
#include "convert.h"
#include "dynamic_form.h"
#include "functions.h"
#include "text_form.h"
#include "xml.h"

namespace capstan::kql {

namespace {

Datum made(Frame& frame, const Dynamic& value) {
  const auto place = frame.work.arena.array<Dynamic>(1);
  place[0] = value;
  return Datum::of(place.data());
}

Datum array(Frame& frame, const std::vector<Dynamic>& items) {
  Dynamic value;
  value.kind = Dynamic::Kind::array;
  const auto copy = frame.work.arena.array<Dynamic>(items.size());
  std::ranges::copy(items, copy.begin());
  value.items = copy;
  return made(frame, value);
}

Datum bag(Frame& frame, const std::vector<DynamicMember>& members) {
  Dynamic value;
  value.kind = Dynamic::Kind::bag;
  const auto copy = frame.work.arena.array<DynamicMember>(members.size());
  std::ranges::copy(members, copy.begin());
  value.members = copy;
  return made(frame, value);
}

bool is_array(const Datum& value) {
  return value.type == Type::dynamic && !value.is_null && value.dynamic->kind == Dynamic::Kind::array;
}
bool is_bag(const Datum& value) { return !value.is_null && value.dynamic->kind == Dynamic::Kind::bag; }

// JSON text becomes its value; what is not JSON stays the text it is.
Datum parse_json(Frame& frame, Arguments a) {
  if (a[0].type != Type::string) return convert(a[0], Type::dynamic, frame.work);
  if (a[0].text.empty()) return Datum::null(Type::dynamic);
  const auto value = read_dynamic(a[0].text, frame.work.json, frame.work.arena);
  if (value) return made(frame, *value);
  Dynamic text;
  text.kind = Dynamic::Kind::string;
  text.text = a[0].text;
  return made(frame, text);
}

Datum parse_xml(Frame& frame, Arguments a) {
  const auto value = read_xml(a[0].text, frame.work.arena);
  return value ? made(frame, *value) : Datum::null(Type::dynamic);
}

Datum parse_cef(Frame& frame, Arguments a) {
  const auto value = read_cef(a[0].text, frame.work.arena);
  return value ? made(frame, *value) : Datum::null(Type::dynamic);
}

// Of every item the member, null where it has none; with a condition only of the items that have it. Null when there is
// no such item.
Datum pluck(Frame& frame, Arguments a) {
  if (!is_array(a[0])) return Datum::null(Type::dynamic);
  const auto member_of = [](const Dynamic& item, std::string_view name) {
    return item.kind == Dynamic::Kind::bag ? find_member(item, name) : nullptr;
  };
  std::vector<Dynamic> found;
  for (const Dynamic& item : a[0].dynamic->items) {
    if (a.size() > 2) {
      const Dynamic* condition = member_of(item, a[2].text);
      if (condition == nullptr || condition->kind == Dynamic::Kind::null) continue;
      if (to_text(Datum::of(condition), frame.work.arena) != a[3].text) continue;
    }
    const Dynamic* member = member_of(item, a[1].text);
    found.push_back(member == nullptr ? Dynamic{} : *member);
  }
  return found.empty() ? Datum::null(Type::dynamic) : array(frame, found);
}

// The first that is more than blanks; of an array its first item that is.
Datum first_text(Frame& frame, Arguments a) {
  const auto is_blank = [](std::string_view text) { return text.find_first_not_of(" \t") == std::string_view::npos; };
  for (const Datum& value : a) {
    if (value.is_null) continue;
    if (!is_array(value)) {
      const std::string_view text = to_text(value, frame.work.arena);
      if (!is_blank(text)) return Datum::of(text);
      continue;
    }
    for (const Dynamic& item : value.dynamic->items) {
      const std::string_view text = to_text(Datum::of(&item), frame.work.arena);
      if (!is_blank(text)) return Datum::of(text);
    }
  }
  return Datum::null(Type::string);
}

Datum array_length(Frame&, Arguments a) {
  return is_array(a[0]) ? Datum::of_long(static_cast<std::int64_t>(a[0].dynamic->items.size()))
                        : Datum::null(Type::long_integer);
}

Datum array_concat(Frame& frame, Arguments a) {
  std::vector<Dynamic> items;
  for (const Datum& value : a)
    if (is_array(value)) items.insert(items.end(), value.dynamic->items.begin(), value.dynamic->items.end());
  return array(frame, items);
}

Datum pack_array(Frame& frame, Arguments a) {
  std::vector<Dynamic> items;
  for (const Datum& value : a) items.push_back(as_dynamic(value, frame.work));
  return array(frame, items);
}

// Later values of a name win, at the place of the first.
void put(std::vector<DynamicMember>& members, std::string_view name, const Dynamic& value) {
  const auto found = std::ranges::find(members, name, &DynamicMember::name);
  if (found == members.end()) {
    members.push_back({name, value});
  } else {
    found->value = value;
  }
}

Datum pack(Frame& frame, Arguments a) {
  std::vector<DynamicMember> members;
  for (std::size_t i = 0; i + 1 < a.size(); i += 2)
    put(members, convert(a[i], Type::string, frame.work).text, as_dynamic(a[i + 1], frame.work));
  return bag(frame, members);
}

Datum zip(Frame& frame, Arguments a) {
  std::size_t longest = 0;
  for (const Datum& value : a)
    longest = std::max(longest, is_array(value) ? value.dynamic->items.size() : std::size_t{1});
  std::vector<Dynamic> rows;
  for (std::size_t i = 0; i < longest; ++i) {
    const auto row = frame.work.arena.array<Dynamic>(a.size());
    for (std::size_t j = 0; j < a.size(); ++j) {
      if (is_array(a[j]) && i < a[j].dynamic->items.size()) row[j] = a[j].dynamic->items[i];
      if (!is_array(a[j]) && i == 0 && !a[j].is_null) row[j] = *a[j].dynamic;
    }
    Dynamic value;
    value.kind = Dynamic::Kind::array;
    value.items = row;
    rows.push_back(value);
  }
  return array(frame, rows);
}

Datum bag_keys(Frame& frame, Arguments a) {
  if (!is_bag(a[0])) return Datum::null(Type::dynamic);
  std::vector<Dynamic> names;
  for (const DynamicMember& member : a[0].dynamic->members) {
    Dynamic name;
    name.kind = Dynamic::Kind::string;
    name.text = member.name;
    names.push_back(name);
  }
  return array(frame, names);
}

// Of a name that several have, the leftmost wins (docs "bag_merge()").
Datum bag_merge(Frame& frame, Arguments a) {
  std::vector<DynamicMember> members;
  std::unordered_set<std::string_view> names;
  for (const Datum& value : a) {
    if (!is_bag(value)) continue;
    for (const DynamicMember& member : value.dynamic->members)
      if (names.insert(member.name).second) members.push_back(member);
  }
  return bag(frame, members);
}

bool lists(const Datum& names, std::string_view name) {
  return is_array(names) && std::ranges::any_of(names.dynamic->items, [&](const Dynamic& d) {
           return d.kind == Dynamic::Kind::string && d.text == name;
         });
}

Datum bag_remove_keys(Frame& frame, Arguments a) {
  if (!is_bag(a[0])) return Datum::null(Type::dynamic);
  std::vector<DynamicMember> members;
  for (const DynamicMember& member : a[0].dynamic->members)
    if (!lists(a[1], member.name)) members.push_back(member);
  return bag(frame, members);
}

Datum bag_has_key(Frame&, Arguments a) {
  if (!is_bag(a[0])) return Datum::null(Type::boolean);
  if (!a[1].text.starts_with("$.")) return Datum::of(find_member(*a[0].dynamic, a[1].text) != nullptr);
  // $.a.b: a path of members.
  const Dynamic* at = a[0].dynamic;
  for (std::string_view path = a[1].text.substr(2); at != nullptr && !path.empty();) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    at = find_member(*at, path.substr(0, dot));
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return Datum::of(at != nullptr);
}

// --- sets: arrays without repeats, compared by their JSON
// ---------------------------------------------------------------------------
bool are_same(const Dynamic& x, const Dynamic& y) {
  if (x.kind != y.kind) return false;
  switch (x.kind) {
    case Dynamic::Kind::null:
      return true;
    case Dynamic::Kind::boolean:
      return x.boolean == y.boolean;
    case Dynamic::Kind::long_integer:
      return x.number == y.number;
    case Dynamic::Kind::real:
      return x.real == y.real;
    case Dynamic::Kind::string:
      return x.text == y.text;
    case Dynamic::Kind::array:
      return std::ranges::equal(x.items, y.items, are_same);
    case Dynamic::Kind::bag:
      return x.members.size() == y.members.size() && std::ranges::all_of(x.members, [&](const DynamicMember& member) {
               const Dynamic* other = find_member(y, member.name);
               return other != nullptr && are_same(member.value, *other);
             });
  }
  return false;
}
bool contains(std::span<const Dynamic> items, const Dynamic& wanted) {
  return std::ranges::any_of(items, [&](const Dynamic& item) { return are_same(item, wanted); });
}

Datum set_union(Frame& frame, Arguments a) {
  std::vector<Dynamic> items;
  for (const Datum& value : a) {
    if (!is_array(value)) return Datum::null(Type::dynamic);
    for (const Dynamic& item : value.dynamic->items)
      if (!contains(items, item)) items.push_back(item);
  }
  return array(frame, items);
}

template <bool Wanted>
Datum set_filter(Frame& frame, Arguments a) {
  if (!is_array(a[0])) return Datum::null(Type::dynamic);
  std::vector<Dynamic> items;
  for (const Dynamic& item : a[0].dynamic->items) {
    const bool is_in_others =
        Wanted ? std::ranges::all_of(
                     a.subspan(1),
                     [&](const Datum& other) { return is_array(other) && contains(other.dynamic->items, item); })
               : std::ranges::any_of(a.subspan(1), [&](const Datum& other) {
                   return is_array(other) && contains(other.dynamic->items, item);
                 });
    if (is_in_others == Wanted && !contains(items, item)) items.push_back(item);
  }
  return array(frame, items);
}

Datum set_has_element(Frame& frame, Arguments a) {
  if (!is_array(a[0])) return Datum::null(Type::boolean);
  return Datum::of(contains(a[0].dynamic->items, as_dynamic(a[1], frame.work)));
}

// array_index_of(array, value [, start [, length [, occurrence]]]): a negative start counts from the end, a length of
// -1 is all that is left.
Datum array_index_of(Frame& frame, Arguments a) {
  if (!is_array(a[0])) return Datum::null(Type::long_integer);
  const auto number = [&](std::size_t i, std::int64_t otherwise) {
    return a.size() > i && !a[i].is_null ? a[i].number : otherwise;
  };
  const auto size = static_cast<std::int64_t>(a[0].dynamic->items.size());
  const std::int64_t length = number(3, -1);
  std::int64_t occurrence = number(4, 1);
  if (length < -1 || occurrence < 1) return Datum::null(Type::long_integer);
  std::int64_t at = number(2, 0);
  if (at < 0) at = std::max<std::int64_t>(0, at + size);
  const std::int64_t end = length < 0 || length > size - at ? size : at + length;
  const Dynamic wanted = as_dynamic(a[1], frame.work);
  for (; at < end; ++at)
    if (are_same(a[0].dynamic->items[static_cast<std::size_t>(at)], wanted) && --occurrence == 0)
      return Datum::of_long(at);
  return Datum::of_long(-1);
}

Datum is_null(Frame&, Arguments a) { return Datum::of(a[0].is_null); }
Datum is_not_null(Frame&, Arguments a) { return Datum::of(!a[0].is_null); }

Datum type_name(Frame&, Arguments a) {
  if (a[0].type != Type::dynamic) return Datum::of(to_string(a[0].type));
  if (a[0].is_null) return Datum::of("null");
  switch (a[0].dynamic->kind) {
    case Dynamic::Kind::null:
      return Datum::of("null");
    case Dynamic::Kind::boolean:
      return Datum::of("bool");
    case Dynamic::Kind::long_integer:
      return Datum::of("long");
    case Dynamic::Kind::real:
      return Datum::of("double");
    case Dynamic::Kind::string:
      return Datum::of("string");
    case Dynamic::Kind::array:
      return Datum::of("array");
    case Dynamic::Kind::bag:
      return Datum::of("dictionary");
  }
  return Datum::of("null");
}

constexpr std::array rows{
    FunctionRow{"parse_json", "a", "y", Tier::portable, NameKind::argument, parse_json},
    FunctionRow{"parse_xml", "s", "y", Tier::portable, NameKind::argument, parse_xml},
    FunctionRow{"parse_cef_dictionary", "s", "y", Tier::portable, NameKind::none, parse_cef},
    FunctionRow{"todynamic", "a", "y", Tier::extension, NameKind::argument, parse_json},
    FunctionRow{"pluck", "ys!s?s?", "y", Tier::extension, NameKind::none, pluck},
    FunctionRow{"first_text", "a*", "s", Tier::extension, NameKind::none, first_text},
    FunctionRow{"array_length", "y", "l", Tier::portable, NameKind::none, array_length},
    FunctionRow{"array_concat", "y*", "y", Tier::portable, NameKind::none, array_concat},
    FunctionRow{"pack_array", "a*", "y", Tier::portable, NameKind::none, pack_array},
    FunctionRow{"pack", "a*", "y", Tier::portable, NameKind::none, pack},
    FunctionRow{"bag_pack", "a*", "y", Tier::accepted, NameKind::none, pack},
    FunctionRow{"zip", "y*", "y", Tier::portable, NameKind::none, zip},
    FunctionRow{"bag_keys", "y", "y", Tier::extension, NameKind::none, bag_keys},
    FunctionRow{"bag_merge", "y*", "y", Tier::extension, NameKind::none, bag_merge},
    FunctionRow{"bag_remove_keys", "yy", "y", Tier::extension, NameKind::none, bag_remove_keys},
    FunctionRow{"bag_has_key", "ys", "b", Tier::extension, NameKind::none, bag_has_key},
    FunctionRow{"set_union", "y*", "y", Tier::extension, NameKind::none, set_union},
    FunctionRow{"set_intersect", "y*", "y", Tier::extension, NameKind::none, set_filter<true>},
    FunctionRow{"set_difference", "y*", "y", Tier::extension, NameKind::none, set_filter<false>},
    FunctionRow{"set_has_element", "ya", "b", Tier::extension, NameKind::none, set_has_element},
    FunctionRow{"array_index_of", "yal?l?l?", "l", Tier::extension, NameKind::none, array_index_of},
    FunctionRow{"isnull", "a", "b", Tier::portable, NameKind::none, is_null},
    FunctionRow{"isnotnull", "a", "b", Tier::portable, NameKind::none, is_not_null},
    FunctionRow{"gettype", "a", "s", Tier::portable, NameKind::prefixed, type_name},
};

}  // namespace

std::span<const FunctionRow> dynamic_functions() { return rows; }

}  // namespace capstan::kql
