#include "kql/types.h"

#include <array>

namespace capstan::kql {

namespace {

struct Name {
  std::string_view text;
  Type type;
};
// The first name of a type is the one that is written.
constexpr std::array names{
    Name{"bool", Type::boolean},      Name{"int", Type::integer},       Name{"long", Type::long_integer},
    Name{"real", Type::real},         Name{"string", Type::string},     Name{"datetime", Type::datetime},
    Name{"timespan", Type::timespan}, Name{"guid", Type::guid},         Name{"dynamic", Type::dynamic},
    Name{"boolean", Type::boolean},   Name{"double", Type::real},       Name{"date", Type::datetime},
    Name{"time", Type::timespan},     Name{"uniqueid", Type::guid},     Name{"uuid", Type::guid},
    Name{"int32", Type::integer},     Name{"int64", Type::long_integer}};

}  // namespace

std::string_view to_string(Type type) {
  for (const Name& name : names)
    if (name.type == type) return name.text;
  return "dynamic";
}

std::optional<Type> parse_type(std::string_view text) {
  for (const Name& name : names)
    if (name.text == text) return name.type;
  return std::nullopt;
}

std::optional<std::size_t> Schema::find(std::string_view name) const {
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i].name == name) return i;
  return std::nullopt;
}

}  // namespace capstan::kql
