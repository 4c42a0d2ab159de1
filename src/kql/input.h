// A record's members as the values of a program's inputs. Text stays a view; objects and arrays stay raw JSON until an
// expression looks inside.
#pragma once

#include "event/field_plan.h"
#include "kql/program.h"
#include "node.h"

namespace capstan::kql {

// "" or null where the member is missing or cannot be said in the column's type.
Datum read_input(const Value& value, const Input& input, Workspace& work);
Datum read_input(std::string_view json, const Input& input, Workspace& work);

// What an object or array waits as: dynamic, with its JSON in `text`.
Datum unread(std::string_view json);
inline bool is_unread(const Datum& value) {
  return value.type == Type::dynamic && !value.is_null && value.dynamic == nullptr;
}
// Its value; null where the text is not JSON.
Datum read_dynamic_input(std::string_view json, Workspace& work);

}  // namespace capstan::kql
