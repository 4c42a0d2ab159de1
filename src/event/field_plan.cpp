#include "event/field_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "field_plan_impl.h"
#include "plan_path.h"

namespace capstan {

namespace {

using plan::Gate;
using plan::Node;
using plan::NodeIndex;

// Adds one path to the tree.
class Growth {
public:
  explicit Growth(FieldPlan::Impl& plan) : plan_(plan) {}

  // The last step's node carries the target.
  Result<> grow(const std::vector<plan::Step>& steps, std::size_t slot) {
    const auto target = static_cast<std::uint32_t>(plan_.targets.size());
    plan_.targets.emplace_back().slot = slot;
    NodeIndex at = 0;
    for (const plan::Step& step : steps) {
      if (const auto* name = std::get_if<std::string>(&step))
        at = TRY(member(at, *name));
      else
        at = TRY(items(at, std::get<Gate>(step), target));
    }
    plan_.nodes[at].targets.push_back(target);
    plan_.is_list.push_back(plan_.targets[target].is_list);
    return {};
  }

private:
  Result<NodeIndex> member(NodeIndex at, const std::string& name) {
    const std::size_t known = plan_.nodes[at].members.find_unpadded(name);
    if (known != plan::NameTable::nobody) return plan_.nodes[at].members.node(known);
    if (plan_.nodes[at].members.size() == plan::members_max)
      return Error(
          ErrorCode::mapping_wrong,
          fmt::format("adding a path: it would look at more than {} members of one object", plan::members_max));
    const NodeIndex fresh = add_node();
    plan_.nodes[at].members.add(name, fresh);
    return fresh;
  }

  Result<NodeIndex> items(NodeIndex at, const Gate& gate, std::uint32_t target) {
    if (plan_.nodes[at].item == plan::no_node) {
      const NodeIndex fresh = add_node();
      plan_.nodes[at].item = fresh;
      plan_.nodes[at].level = plan_.targets[target].levels;
    }
    const NodeIndex item = plan_.nodes[at].item;
    const std::size_t number = TRY(gate_number(at, gate));
    plan::Target& through = plan_.targets[target];
    through.gates[through.levels++] = static_cast<std::uint8_t>(number);
    through.is_list = through.is_list || gate.kind != Gate::Kind::index;
    plan_.nodes[at].targets_below.push_back(target);
    return item;
  }

  Result<std::size_t> gate_number(NodeIndex at, const Gate& gate) {
    std::vector<Gate>& gates = plan_.nodes[at].gates;
    const auto known = std::find(gates.begin(), gates.end(), gate);
    const auto number = static_cast<std::size_t>(known - gates.begin());
    if (known != gates.end()) return number;
    if (number == plan::gates_max)
      return Error(ErrorCode::mapping_wrong,
                   fmt::format("adding a path: it is the {}th different way through one array, {} are possible",
                               plan::gates_max + 1, plan::gates_max));
    gates.push_back(gate);
    if (gate.kind == Gate::Kind::filter) {
      const NodeIndex looked_at = TRY(member(plan_.nodes[at].item, gate.member));
      plan_.nodes[looked_at].probes.push_back({plan_.nodes[at].level, number, gate.text});
    }
    return number;
  }

  NodeIndex add_node() {
    plan_.nodes.emplace_back();
    return static_cast<NodeIndex>(plan_.nodes.size() - 1);
  }

  FieldPlan::Impl& plan_;
};

}  // namespace

FieldPlan::FieldPlan() : impl_(std::make_unique<Impl>()) {}
FieldPlan::~FieldPlan() = default;
FieldPlan::FieldPlan(FieldPlan&&) noexcept = default;
FieldPlan& FieldPlan::operator=(FieldPlan&&) noexcept = default;

Result<std::size_t> FieldPlan::slot(std::string_view path) {
  if (const auto known = impl_->slots.find(path); known != impl_->slots.end()) return known->second;
  const std::vector<plan::Step> steps = TRY(plan::parse_path(path));
  const std::size_t slot = impl_->slots.size();
  // Grown in a copy, so that a refused path leaves the plan as it was. Plans are made once, at start.
  Impl grown = *impl_;
  TRY(Growth(grown).grow(steps, slot));
  grown.slots.emplace(path, slot);
  *impl_ = std::move(grown);
  return slot;
}

std::size_t FieldPlan::size() const { return impl_->slots.size(); }

void FieldPlan::end_front() { impl_->front_members = impl_->nodes.front().members.size(); }

}  // namespace capstan
