#include "call_nodes.h"

#include <array>

namespace capstan::kql {

namespace {

class CallNode final : public Node {
public:
  CallNode(Type type, Datum (*call)(Frame&, Arguments), std::vector<NodePtr> arguments)
      : Node(type), call_(call), arguments_(std::move(arguments)) {}
  Datum evaluate(Frame& frame) const override {
    constexpr std::size_t on_stack = 8;
    if (arguments_.size() <= on_stack) {
      std::array<Datum, on_stack> values;
      for (std::size_t i = 0; i < arguments_.size(); ++i) values[i] = arguments_[i]->evaluate(frame);
      return typed(call_(frame, Arguments(values).first(arguments_.size())));
    }
    std::vector<Datum> values;
    for (const NodePtr& argument : arguments_) values.push_back(argument->evaluate(frame));
    return typed(call_(frame, values));
  }

private:
  // A function that gives one of its arguments gives it in the type that was promised.
  Datum typed(Datum value) const {
    if (value.type == type()) return value;
    if (value.is_null) return Datum::null(type());
    if (type() == Type::real && value.type != Type::real) return Datum::of_real(static_cast<double>(value.number));
    value.type = type();
    return value;
  }

  Datum (*call_)(Frame&, Arguments);
  std::vector<NodePtr> arguments_;
};

// iff, case: predicate, value, …, otherwise
class ConditionNode final : public Node {
public:
  ConditionNode(Type type, std::vector<NodePtr> parts) : Node(type), parts_(std::move(parts)) {}
  Datum evaluate(Frame& frame) const override {
    for (std::size_t i = 0; i + 1 < parts_.size(); i += 2) {
      const Datum predicate = parts_[i]->evaluate(frame);
      if (!predicate.is_null && predicate.boolean) return parts_[i + 1]->evaluate(frame);
    }
    return parts_.back()->evaluate(frame);
  }

private:
  std::vector<NodePtr> parts_;
};

class CoalesceNode final : public Node {
public:
  CoalesceNode(Type type, std::vector<NodePtr> parts) : Node(type), parts_(std::move(parts)) {}
  Datum evaluate(Frame& frame) const override {
    Datum value = Datum::null(type());
    for (const NodePtr& part : parts_) {
      value = part->evaluate(frame);
      if (!value.is_null && !(value.type == Type::string && value.text.empty())) return value;
    }
    return value;
  }

private:
  std::vector<NodePtr> parts_;
};

}  // namespace

NodePtr make_call(Type type, Datum (*call)(Frame&, Arguments), std::vector<NodePtr> arguments) {
  return std::make_shared<CallNode>(type, call, std::move(arguments));
}
NodePtr make_condition(Type type, std::vector<NodePtr> parts) {
  return std::make_shared<ConditionNode>(type, std::move(parts));
}
NodePtr make_coalesce(Type type, std::vector<NodePtr> parts) {
  return std::make_shared<CoalesceNode>(type, std::move(parts));
}

}  // namespace capstan::kql
