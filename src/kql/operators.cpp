#include "operators.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "calendar.h"
#include "characters.h"
#include "convert.h"
#include "dynamic_form.h"
#include "text_form.h"

namespace capstan::kql {

namespace {

// Two's complement, never undefined.
std::int64_t wrapped(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::uint64_t bits(std::int64_t value) { return static_cast<std::uint64_t>(value); }

Datum integer_arithmetic(Arithmetic operation, Type type, std::int64_t a, std::int64_t b) {
  switch (operation) {
    case Arithmetic::add:
      return Datum::of(type, wrapped(bits(a) + bits(b)));
    case Arithmetic::subtract:
      return Datum::of(type, wrapped(bits(a) - bits(b)));
    case Arithmetic::multiply:
      return Datum::of(type, wrapped(bits(a) * bits(b)));
    case Arithmetic::divide:
      if (b == 0) return Datum::null(type);
      return Datum::of(type, b == -1 ? wrapped(~bits(a) + 1) : a / b);
    case Arithmetic::modulo: {
      if (b == 0) return Datum::null(type);
      if (b == -1 || b == 1) return Datum::of(type, 0);
      const std::int64_t rest = a % b;
      return Datum::of(type, rest >= 0 ? rest : b > 0 ? rest + b : rest - b);
    }
  }
  return Datum::null(type);
}

Datum real_arithmetic(Arithmetic operation, double a, double b) {
  switch (operation) {
    case Arithmetic::add:
      return Datum::of_real(a + b);
    case Arithmetic::subtract:
      return Datum::of_real(a - b);
    case Arithmetic::multiply:
      return Datum::of_real(a * b);
    case Arithmetic::divide:
      return Datum::of_real(a / b);
    case Arithmetic::modulo: {
      const double rest = std::fmod(a, b);
      return Datum::of_real(rest < 0 ? rest + std::abs(b) : rest);
    }
  }
  return Datum::null(Type::real);
}

double as_real(const Datum& value) { return value.type == Type::real ? value.real : static_cast<double>(value.number); }
Datum timespan_from_real(double ticks) {
  if (!(std::abs(ticks) < 9.22e18)) return Datum::null(Type::timespan);
  return Datum::of(Type::timespan, static_cast<std::int64_t>(ticks));
}

class ArithmeticNode final : public Node {
public:
  ArithmeticNode(Arithmetic operation, Type type, NodePtr left, NodePtr right)
      : Node(type), operation_(operation), left_(std::move(left)), right_(std::move(right)) {}

  Datum evaluate(Frame& frame) const override {
    Datum a = left_->evaluate(frame);
    Datum b = right_->evaluate(frame);
    if (type() == Type::dynamic) return dynamic_arithmetic(frame, a, b);
    if (a.is_null || b.is_null) return Datum::null(type());
    return typed(a, b);
  }

private:
  Datum typed(const Datum& a, const Datum& b) const {
    if (type() == Type::real) {
      // timespan / timespan is a ratio.
      return real_arithmetic(operation_, as_real(a), as_real(b));
    }
    if (type() == Type::timespan && (a.type == Type::real || b.type == Type::real))
      return timespan_from_real(operation_ == Arithmetic::multiply ? as_real(a) * as_real(b) : as_real(a) / as_real(b));
    const Datum result = integer_arithmetic(operation_, type(), a.number, b.number);
    if (type() == Type::datetime && !result.is_null && !checked_datetime(result.number))
      return Datum::null(Type::datetime);
    return result;
  }

  // Numbers inside dynamic; anything else is null.
  Datum dynamic_arithmetic(Frame& frame, const Datum& a, const Datum& b) const {
    const Dynamic left = as_dynamic(a, frame.work);
    const Dynamic right = as_dynamic(b, frame.work);
    const auto is_number = [](const Dynamic& d) {
      return d.kind == Dynamic::Kind::long_integer || d.kind == Dynamic::Kind::real;
    };
    if (!is_number(left) || !is_number(right)) return Datum::null(Type::dynamic);
    if (left.kind == Dynamic::Kind::long_integer && right.kind == Dynamic::Kind::long_integer)
      return convert(integer_arithmetic(operation_, Type::long_integer, left.number, right.number), Type::dynamic,
                     frame.work);
    const auto value = [](const Dynamic& d) {
      return d.kind == Dynamic::Kind::real ? d.real : static_cast<double>(d.number);
    };
    return convert(real_arithmetic(operation_, value(left), value(right)), Type::dynamic, frame.work);
  }

  Arithmetic operation_;
  NodePtr left_;
  NodePtr right_;
};

class NegationNode final : public Node {
public:
  explicit NegationNode(NodePtr operand)
      : Node(operand->type() == Type::integer ? Type::long_integer : operand->type()), operand_(std::move(operand)) {}
  Datum evaluate(Frame& frame) const override {
    const Datum value = operand_->evaluate(frame);
    if (value.is_null) return Datum::null(type());
    if (value.type == Type::real) return Datum::of_real(-value.real);
    return Datum::of(type(), wrapped(~bits(value.number) + 1));
  }

private:
  NodePtr operand_;
};

int sign_of(std::strong_ordering order) { return order < 0 ? -1 : order > 0 ? 1 : 0; }

// -1, 0, 1; nothing when the two cannot be ordered (NaN, other types, null).
std::optional<int> order(const Datum& a, const Datum& b);

std::optional<int> order_dynamic(const Dynamic& a, const Datum& b) {
  switch (a.kind) {
    case Dynamic::Kind::long_integer:
      if (b.type == Type::string || b.type == Type::boolean || b.type == Type::guid) return std::nullopt;
      return order(Datum::of_long(a.number), b);
    case Dynamic::Kind::real:
      if (b.type == Type::string || b.type == Type::boolean || b.type == Type::guid) return std::nullopt;
      return order(Datum::of_real(a.real), b);
    case Dynamic::Kind::boolean:
      return b.type == Type::boolean ? order(Datum::of(a.boolean), b) : std::nullopt;
    case Dynamic::Kind::string:
      if (b.type == Type::string) return order(Datum::of(a.text), b);
      if (b.type == Type::datetime) {
        const auto ticks = parse_datetime(a.text);
        return ticks ? order(Datum::of(Type::datetime, *ticks), b) : std::nullopt;
      }
      if (b.type == Type::timespan) {
        const auto ticks = parse_timespan(a.text);
        return ticks ? order(Datum::of(Type::timespan, *ticks), b) : std::nullopt;
      }
      if (b.type == Type::guid) {
        const auto guid = parse_guid(a.text);
        return guid ? order(Datum::of(*guid), b) : std::nullopt;
      }
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::optional<int> order(const Datum& a, const Datum& b) {
  if (a.is_null || b.is_null) return std::nullopt;
  if (a.type == Type::dynamic) return order_dynamic(*a.dynamic, b);
  if (b.type == Type::dynamic) {
    const auto reversed = order_dynamic(*b.dynamic, a);
    return reversed ? std::optional<int>(-*reversed) : std::nullopt;
  }
  if (a.type == Type::string) return sign_of(a.text <=> b.text);
  if (a.type == Type::boolean) return static_cast<int>(a.boolean) - static_cast<int>(b.boolean);
  if (a.type == Type::guid) return sign_of(std::pair(a.guid.high, a.guid.low) <=> std::pair(b.guid.high, b.guid.low));
  if (a.type == Type::real || b.type == Type::real) {
    const double x = as_real(a);
    const double y = as_real(b);
    if (std::isnan(x) || std::isnan(y)) return std::nullopt;
    return x < y ? -1 : x > y ? 1 : 0;
  }
  return sign_of(a.number <=> b.number);
}

class ComparisonNode final : public Node {
public:
  ComparisonNode(Comparison comparison, NodePtr left, NodePtr right)
      : Node(Type::boolean), comparison_(comparison), left_(std::move(left)), right_(std::move(right)) {}

  Datum evaluate(Frame& frame) const override {
    const Datum a = left_->evaluate(frame);
    const Datum b = right_->evaluate(frame);
    if (comparison_ == Comparison::equal || comparison_ == Comparison::not_equal) {
      const auto equal = are_equal(a, b);
      if (!equal) return Datum::null(Type::boolean);
      return Datum::of(*equal == (comparison_ == Comparison::equal));
    }
    if (a.is_null || b.is_null) return Datum::null(Type::boolean);
    const auto ordered = order(a, b);
    if (!ordered) {
      // NaN compares false with everything; other types inside dynamic cannot be compared.
      return a.type == Type::dynamic || b.type == Type::dynamic ? Datum::null(Type::boolean) : Datum::of(false);
    }
    switch (comparison_) {
      case Comparison::less:
        return Datum::of(*ordered < 0);
      case Comparison::less_or_equal:
        return Datum::of(*ordered <= 0);
      case Comparison::greater:
        return Datum::of(*ordered > 0);
      default:
        return Datum::of(*ordered >= 0);
    }
  }

private:
  Comparison comparison_;
  NodePtr left_;
  NodePtr right_;
};

class LogicNode final : public Node {
public:
  // `decisive` is the value that decides alone: false for and, true for or.
  LogicNode(bool decisive, NodePtr left, NodePtr right)
      : Node(Type::boolean), decisive_(decisive), left_(std::move(left)), right_(std::move(right)) {}
  Datum evaluate(Frame& frame) const override {
    const Datum a = left_->evaluate(frame);
    if (!a.is_null && a.boolean == decisive_) return a;
    const Datum b = right_->evaluate(frame);
    if (!b.is_null && b.boolean == decisive_) return b;
    return a.is_null ? a : b;
  }

private:
  bool decisive_;
  NodePtr left_;
  NodePtr right_;
};

class NotNode final : public Node {
public:
  explicit NotNode(NodePtr operand) : Node(Type::boolean), operand_(std::move(operand)) {}
  Datum evaluate(Frame& frame) const override {
    const Datum value = operand_->evaluate(frame);
    return value.is_null ? value : Datum::of(!value.boolean);
  }

private:
  NodePtr operand_;
};

class TextSearchNode final : public Node {
public:
  TextSearchNode(TextSearch search, NodePtr text, NodePtr needle)
      : Node(Type::boolean), search_(search), text_(std::move(text)), needle_(std::move(needle)) {}
  Datum evaluate(Frame& frame) const override {
    return Datum::of(matches(search_, text_->evaluate(frame).text, needle_->evaluate(frame).text, frame.work));
  }

private:
  TextSearch search_;
  NodePtr text_;
  NodePtr needle_;
};

// Calls `visit` with every candidate, array items one by one, until it says true.
template <class Visit>
bool any_candidate(Frame& frame, const std::vector<NodePtr>& candidates, Visit visit) {
  for (const NodePtr& candidate : candidates) {
    const Datum value = candidate->evaluate(frame);
    if (value.type != Type::dynamic || value.is_null || value.dynamic->kind != Dynamic::Kind::array) {
      if (visit(value)) return true;
      continue;
    }
    for (const Dynamic& item : value.dynamic->items)
      if (visit(Datum::of(&item))) return true;
  }
  return false;
}

class HasListNode final : public Node {
public:
  HasListNode(bool wants_all, bool is_negated, NodePtr text, std::vector<NodePtr> needles)
      : Node(Type::boolean),
        wants_all_(wants_all),
        is_negated_(is_negated),
        text_(std::move(text)),
        needles_(std::move(needles)) {}
  Datum evaluate(Frame& frame) const override {
    const Datum text = text_->evaluate(frame);
    const TextSearch has{TextSearch::Kind::has, true, false};
    const bool stopped = any_candidate(frame, needles_, [&](const Datum& needle) {
      return matches(has, text.text, convert(needle, Type::string, frame.work).text, frame.work) != wants_all_;
    });
    return Datum::of((stopped != wants_all_) != is_negated_);
  }

private:
  bool wants_all_;
  bool is_negated_;
  NodePtr text_;
  std::vector<NodePtr> needles_;
};

class InNode final : public Node {
public:
  InNode(bool ignores_case, bool is_negated, NodePtr subject, std::vector<NodePtr> candidates)
      : Node(Type::boolean),
        ignores_case_(ignores_case),
        is_negated_(is_negated),
        subject_(std::move(subject)),
        candidates_(std::move(candidates)) {
    const bool takes_text = subject_->type() == Type::string || subject_->type() == Type::dynamic;
    is_hashed_ = takes_text && std::ranges::all_of(candidates_, [&](const NodePtr& node) { return remember(*node); });
  }

  Datum evaluate(Frame& frame) const override {
    const Datum subject = subject_->evaluate(frame);
    if (is_hashed_) return Datum::of(contains(subject, frame.work) != is_negated_);
    bool met_null = false;
    const bool found = any_candidate(frame, candidates_, [&](const Datum& candidate) {
      const auto equal = is_equal(frame, subject, candidate);
      met_null = met_null || !equal;
      return equal.value_or(false);
    });
    if (!found && met_null) return Datum::null(Type::boolean);
    return Datum::of(found != is_negated_);
  }

private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  // Whether the candidate is text that never changes, or an array of such; then it is in the set.
  bool remember(const Node& candidate) {
    if (!candidate.is_constant()) return false;
    Workspace work;
    Frame frame{{}, work};
    const Datum value = candidate.evaluate(frame);
    const auto insert = [&](std::string_view text) {
      if (ignores_case_) fold_into(text, work.folded_text);
      texts_.insert(ignores_case_ ? work.folded_text : std::string(text));
    };
    if (value.type == Type::string) {
      insert(value.text);
      return true;
    }
    if (value.type != Type::dynamic || value.is_null || value.dynamic->kind != Dynamic::Kind::array) return false;
    for (const Dynamic& item : value.dynamic->items) {
      if (item.kind != Dynamic::Kind::string) return false;
      insert(item.text);
    }
    return true;
  }

  bool contains(const Datum& subject, Workspace& work) const {
    std::string_view text = subject.text;
    if (subject.type == Type::dynamic) {
      const bool is_text = !subject.is_null && subject.dynamic->kind == Dynamic::Kind::string;
      if (!is_text && !subject.is_null && !ignores_case_) return false;
      // A JSON null equals "".
      text = is_text ? subject.dynamic->text : to_text(subject, work.arena);
    }
    if (!ignores_case_) return texts_.contains(text);
    fold_into(text, work.folded_text);
    return texts_.contains(std::string_view(work.folded_text));
  }

  std::optional<bool> is_equal(Frame& frame, const Datum& subject, const Datum& candidate) const {
    if (!ignores_case_) return are_equal(subject, candidate);
    return matches({TextSearch::Kind::equals, true, false}, convert(subject, Type::string, frame.work).text,
                   convert(candidate, Type::string, frame.work).text, frame.work);
  }

  bool ignores_case_;
  bool is_negated_;
  bool is_hashed_ = false;
  NodePtr subject_;
  std::vector<NodePtr> candidates_;
  std::unordered_set<std::string, Hash, std::equal_to<>> texts_;
};

class MemberNode final : public Node {
public:
  MemberNode(NodePtr subject, std::string name)
      : Node(Type::dynamic), subject_(std::move(subject)), name_(std::move(name)) {}
  Datum evaluate(Frame& frame) const override {
    const Datum value = subject_->evaluate(frame);
    return value.is_null ? Datum::null(Type::dynamic) : Datum::of(find_member(*value.dynamic, name_));
  }

private:
  NodePtr subject_;
  std::string name_;
};

class ElementNode final : public Node {
public:
  ElementNode(NodePtr subject, NodePtr index)
      : Node(Type::dynamic), subject_(std::move(subject)), index_(std::move(index)) {}
  Datum evaluate(Frame& frame) const override {
    const Datum value = subject_->evaluate(frame);
    const Datum index = index_->evaluate(frame);
    if (value.is_null || index.is_null) return Datum::null(Type::dynamic);
    if (index.type == Type::string) return Datum::of(find_member(*value.dynamic, index.text));
    if (index.type == Type::dynamic && index.dynamic->kind == Dynamic::Kind::string)
      return Datum::of(find_member(*value.dynamic, index.dynamic->text));
    const Datum number = convert(index, Type::long_integer, frame.work);
    if (number.is_null || value.dynamic->kind != Dynamic::Kind::array) return Datum::null(Type::dynamic);
    const auto size = static_cast<std::int64_t>(value.dynamic->items.size());
    const std::int64_t place = number.number < 0 ? number.number + size : number.number;
    if (place < 0 || place >= size) return Datum::null(Type::dynamic);
    return Datum::of(&value.dynamic->items[static_cast<std::size_t>(place)]);
  }

private:
  NodePtr subject_;
  NodePtr index_;
};

class ConversionNode final : public Node {
public:
  ConversionNode(NodePtr subject, Type to) : Node(to), subject_(std::move(subject)) {}
  Datum evaluate(Frame& frame) const override { return convert(subject_->evaluate(frame), type(), frame.work); }

private:
  NodePtr subject_;
};

// A node whose operands are all constant is computed once, by the code that would compute it for a row.
NodePtr fold_constant(std::shared_ptr<Node> node, std::initializer_list<const Node*> operands) {
  for (const Node* operand : operands)
    if (!operand->is_constant()) return node;
  Workspace work;
  Frame frame{{}, work};
  return std::make_shared<Constant>(node->evaluate(frame));
}

}  // namespace

std::optional<bool> are_equal(const Datum& left, const Datum& right) {
  if (left.is_null && right.is_null) return std::nullopt;
  // A JSON null equals the empty string.
  if (left.is_null && right.type == Type::string && left.type == Type::dynamic) return right.text.empty();
  if (right.is_null && left.type == Type::string && right.type == Type::dynamic) return left.text.empty();
  if (left.is_null || right.is_null) return false;
  const auto ordered = order(left, right);
  return ordered && *ordered == 0;
}

NodePtr make_arithmetic(Arithmetic operation, Type type, NodePtr left, NodePtr right) {
  const auto operands = {left.get(), right.get()};
  return fold_constant(std::make_shared<ArithmeticNode>(operation, type, left, right), operands);
}
NodePtr make_negation(NodePtr operand) {
  return fold_constant(std::make_shared<NegationNode>(operand), {operand.get()});
}
NodePtr make_comparison(Comparison comparison, NodePtr left, NodePtr right) {
  return fold_constant(std::make_shared<ComparisonNode>(comparison, left, right), {left.get(), right.get()});
}
NodePtr make_and(NodePtr left, NodePtr right) {
  return fold_constant(std::make_shared<LogicNode>(false, left, right), {left.get(), right.get()});
}
NodePtr make_or(NodePtr left, NodePtr right) {
  return fold_constant(std::make_shared<LogicNode>(true, left, right), {left.get(), right.get()});
}
NodePtr make_not(NodePtr operand) { return fold_constant(std::make_shared<NotNode>(operand), {operand.get()}); }
NodePtr make_text_search(TextSearch search, NodePtr text, NodePtr needle) {
  return fold_constant(std::make_shared<TextSearchNode>(search, text, needle), {text.get(), needle.get()});
}
NodePtr make_has_list(bool wants_all, bool is_negated, NodePtr text, std::vector<NodePtr> needles) {
  return std::make_shared<HasListNode>(wants_all, is_negated, std::move(text), std::move(needles));
}
NodePtr make_in(bool ignores_case, bool is_negated, NodePtr subject, std::vector<NodePtr> candidates) {
  return std::make_shared<InNode>(ignores_case, is_negated, std::move(subject), std::move(candidates));
}
NodePtr make_between(bool is_negated, NodePtr subject, NodePtr low, NodePtr high) {
  auto inside = make_and(make_comparison(Comparison::greater_or_equal, subject, std::move(low)),
                         make_comparison(Comparison::less_or_equal, subject, std::move(high)));
  return is_negated ? make_not(std::move(inside)) : inside;
}
NodePtr make_member(NodePtr subject, std::string name) {
  return fold_constant(std::make_shared<MemberNode>(subject, std::move(name)), {subject.get()});
}
NodePtr make_element(NodePtr subject, NodePtr index) {
  return fold_constant(std::make_shared<ElementNode>(subject, index), {subject.get(), index.get()});
}
NodePtr make_conversion(NodePtr subject, Type to) {
  if (subject->type() == to) return subject;
  return fold_constant(std::make_shared<ConversionNode>(subject, to), {subject.get()});
}

}  // namespace capstan::kql
