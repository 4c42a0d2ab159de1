#include "convert.h"

#include <cmath>
#include <limits>

#include "calendar.h"
#include "dynamic_form.h"
#include "text_form.h"

namespace capstan::kql {

namespace {

Datum from_optional(Type type, std::optional<std::int64_t> value) {
  return value ? Datum::of(type, *value) : Datum::null(type);
}

// Truncated; what does not fit becomes the largest or smallest, NaN is null.
Datum real_to_long(double value) {
  if (std::isnan(value)) return Datum::null(Type::long_integer);
  const double whole = std::trunc(value);
  if (whole >= 0x1p63) return Datum::of_long(std::numeric_limits<std::int64_t>::max());
  if (whole < -0x1p63) return Datum::of_long(std::numeric_limits<std::int64_t>::min());
  return Datum::of_long(static_cast<std::int64_t>(whole));
}

Datum long_to_int(std::int64_t value) {
  return Datum::of(Type::integer, static_cast<std::int32_t>(static_cast<std::uint64_t>(value)));
}

Datum real_to_int(double value) {
  if (std::isnan(value)) return Datum::null(Type::integer);
  const double clamped = std::min(std::max(std::trunc(value), -2147483648.0), 2147483647.0);
  return Datum::of(Type::integer, static_cast<std::int64_t>(clamped));
}

Datum to_long(const Datum& value) {
  switch (value.type) {
    case Type::boolean:
      return Datum::of_long(value.boolean ? 1 : 0);
    case Type::real:
      return real_to_long(value.real);
    case Type::string:
      return from_optional(Type::long_integer, parse_long(value.text));
    case Type::guid:
      return Datum::null(Type::long_integer);
    default:
      return Datum::of_long(value.number);
  }
}

Datum to_int(const Datum& value) {
  switch (value.type) {
    case Type::real:
      return real_to_int(value.real);
    case Type::string: {
      const auto parsed = parse_long(value.text);
      if (!parsed || *parsed < std::numeric_limits<std::int32_t>::min() ||
          *parsed > std::numeric_limits<std::int32_t>::max())
        return Datum::null(Type::integer);
      return Datum::of(Type::integer, *parsed);
    }
    default: {
      const Datum wide = to_long(value);
      return wide.is_null ? Datum::null(Type::integer) : long_to_int(wide.number);
    }
  }
}

Datum to_real(const Datum& value) {
  switch (value.type) {
    case Type::boolean:
      return Datum::of_real(value.boolean ? 1 : 0);
    case Type::string: {
      const auto parsed = parse_real(value.text);
      return parsed ? Datum::of_real(*parsed) : Datum::null(Type::real);
    }
    case Type::guid:
      return Datum::null(Type::real);
    default:
      return Datum::of_real(static_cast<double>(value.number));
  }
}

Datum to_boolean(const Datum& value) {
  switch (value.type) {
    case Type::real:
      return Datum::of(value.real != 0);
    case Type::string: {
      const auto parsed = parse_boolean(value.text);
      return parsed ? Datum::of(*parsed) : Datum::null(Type::boolean);
    }
    case Type::integer:
    case Type::long_integer:
      return Datum::of(value.number != 0);
    default:
      return Datum::null(Type::boolean);
  }
}

Datum to_time(const Datum& value, Type to) {
  if (value.type == Type::string)
    return from_optional(to, to == Type::datetime ? parse_datetime(value.text) : parse_timespan(value.text));
  if (value.type == Type::long_integer || value.type == Type::integer) {
    if (to == Type::datetime) return from_optional(to, checked_datetime(value.number));
    return Datum::of(to, value.number);
  }
  return Datum::null(to);
}

// What a dynamic holds, as a typed value.
Datum inner(const Dynamic& value) {
  switch (value.kind) {
    case Dynamic::Kind::boolean:
      return Datum::of(value.boolean);
    case Dynamic::Kind::long_integer:
      return Datum::of_long(value.number);
    case Dynamic::Kind::real:
      return Datum::of_real(value.real);
    case Dynamic::Kind::string:
      return Datum::of(value.text);
    default:
      return Datum::null(Type::dynamic);
  }
}

}  // namespace

Datum convert(const Datum& value, Type to, Workspace& work) {
  if (value.type == to) return value;
  if (to == Type::string) return Datum::of(to_text(value, work.arena));
  if (value.is_null) return Datum::null(to);
  if (to == Type::dynamic) {
    const auto place = work.arena.array<Dynamic>(1);
    place[0] = as_dynamic(value, work);
    return Datum::of(place.data());
  }
  if (value.type == Type::dynamic) {
    const Datum held = inner(*value.dynamic);
    return held.type == Type::dynamic ? Datum::null(to) : convert(held, to, work);
  }
  switch (to) {
    case Type::long_integer:
      return to_long(value);
    case Type::integer:
      return to_int(value);
    case Type::real:
      return to_real(value);
    case Type::boolean:
      return to_boolean(value);
    case Type::datetime:
    case Type::timespan:
      return to_time(value, to);
    case Type::guid: {
      const auto parsed = value.type == Type::string ? parse_guid(value.text) : std::nullopt;
      return parsed ? Datum::of(*parsed) : Datum::null(Type::guid);
    }
    default:
      return Datum::null(to);
  }
}

Dynamic as_dynamic(const Datum& value, Workspace& work) {
  Dynamic made;
  if (value.type == Type::dynamic) return value.is_null ? made : *value.dynamic;
  if (value.is_null) return made;
  switch (value.type) {
    case Type::boolean:
      made.kind = Dynamic::Kind::boolean;
      made.boolean = value.boolean;
      break;
    case Type::integer:
    case Type::long_integer:
      made.kind = Dynamic::Kind::long_integer;
      made.number = value.number;
      break;
    case Type::real:
      made.kind = Dynamic::Kind::real;
      made.real = value.real;
      break;
    default:
      made.kind = Dynamic::Kind::string;
      made.text = to_text(value, work.arena);
      break;
  }
  return made;
}

Datum cast(const Dynamic& value, Type to, Workspace& work) {
  const Datum held = inner(value);
  if (to == Type::dynamic) return Datum::of(&value);
  if (to == Type::string) return convert(Datum::of(&value), Type::string, work);
  if (held.type == Type::string && to != Type::datetime && to != Type::timespan && to != Type::guid)
    return Datum::null(to);
  const bool is_number = held.type == Type::long_integer || held.type == Type::real;
  if (to == Type::boolean && is_number) return Datum::null(to);
  if (held.type == Type::boolean && to != Type::boolean) return Datum::null(to);
  if (held.type == Type::dynamic) return Datum::null(to);
  return convert(held, to, work);
}

}  // namespace capstan::kql
