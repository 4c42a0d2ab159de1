// One KQL value. Text and dynamic contents are views into an arena, the record or the program; they live as long as the
// row.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>

#include "kql/types.h"

namespace capstan::kql {

struct Dynamic;

struct DynamicMember;

// A JSON value, or null. Datetime, timespan and guid inside dynamic are text (docs "The dynamic data type").
struct Dynamic {
  enum class Kind : std::uint8_t { null, boolean, long_integer, real, string, array, bag };
  Kind kind = Kind::null;
  bool boolean = false;
  std::int64_t number = 0;
  double real = 0;
  std::string_view text;
  std::span<const Dynamic> items;
  std::span<const DynamicMember> members;
};
struct DynamicMember {
  std::string_view name;
  Dynamic value;
};

// Ticks of 100 ns: datetime since 0001-01-01 UTC, timespan as a length.
constexpr std::int64_t ticks_per_second = 10'000'000;
constexpr std::int64_t ticks_per_day = 86'400 * ticks_per_second;
constexpr std::int64_t ticks_of_1970 = 621'355'968'000'000'000;
constexpr std::int64_t ticks_end = 3'155'378'976'000'000'000;  // 10000-01-01, exclusive

struct Guid {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const Guid&) const = default;
};

struct Datum {
  Type type = Type::dynamic;
  bool is_null = true;  // for string only out of substring() with a null position
  union {
    bool boolean;
    std::int64_t number;  // int, long, datetime, timespan
    double real;
    Guid guid;
    const Dynamic* dynamic;  // nullptr although not null: an object whose JSON, in `text`, nobody has looked into
  };
  std::string_view text;  // string

  Datum() : number(0) {}
  static Datum null(Type type) {
    Datum d;
    d.type = type;
    d.is_null = type != Type::string;
    return d;
  }
  template <class T>
    requires std::same_as<T, bool>  // a pointer to characters is not a bool
  static Datum of(T value) {
    Datum d = start(Type::boolean);
    d.boolean = value;
    return d;
  }
  static Datum of(Type type, std::int64_t value) {
    Datum d = start(type);
    d.number = value;
    return d;
  }
  static Datum of_long(std::int64_t value) { return of(Type::long_integer, value); }
  static Datum of_real(double value) {
    Datum d = start(Type::real);
    d.real = value;
    return d;
  }
  static Datum of(std::string_view value) {
    Datum d = start(Type::string);
    d.text = value;
    return d;
  }
  static Datum of(Guid value) {
    Datum d = start(Type::guid);
    d.guid = value;
    return d;
  }
  // A dynamic that holds JSON null is null.
  static Datum of(const Dynamic* value) {
    Datum d = start(Type::dynamic);
    d.dynamic = value;
    d.is_null = value == nullptr || value->kind == Dynamic::Kind::null;
    return d;
  }

  // An object or array by its JSON.
  static Datum of_json(std::string_view json) {
    Datum d = start(Type::dynamic);
    d.dynamic = nullptr;
    d.text = json;
    return d;
  }
  bool is_json() const { return type == Type::dynamic && !is_null && dynamic == nullptr; }

private:
  static Datum start(Type type) {
    Datum d;
    d.type = type;
    d.is_null = false;
    return d;
  }
};

}  // namespace capstan::kql
