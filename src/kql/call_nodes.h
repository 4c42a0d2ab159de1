// Calls as nodes.
#pragma once

#include <vector>

#include "functions.h"

namespace capstan::kql {

NodePtr make_call(Type type, Datum (*call)(Frame&, Arguments), std::vector<NodePtr> arguments);
// predicate, value, …, otherwise
NodePtr make_condition(Type type, std::vector<NodePtr> parts);
NodePtr make_coalesce(Type type, std::vector<NodePtr> parts);

}  // namespace capstan::kql
