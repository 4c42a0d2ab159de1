#include "input.h"

#include <charconv>

#include "calendar.h"
#include "convert.h"
#include "dynamic_form.h"

namespace capstan::kql {

namespace {

// Milliseconds since 1970 → datetime.
Datum from_epoch(const Datum& value, Workspace& work) {
  const Datum ms = convert(value, Type::long_integer, work);
  constexpr std::int64_t ticks_per_ms = 10'000;
  if (ms.is_null || ms.number > ticks_end / ticks_per_ms || ms.number < -ticks_of_1970 / ticks_per_ms)
    return Datum::null(Type::datetime);
  const auto ticks = checked_datetime(ticks_of_1970 + ms.number * ticks_per_ms);
  return ticks ? Datum::of(Type::datetime, *ticks) : Datum::null(Type::datetime);
}

Datum as_column(const Datum& value, const Input& input, Workspace& work) {
  if (input.is_epoch_ms && input.type == Type::datetime) return from_epoch(value, work);
  return convert(value, input.type, work);
}

// Integers become long; what has a point or exponent, or is beyond 64 bits, real: as read_dynamic() does.
Dynamic number_of(std::string_view token) {
  Dynamic made;
  const char* end = token.data() + token.size();
  made.kind = Dynamic::Kind::long_integer;
  const auto whole = std::from_chars(token.data(), end, made.number);
  if (whole.ec == std::errc{} && whole.ptr == end) return made;
  made.number = 0;
  made.kind = Dynamic::Kind::real;
  made.real = json_real(token);
  return made;
}

Dynamic scalar_of(const Value& value) {
  Dynamic made;
  switch (value.type) {
    case Value::Type::boolean:
      made.kind = Dynamic::Kind::boolean;
      made.boolean = value.text == "true";
      return made;
    case Value::Type::number:
      return number_of(value.text);
    case Value::Type::string:
      made.kind = Dynamic::Kind::string;
      made.text = value.text;
      return made;
    default:
      return made;
  }
}

// The items that a list path found; what an item lacks is null. Null when there is no item, as pluck() has it.
Datum read_list(const Value& list, Workspace& work) {
  if (list.items.empty()) return Datum::null(Type::dynamic);
  const auto items = work.arena.array<Dynamic>(list.items.size());
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    const Value& found = list.items[i];
    const bool is_nested = found.type == Value::Type::object || found.type == Value::Type::array;
    items[i] = is_nested ? read_dynamic(found.text, work.json, work.arena).value_or(Dynamic{}) : scalar_of(found);
  }
  const auto place = work.arena.array<Dynamic>(1);
  place[0].kind = Dynamic::Kind::array;
  place[0].items = items.first(list.items.size());
  return Datum::of(place.data());
}

}  // namespace

Datum read_dynamic_input(std::string_view json, Workspace& work) {
  const auto value = read_dynamic(json, work.json, work.arena);
  if (!value) return Datum::null(Type::dynamic);
  const auto place = work.arena.array<Dynamic>(1);
  place[0] = *value;
  return Datum::of(place.data());
}

Datum read_input(const Value& value, const Input& input, Workspace& work) {
  switch (value.type) {
    case Value::Type::missing:
    case Value::Type::null:
      return Datum::null(input.type);
    case Value::Type::list:
      return read_list(value, work);
    case Value::Type::string:
      if (input.type != Type::dynamic) return as_column(Datum::of(value.text), input, work);
      break;
    case Value::Type::object:
    case Value::Type::array:
      if (input.type == Type::dynamic) return Datum::of_json(value.text);
      return as_column(read_dynamic_input(value.text, work), input, work);
    case Value::Type::boolean:
    case Value::Type::number:
      break;
  }
  const auto place = work.arena.array<Dynamic>(1);
  place[0] = scalar_of(value);
  return as_column(Datum::of(place.data()), input, work);
}

Datum read_input(std::string_view json, const Input& input, Workspace& work) {
  if (json.empty()) return Datum::null(input.type);
  return as_column(read_dynamic_input(json, work), input, work);
}

Datum read_input(const Dynamic& value, const Input& input, Workspace& work) {
  return as_column(Datum::of(&value), input, work);
}

}  // namespace capstan::kql
