// What FieldPlan and FieldWalker share.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "event/field_plan.h"
#include "plan_nodes.h"

namespace capstan {

struct FieldPlan::Impl {
  std::map<std::string, std::size_t, std::less<>> slots;
  std::vector<plan::Node> nodes = {plan::Node{}};  // the first is the record
  std::vector<plan::Target> targets;
  std::vector<bool> is_list;      // by slot
  std::size_t front_members = 0;  // of the record: those with smaller numbers belong to the front
};

}  // namespace capstan
