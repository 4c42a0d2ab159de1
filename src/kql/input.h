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
Datum read_input(const Dynamic& value, const Input& input, Workspace& work);

// Its value; null where the text is not JSON.
Datum read_dynamic_input(std::string_view json, Workspace& work);

}  // namespace capstan::kql
