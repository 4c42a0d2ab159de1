#include "expression_binder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "convert.h"
#include "dynamic_form.h"
#include "lexer.h"
#include "operators.h"
#include "pattern.h"
#include "text_form.h"

namespace capstan::kql {

namespace {

using Kind = Expression::Kind;

bool is_integer(Type type) { return type == Type::integer || type == Type::long_integer; }
bool is_number(Type type) { return is_integer(type) || type == Type::real; }

Type type_of_letter(char letter) {
  switch (letter) {
    case 's':
      return Type::string;
    case 'i':
      return Type::integer;
    case 'l':
      return Type::long_integer;
    case 'r':
      return Type::real;
    case 'b':
      return Type::boolean;
    case 'd':
      return Type::datetime;
    case 't':
      return Type::timespan;
    case 'g':
      return Type::guid;
    default:
      return Type::dynamic;
  }
}

std::string quoted(Type type) { return std::string(to_string(type)); }

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

// Datetimes, timespans and GUIDs inside dynamic(…) were marked by the parser.
bool resolve_marks(Dynamic& value, Arena& arena) {
  if (value.kind == Dynamic::Kind::array) {
    const auto items = arena.array<Dynamic>(value.items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      items[i] = value.items[i];
      if (!resolve_marks(items[i], arena)) return false;
    }
    value.items = items;
    return true;
  }
  if (value.kind == Dynamic::Kind::bag) {
    const auto members = arena.array<DynamicMember>(value.members.size());
    for (std::size_t i = 0; i < members.size(); ++i) {
      members[i] = value.members[i];
      if (!resolve_marks(members[i].value, arena)) return false;
    }
    value.members = members;
    return true;
  }
  if (value.kind != Dynamic::Kind::string || !value.text.starts_with('\x01')) return true;
  const std::string_view mark = value.text.substr(1);
  const std::string_view name = mark.substr(0, mark.find(':'));
  const std::string_view text = mark.substr(mark.find(':') + 1);
  const auto type = parse_type(name);
  value = {};
  if (!type || text == "null") return type.has_value();
  Workspace work;
  Datum typed = convert(Datum::of(text), *type, work);
  if (typed.is_null) return false;
  // A timespan inside a dynamic literal is its ticks.
  if (*type == Type::timespan) typed = Datum::of_long(typed.number);
  value = as_dynamic(typed, work);
  value.text = arena.copy(value.text);
  return true;
}

}  // namespace

NodePtr ExpressionBinder::refuse(ErrorCode code, Span span, std::string sentence) {
  diagnostics_.add(code, span, std::move(sentence));
  return nullptr;
}

void ExpressionBinder::note_extension(Span span, std::string_view what) {
  program_.not_portable.push_back(
      {ErrorCode::kql_not_supported, span, fmt::format("\"{}\" is not portable to a DCR", what)});
}

std::size_t ExpressionBinder::slot_of(BoundColumn& column) {
  if (column.slot) return *column.slot;
  for (std::size_t i = 0; i < program_.inputs.size(); ++i) {
    const Input& known = program_.inputs[i];
    if (known.column != column.name || !known.members.empty()) continue;
    column.slot = program_.input_slots[i];
    return *column.slot;
  }
  column.slot = program_.add_input({column.name, {}, column.type, column.is_epoch_ms});
  return *column.slot;
}

std::size_t ExpressionBinder::read_slot_of(BoundColumn& column) {
  const std::size_t slot = slot_of(column);
  for (std::size_t i = 0; i < program_.inputs.size(); ++i)
    if (program_.input_slots[i] == slot) program_.inputs[i].is_read = true;
  return slot;
}

std::string ExpressionBinder::what_became_of(std::string_view member, const Scope& scope) {
  if (survives(scope.member_rules, member)) return {};
  return fmt::format("there is no column \"{}\" any more: an operator before this one took it away", member);
}

NodePtr ExpressionBinder::bind(const Expression& e, Scope& scope) {
  switch (e.kind) {
    case Kind::boolean:
    case Kind::long_integer:
    case Kind::real:
    case Kind::timespan:
    case Kind::string:
      return bind_literal(e);
    case Kind::typed_literal:
      return bind_typed_literal(e);
    case Kind::dynamic:
      return bind_dynamic(e);
    case Kind::name:
      return bind_name(e, scope);
    case Kind::member:
    case Kind::element:
      return bind_path(e, scope);
    case Kind::call:
      return bind_call(e, scope);
    case Kind::unary:
      return bind_unary(e, scope);
    case Kind::binary:
      return bind_binary(e, scope);
    case Kind::any_of:
      return bind_any_of(e, scope);
    case Kind::between:
      return bind_between(e, scope);
    case Kind::star:
      break;
  }
  return refuse(ErrorCode::kql_syntax, e.span, "\"*\" has no meaning here");
}

NodePtr ExpressionBinder::bind_literal(const Expression& e) {
  switch (e.kind) {
    case Kind::boolean:
      return std::make_shared<Constant>(Datum::of(e.flag));
    case Kind::long_integer:
      return std::make_shared<Constant>(Datum::of_long(e.number));
    case Kind::real:
      return std::make_shared<Constant>(Datum::of_real(e.real));
    case Kind::timespan:
      return std::make_shared<Constant>(Datum::of(Type::timespan, e.number));
    default:
      return std::make_shared<Constant>(Datum::of(std::string_view(e.text)));
  }
}

NodePtr ExpressionBinder::bind_typed_literal(const Expression& e) {
  if (e.name == "typeof") return std::make_shared<Constant>(Datum::of(std::string_view(e.text)));
  const Type type = parse_type(e.name).value_or(Type::string);
  if (e.text == "null") return std::make_shared<Constant>(Datum::null(type));
  Workspace work;
  Datum value = Datum::null(type);
  std::string_view text = e.text;
  const bool is_quoted =
      text.size() > 1 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front();
  if (is_quoted) text = text.substr(1, text.size() - 2);
  if (type == Type::datetime && text.empty()) {
    class Now final : public Node {
    public:
      Now() : Node(Type::datetime) {}
      Datum evaluate(Frame& frame) const override { return Datum::of(Type::datetime, frame.work.now); }
    };
    return std::make_shared<Now>();
  }
  if (type == Type::timespan) {
    // 15 seconds, 1d
    std::string joined;
    for (const char c : text)
      if (c != ' ') joined += c;
    const bool is_negative = joined.starts_with('-');
    Diagnostics quiet;
    const auto tokens = tokenize(std::string_view(joined).substr(is_negative ? 1 : 0), quiet);
    if (tokens.front().kind == Token::Kind::timespan)
      value = Datum::of(type, is_negative ? -tokens.front().number : tokens.front().number);
    if (tokens.front().kind == Token::Kind::real && tokens.size() == 2)
      value = Datum::of(type, std::llround(tokens.front().real * 864e9));
  }
  if (type == Type::boolean && (text == "0" || text == "1")) value = Datum::of(text == "1");
  if (value.is_null) value = convert(Datum::of(text), type, work);
  if (value.is_null)
    return refuse(ErrorCode::kql_syntax, e.span, fmt::format("expected a {}, got \"{}\"", quoted(type), e.text));
  return std::make_shared<Constant>(value);
}

NodePtr ExpressionBinder::bind_dynamic(const Expression& e) {
  // "Use the parse_json function to handle dynamic literals", says the page on transformations.
  note_extension(e.span, "dynamic(…)");
  Workspace work;
  auto value = read_dynamic(e.text, work.json, work.arena);
  if (!value || !resolve_marks(*value, work.arena))
    return refuse(ErrorCode::kql_syntax, e.span, "the dynamic value is not well-formed");
  return std::make_shared<Constant>(Datum::of(&*value));
}

NodePtr ExpressionBinder::bind_name(const Expression& e, Scope& scope) {
  if (const auto parameter = scope.parameters.find(e.name); parameter != scope.parameters.end())
    return parameter->second;
  if (BoundColumn* column = scope.find_column(e.name))
    return std::make_shared<Slot>(column->type, read_slot_of(*column));
  if (const auto let = scope.lets.find(e.name); let != scope.lets.end()) {
    if (let->second.scalar) return let->second.scalar;
    return refuse(ErrorCode::kql_type, e.span,
                  fmt::format("\"{}\" is a {}, and a value is expected", e.name,
                              let->second.table != nullptr ? "table" : "function"));
  }
  if (scope.is_open) {
    if (std::string gone = what_became_of(e.name, scope); !gone.empty())
      return refuse(ErrorCode::kql_unknown_name, e.span, std::move(gone));
    scope.columns.push_back({e.name, Type::dynamic, std::nullopt, false});
    return std::make_shared<Slot>(Type::dynamic, read_slot_of(scope.columns.back()));
  }
  std::vector<std::string_view> names;
  for (const BoundColumn& column : scope.columns) names.push_back(column.name);
  for (const auto& [name, let] : scope.lets) names.push_back(name);
  const std::string_view near = nearest(e.name, names);
  return refuse(ErrorCode::kql_unknown_name, e.span,
                fmt::format("there is no column \"{}\"{}", e.name,
                            near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
}

// A path of plain members below a column of the record is read from the record by itself.
NodePtr ExpressionBinder::input_path(const Expression& e, Scope& scope) {
  std::vector<std::string> members;
  const Expression* at = &e;
  while (at->kind == Kind::member || (at->kind == Kind::element && at->items[1]->kind == Kind::string)) {
    members.insert(members.begin(), at->kind == Kind::member ? at->name : at->items[1]->text);
    at = at->items[0].get();
  }
  if (at->kind != Kind::name || scope.parameters.contains(at->name)) return nullptr;
  const auto is_plain = [](const std::string& name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    });
  };
  if (!is_plain(at->name) || !std::ranges::all_of(members, is_plain)) return nullptr;
  const BoundColumn* column = scope.find_column(at->name);
  if (column == nullptr && (!scope.is_open || scope.lets.contains(at->name) || !survives(scope.member_rules, at->name)))
    return nullptr;
  if (column != nullptr && (column->type != Type::dynamic || column->slot)) return nullptr;
  for (std::size_t i = 0; i < program_.inputs.size(); ++i)
    if (program_.inputs[i].column == at->name && program_.inputs[i].members == members)
      return std::make_shared<Slot>(Type::dynamic, program_.input_slots[i]);
  const std::size_t slot = program_.add_input({at->name, members, Type::dynamic, false});
  program_.inputs.back().is_read = true;
  return std::make_shared<Slot>(Type::dynamic, slot);
}

NodePtr ExpressionBinder::bind_path(const Expression& e, Scope& scope) {
  if (NodePtr input = input_path(e, scope)) return input;
  NodePtr subject = bind(*e.items[0], scope);
  if (!subject) return nullptr;
  if (subject->type() != Type::dynamic)
    return refuse(ErrorCode::kql_type, e.span,
                  fmt::format("a member is taken of dynamic values, and this is {}", quoted(subject->type())));
  if (e.kind == Kind::member) return make_member(std::move(subject), e.name);
  NodePtr index = bind(*e.items[1], scope);
  if (!index) return nullptr;
  if (!is_integer(index->type()) && index->type() != Type::string && index->type() != Type::dynamic)
    return refuse(ErrorCode::kql_type, e.items[1]->span,
                  fmt::format("expected a number or a name as an index, got {}", quoted(index->type())));
  return make_element(std::move(subject), std::move(index));
}

NodePtr ExpressionBinder::bind_unary(const Expression& e, Scope& scope) {
  NodePtr operand = bind(*e.items[0], scope);
  if (!operand) return nullptr;
  if (operand->type() == Type::dynamic) operand = make_conversion(std::move(operand), Type::long_integer);
  if (!is_number(operand->type()) && operand->type() != Type::timespan)
    return refuse(ErrorCode::kql_type, e.span,
                  fmt::format("expected a number after \"{}\", got {}", e.name, quoted(operand->type())));
  return e.name == "-" ? make_negation(std::move(operand)) : operand;
}

NodePtr ExpressionBinder::bind_binary(const Expression& e, Scope& scope) {
  NodePtr left = bind(*e.items[0], scope);
  NodePtr right = bind(*e.items[1], scope);
  if (!left || !right) return nullptr;
  if (e.name == "and" || e.name == "or") return bind_logic(e, std::move(left), std::move(right));
  if (std::string_view("+-*/%").contains(e.name)) return bind_arithmetic(e, std::move(left), std::move(right));
  for (const std::string_view name : {"==", "!=", "<", "<=", ">", ">="})
    if (e.name == name) return bind_comparison(e, std::move(left), std::move(right));
  return bind_text_operator(e, std::move(left), std::move(right));
}

NodePtr ExpressionBinder::bind_logic(const Expression& e, NodePtr left, NodePtr right) {
  for (const auto& [node, item] : {std::pair{left, e.items[0].get()}, std::pair{right, e.items[1].get()}})
    if (node->type() != Type::boolean)
      return refuse(ErrorCode::kql_type, item->span,
                    fmt::format("expected bool beside \"{}\", got {}; use tobool() or a comparison", e.name,
                                quoted(node->type())));
  return e.name == "and" ? make_and(std::move(left), std::move(right)) : make_or(std::move(left), std::move(right));
}

NodePtr ExpressionBinder::bind_arithmetic(const Expression& e, NodePtr left, NodePtr right) {
  const Type a = left->type();
  const Type b = right->type();
  const char op = e.name.front();
  const Arithmetic operation = op == '+'   ? Arithmetic::add
                               : op == '-' ? Arithmetic::subtract
                               : op == '*' ? Arithmetic::multiply
                               : op == '/' ? Arithmetic::divide
                                           : Arithmetic::modulo;
  std::optional<Type> type;
  if (is_number(a) && is_number(b)) type = a == Type::real || b == Type::real ? Type::real : Type::long_integer;
  if (a == Type::dynamic && (is_number(b) || b == Type::dynamic)) type = Type::dynamic;
  if (b == Type::dynamic && is_number(a)) type = Type::dynamic;
  if (op == '+' || op == '-') {
    if (a == Type::timespan && b == Type::timespan) type = Type::timespan;
    if (a == Type::datetime && b == Type::timespan) type = Type::datetime;
    if (op == '+' && a == Type::timespan && b == Type::datetime) type = Type::datetime;
    if (op == '-' && a == Type::datetime && b == Type::datetime) type = Type::timespan;
  }
  if ((op == '*' || op == '/') && a == Type::timespan && is_number(b)) type = Type::timespan;
  if (op == '*' && is_number(a) && b == Type::timespan) type = Type::timespan;
  if (op == '/' && a == Type::timespan && b == Type::timespan) type = Type::real;
  if (op == '%' && a == Type::timespan && b == Type::timespan) type = Type::timespan;
  if (!type) {
    const std::string advice =
        a == Type::string || b == Type::string ? "; strcat() joins texts, tolong() and toreal() make numbers" : "";
    return refuse(ErrorCode::kql_type, e.span,
                  fmt::format("\"{}\" is not for {} and {}{}", e.name, quoted(a), quoted(b), advice));
  }
  return make_arithmetic(operation, *type, std::move(left), std::move(right));
}

NodePtr ExpressionBinder::bind_comparison(const Expression& e, NodePtr left, NodePtr right) {
  const bool is_equality = e.name == "==" || e.name == "!=";
  // A literal text is read as the other side's type.
  if (is_equality && left->type() == Type::string && left->is_constant() && right->type() != Type::string &&
      right->type() != Type::dynamic)
    left = make_conversion(std::move(left), right->type());
  if (is_equality && right->type() == Type::string && right->is_constant() && left->type() != Type::string &&
      left->type() != Type::dynamic)
    right = make_conversion(std::move(right), left->type());
  // A bool beside a number counts as 0 or 1.
  if (is_equality && left->type() == Type::boolean && is_number(right->type()))
    left = make_conversion(std::move(left), Type::long_integer);
  if (is_equality && right->type() == Type::boolean && is_number(left->type()))
    right = make_conversion(std::move(right), Type::long_integer);
  const Type a = left->type();
  const Type b = right->type();
  if (a == Type::dynamic && b == Type::dynamic)
    return refuse(ErrorCode::kql_type, e.span, "two dynamic values cannot be compared; convert one, as in tostring(…)");
  const bool are_comparable = a == b || (is_number(a) && is_number(b)) || a == Type::dynamic || b == Type::dynamic;
  const bool has_text = a == Type::string || b == Type::string;
  if (!are_comparable ||
      (!is_equality && (has_text || a == Type::boolean || b == Type::boolean || a == Type::guid || b == Type::guid)))
    return refuse(
        ErrorCode::kql_type, e.span,
        fmt::format(
            "\"{}\" is not for {} and {}{}", e.name, quoted(a), quoted(b),
            has_text && (a == Type::datetime || b == Type::datetime) ? "; write datetime(…) or todatetime(…)" : ""));
  const Comparison comparison = e.name == "=="   ? Comparison::equal
                                : e.name == "!=" ? Comparison::not_equal
                                : e.name == "<"  ? Comparison::less
                                : e.name == "<=" ? Comparison::less_or_equal
                                : e.name == ">"  ? Comparison::greater
                                                 : Comparison::greater_or_equal;
  return make_comparison(comparison, std::move(left), std::move(right));
}

NodePtr ExpressionBinder::bind_text_operator(const Expression& e, NodePtr left, NodePtr right) {
  if (left->type() != Type::string && left->type() != Type::dynamic)
    return refuse(ErrorCode::kql_type, e.items[0]->span,
                  fmt::format("\"{}\" searches text, and this is {}; use tostring()", e.name, quoted(left->type())));
  const std::string_view bare = std::string_view(e.name).substr(e.name.starts_with('!') ? 1 : 0);
  const bool takes_dynamic = !bare.starts_with("has") && bare != "matches regex";
  if (right->type() != Type::string && !(takes_dynamic && right->type() == Type::dynamic))
    return refuse(ErrorCode::kql_type, e.items[1]->span,
                  fmt::format("\"{}\" looks for text, and this is {}; use tostring()", e.name, quoted(right->type())));
  left = make_conversion(std::move(left), Type::string);
  right = make_conversion(std::move(right), Type::string);
  if (bare == "matches regex") {
    if (right->is_constant()) {
      Workspace work;
      Frame frame{{}, work};
      const auto made = Pattern::make(right->evaluate(frame).text);
      if (!made.pattern) return refuse(ErrorCode::kql_syntax, e.items[1]->span, made.refusal);
    }
    return std::make_shared<CallNode>(Type::boolean, find_function("matches regex")->call,
                                      std::vector<NodePtr>{left, right});
  }
  struct Name {
    std::string_view text;
    TextSearch::Kind kind;
  };
  constexpr std::array names{
      Name{"contains", TextSearch::Kind::contains},      Name{"has", TextSearch::Kind::has},
      Name{"startswith", TextSearch::Kind::starts_with}, Name{"endswith", TextSearch::Kind::ends_with},
      Name{"hasprefix", TextSearch::Kind::has_prefix},   Name{"hassuffix", TextSearch::Kind::has_suffix}};
  TextSearch search;
  search.is_negated = e.name.starts_with('!');
  if (e.name == "=~" || e.name == "!~") {
    search.kind = TextSearch::Kind::equals;
  } else {
    const bool is_exact = bare.ends_with("_cs");
    const std::string_view word = is_exact ? bare.substr(0, bare.size() - 3) : bare;
    search.kind = std::ranges::find(names, word, &Name::text)->kind;
    search.ignores_case = !is_exact;
    if (word == "hasprefix" || word == "hassuffix") note_extension(e.span, e.name);
  }
  return make_text_search(search, std::move(left), std::move(right));
}

NodePtr ExpressionBinder::bind_any_of(const Expression& e, Scope& scope) {
  std::vector<NodePtr> nodes;
  for (const ExpressionPtr& item : e.items) {
    nodes.push_back(bind(*item, scope));
    if (!nodes.back()) return nullptr;
  }
  NodePtr subject = nodes.front();
  nodes.erase(nodes.begin());
  const bool is_negated = e.name.starts_with('!');
  if (e.name != "in" && e.name != "!in") note_extension(e.span, e.name);
  if (e.name.ends_with("has_any") || e.name.ends_with("has_all")) {
    if (subject->type() != Type::string && subject->type() != Type::dynamic)
      return refuse(ErrorCode::kql_type, e.items[0]->span,
                    fmt::format("\"{}\" searches text, and this is {}", e.name, quoted(subject->type())));
    return make_has_list(e.name.ends_with("has_all"), is_negated, make_conversion(std::move(subject), Type::string),
                         std::move(nodes));
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    NodePtr& node = nodes[i];
    if (node->type() == Type::string && node->is_constant() && subject->type() != Type::string &&
        subject->type() != Type::dynamic)
      node = make_conversion(node, subject->type());
    const Type a = subject->type();
    const Type b = node->type();
    if (a != b && !(is_number(a) && is_number(b)) && a != Type::dynamic && b != Type::dynamic)
      return refuse(ErrorCode::kql_type, e.items[i + 1]->span,
                    fmt::format("expected {} in the list, got {}", quoted(a), quoted(b)));
  }
  return make_in(e.name.ends_with('~'), is_negated, std::move(subject), std::move(nodes));
}

NodePtr ExpressionBinder::bind_between(const Expression& e, Scope& scope) {
  NodePtr subject = bind(*e.items[0], scope);
  NodePtr low = bind(*e.items[1], scope);
  NodePtr high = bind(*e.items[2], scope);
  if (!subject || !low || !high) return nullptr;
  note_extension(e.span, e.name);
  // t between (start .. 3d) is up to start + 3d.
  if (low->type() == Type::datetime && high->type() == Type::timespan)
    high = make_arithmetic(Arithmetic::add, Type::datetime, low, high);
  for (const NodePtr& end : {low, high}) {
    const bool is_good = end->type() == subject->type() || (is_number(end->type()) && is_number(subject->type())) ||
                         subject->type() == Type::dynamic;
    if (!is_good || subject->type() == Type::string || subject->type() == Type::boolean)
      return refuse(ErrorCode::kql_type, e.span,
                    fmt::format("\"{}\" is not for {} and {}", e.name, quoted(subject->type()), quoted(end->type())));
  }
  return make_between(e.name.starts_with('!'), std::move(subject), std::move(low), std::move(high));
}

// The one type of several branches; int goes with long, anything with dynamic.
std::optional<Type> ExpressionBinder::common_type(const std::vector<NodePtr>& nodes, Span span,
                                                  std::string_view where) {
  Type type = nodes.front()->type();
  for (const NodePtr& node : nodes) {
    const Type other = node->type();
    if (other == type) continue;
    if (is_integer(type) && is_integer(other)) {
      type = Type::long_integer;
    } else if (type == Type::dynamic || other == Type::dynamic) {
      type = Type::dynamic;
    } else {
      refuse(ErrorCode::kql_type, span,
             fmt::format("the branches of {} have different types, {} and {}; convert one", where, quoted(type),
                         quoted(other)));
      return std::nullopt;
    }
  }
  return type;
}

NodePtr ExpressionBinder::bind_condition(const Expression& e, Scope& scope) {
  const bool is_case = e.name == "case";
  if (is_case ? e.items.size() < 3 || e.items.size() % 2 == 0 : e.items.size() != 3)
    return refuse(ErrorCode::kql_type, e.span,
                  is_case ? "case() takes predicate, value, …, otherwise"
                          : fmt::format("{}() takes a predicate and two values", e.name));
  std::vector<NodePtr> parts;
  std::vector<NodePtr> values;
  for (std::size_t i = 0; i < e.items.size(); ++i) {
    NodePtr part = bind(*e.items[i], scope);
    if (!part) return nullptr;
    const bool is_predicate = i % 2 == 0 && i + 1 < e.items.size();
    if (is_predicate && part->type() != Type::boolean)
      return refuse(
          ErrorCode::kql_type, e.items[i]->span,
          fmt::format("expected a bool as a predicate, got {}; use tobool() or a comparison", quoted(part->type())));
    if (!is_predicate) values.push_back(part);
    parts.push_back(std::move(part));
  }
  const auto type = common_type(values, e.span, e.name + "()");
  if (!type) return nullptr;
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (i % 2 == 1 || i + 1 == parts.size()) parts[i] = make_conversion(parts[i], *type);
  return std::make_shared<ConditionNode>(*type, std::move(parts));
}

NodePtr ExpressionBinder::bind_coalesce(const Expression& e, Scope& scope) {
  note_extension(e.span, "coalesce");
  if (e.items.size() < 2) return refuse(ErrorCode::kql_type, e.span, "coalesce() takes two values or more");
  std::vector<NodePtr> parts;
  for (const ExpressionPtr& item : e.items) {
    parts.push_back(bind(*item, scope));
    if (!parts.back()) return nullptr;
  }
  const auto type = common_type(parts, e.span, "coalesce()");
  if (!type) return nullptr;
  for (NodePtr& part : parts) part = make_conversion(part, *type);
  return std::make_shared<CoalesceNode>(*type, std::move(parts));
}

NodePtr ExpressionBinder::bind_column_if_exists(const Expression& e, Scope& scope) {
  if (e.items.size() != 2)
    return refuse(ErrorCode::kql_type, e.span, fmt::format("{}() takes a column's name and a value", e.name));
  NodePtr name = bind(*e.items[0], scope);
  NodePtr otherwise = bind(*e.items[1], scope);
  if (!name || !otherwise) return nullptr;
  if (name->type() != Type::string || !name->is_constant())
    return refuse(ErrorCode::kql_type, e.items[0]->span, "expected a column's name as a constant text");
  Workspace work;
  Frame frame{{}, work};
  BoundColumn* column = scope.find_column(name->evaluate(frame).text);
  if (column == nullptr) return otherwise;
  return std::make_shared<Slot>(column->type, read_slot_of(*column));
}

NodePtr ExpressionBinder::bind_call(const Expression& e, Scope& scope) {
  if (const auto let = scope.lets.find(e.name); let != scope.lets.end() && let->second.function != nullptr)
    return bind_user_function(e, *let->second.function, scope);
  if (e.name == "iff" || e.name == "iif" || e.name == "case") return bind_condition(e, scope);
  if (e.name == "coalesce") return bind_coalesce(e, scope);
  if (e.name == "columnifexists" || e.name == "column_ifexists") return bind_column_if_exists(e, scope);
  const FunctionRow* row = find_function(e.name);
  if (row == nullptr) {
    if (const std::string_view advice = refusal_of_function(e.name); !advice.empty())
      return refuse(ErrorCode::kql_not_supported, {e.span.begin, e.span.begin + e.name.size()},
                    fmt::format("the function \"{}\" is not supported: {}", e.name, advice));
    std::vector<std::string_view> names = function_names();
    for (const std::string_view more : {"iff", "iif", "case", "coalesce", "columnifexists"}) names.push_back(more);
    const std::string_view near = nearest(e.name, names);
    return refuse(ErrorCode::kql_unknown_name, {e.span.begin, e.span.begin + e.name.size()},
                  fmt::format("there is no function \"{}\" for single records{}", e.name,
                              near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
  }
  if (row->tier == Tier::extension) note_extension(e.span, e.name);
  std::vector<NodePtr> arguments;
  for (const ExpressionPtr& item : e.items) {
    arguments.push_back(bind(*item, scope));
    if (!arguments.back()) return nullptr;
  }
  return bind_row(e, *row, std::move(arguments));
}

NodePtr ExpressionBinder::fit(const Expression& argument, NodePtr node, char wanted, std::string_view function) {
  const Type type = node->type();
  const auto mismatch = [&](std::string_view expected) {
    return refuse(ErrorCode::kql_type, argument.span,
                  fmt::format("{}(): expected {}, got {}", function, expected, quoted(type)));
  };
  switch (wanted) {
    case 'a':
      return node;
    case 'x':
      if (type == Type::dynamic) return mismatch("a scalar; use tostring()");
      [[fallthrough]];
    case 'S':
      return make_conversion(std::move(node), Type::string);
    case 's':
      return type == Type::string || type == Type::dynamic ? make_conversion(std::move(node), Type::string)
                                                           : mismatch("text; use tostring()");
    case 'l':
      return is_integer(type) || type == Type::dynamic ? make_conversion(std::move(node), Type::long_integer)
                                                       : mismatch("a whole number");
    case 'r':
      return is_number(type) || type == Type::dynamic ? make_conversion(std::move(node), Type::real)
                                                      : mismatch("a number");
    case 'b':
      return type == Type::boolean ? node : mismatch("bool");
    case 'd':
      return type == Type::datetime || type == Type::dynamic ? make_conversion(std::move(node), Type::datetime)
                                                             : mismatch("a datetime");
    case 't':
      return type == Type::timespan || type == Type::dynamic ? make_conversion(std::move(node), Type::timespan)
                                                             : mismatch("a timespan");
    case 'h':
      return type == Type::string || type == Type::datetime ? node : mismatch("text or a datetime; use tostring()");
    case 'y':
      return type == Type::dynamic ? node : mismatch("dynamic");
    default:
      if (type == Type::dynamic) return make_conversion(std::move(node), Type::real);
      return is_number(type) || type == Type::timespan || type == Type::datetime
                 ? node
                 : mismatch("a number, a timespan or a datetime");
  }
}

NodePtr ExpressionBinder::bind_row(const Expression& e, const FunctionRow& row, std::vector<NodePtr> arguments) {
  struct Parameter {
    char letter = 'a';
    bool is_constant = false;
    bool is_optional = false;
    bool repeats = false;
  };
  std::vector<Parameter> parameters;
  for (const char c : row.parameters) {
    if (c == '!') parameters.back().is_constant = true;
    if (c == '?') parameters.back().is_optional = true;
    if (c == '*') parameters.back().repeats = true;
    if (c != '!' && c != '?' && c != '*') parameters.push_back({c, false, false, false});
  }
  std::size_t least = 0;
  for (const Parameter& parameter : parameters) least += parameter.is_optional ? 0 : 1;
  const bool repeats = !parameters.empty() && parameters.back().repeats;
  if (row.name == "pack" || row.name == "bag_pack" || row.name == "pack_array") least = 0;
  const std::size_t most = repeats ? 64 * 1024 : parameters.size();
  if (arguments.size() < least || arguments.size() > most ||
      ((row.name == "pack" || row.name == "bag_pack") && arguments.size() % 2 != 0))
    return refuse(ErrorCode::kql_type, e.span,
                  fmt::format("{}() takes {}{} argument{}, got {}", row.name, least,
                              repeats        ? " or more"
                              : most > least ? fmt::format(" to {}", most)
                                             : "",
                              most == 1 ? "" : "s", arguments.size()));
  // extract_all(regex, [groups,] text)
  const bool skips_groups = row.name == "extract_all" && arguments.size() == 2;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::size_t place = skips_groups && i == 1 ? 2 : std::min(i, parameters.size() - 1);
    arguments[i] = fit(*e.items[i], std::move(arguments[i]), parameters[place].letter, row.name);
    if (!arguments[i]) return nullptr;
    if (parameters[place].is_constant && !arguments[i]->is_constant())
      return refuse(ErrorCode::kql_type, e.items[i]->span,
                    fmt::format("{}(): this argument has to be a constant", row.name));
  }
  if (!check_text_constants(e, arguments)) return nullptr;
  Type type = type_of_letter(row.result.front());
  if (row.result == "1") type = arguments[0]->type();
  if (row.result == "T") {
    Workspace work;
    Frame frame{{}, work};
    type = arguments.size() > 3 ? parse_type(arguments[3]->evaluate(frame).text).value_or(Type::string) : Type::string;
  }
  if (row.result == "w") {
    type = arguments[0]->type();
    for (const NodePtr& argument : arguments) {
      const Type other = argument->type();
      if (other == type) continue;
      const bool is_step =
          (row.name == "bin" || row.name == "floor") && (type == Type::datetime && other == Type::timespan);
      if (is_step) continue;
      if (!is_number(type) || !is_number(other))
        return refuse(ErrorCode::kql_type, e.span,
                      fmt::format("{}(): {} and {} do not go together", row.name, quoted(type), quoted(other)));
      type = type == Type::real || other == Type::real ? Type::real : Type::long_integer;
    }
    if (type == Type::real || type == Type::long_integer)
      for (NodePtr& argument : arguments) argument = make_conversion(argument, type);
  }
  bool are_constant = row.name != "now" && row.name != "ago" && row.name != "rand";
  for (const NodePtr& argument : arguments) are_constant = are_constant && argument->is_constant();
  auto node = std::make_shared<CallNode>(type, row.call, std::move(arguments));
  if (!are_constant) return node;
  Workspace work;
  Frame frame{{}, work};
  return std::make_shared<Constant>(node->evaluate(frame));
}

// Regular expressions and names of date parts are checked when the rule is compiled.
bool ExpressionBinder::check_text_constants(const Expression& e, const std::vector<NodePtr>& arguments) {
  Workspace work;
  Frame frame{{}, work};
  const auto constant = [&](std::size_t i) { return arguments[i]->evaluate(frame).text; };
  const std::string_view name = e.name;
  const bool is_counting = name == "countof" && arguments.size() > 2 && arguments[2]->is_constant() &&
                           constant(2) == "regex" && arguments[1]->is_constant();
  const std::size_t place = name == "replace_regex" || is_counting ? 1 : 0;
  if (name == "extract" || name == "extract_all" || name == "replace" || name == "replace_regex" || is_counting) {
    const auto made = Pattern::make(constant(place));
    if (!made.pattern) {
      refuse(ErrorCode::kql_syntax, e.items[place]->span, made.refusal);
      return false;
    }
    constexpr std::size_t groups_max = 16;
    if (name == "extract_all" && (made.pattern->groups() < 1 || made.pattern->groups() > groups_max)) {
      refuse(ErrorCode::kql_syntax, e.items[0]->span,
             fmt::format("extract_all(): expected 1 to {} groups in the pattern, got {}", groups_max,
                         made.pattern->groups()));
      return false;
    }
  }
  const auto is_one_of = [&](std::initializer_list<std::string_view> parts) {
    std::string lower;
    for (const char c : constant(0)) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if (std::ranges::find(parts, lower) != parts.end()) return true;
    std::string list;
    for (const std::string_view part : parts) list += (list.empty() ? "" : ", ") + std::string(part);
    refuse(ErrorCode::kql_syntax, e.items[0]->span,
           fmt::format("{}(): expected one of {}, got \"{}\"", name, list, constant(0)));
    return false;
  };
  if (name == "datetime_part")
    return is_one_of({"year", "quarter", "month", "week_of_year", "day", "dayofyear", "hour", "minute", "second",
                      "millisecond", "microsecond", "nanosecond"});
  if (name == "datetime_add" || name == "datetime_diff")
    return is_one_of({"year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond",
                      "microsecond", "nanosecond"});
  return true;
}

NodePtr ExpressionBinder::bind_user_function(const Expression& e, const Function& function, Scope& scope) {
  if (std::ranges::find(open_functions_, &function) != open_functions_.end())
    return refuse(ErrorCode::kql_not_supported, e.span, fmt::format("the function \"{}\" calls itself", e.name));
  std::size_t least = 0;
  for (const Function::Parameter& parameter : function.parameters) least += parameter.default_value ? 0 : 1;
  if (e.items.size() < least || e.items.size() > function.parameters.size())
    return refuse(ErrorCode::kql_type, e.span,
                  fmt::format("{}() takes {} arguments, got {}", e.name, function.parameters.size(), e.items.size()));
  Scope inner = scope;
  inner.parameters.clear();
  for (std::size_t i = 0; i < function.parameters.size(); ++i) {
    const Function::Parameter& parameter = function.parameters[i];
    const Expression& argument = i < e.items.size() ? *e.items[i] : *parameter.default_value;
    NodePtr node = bind(argument, scope);
    if (!node) return nullptr;
    const bool fits = node->type() == parameter.type || (is_number(node->type()) && is_number(parameter.type)) ||
                      parameter.type == Type::dynamic || node->type() == Type::dynamic;
    if (!fits)
      return refuse(ErrorCode::kql_type, argument.span,
                    fmt::format("{}(): expected {} for {}, got {}", e.name, quoted(parameter.type), parameter.name,
                                quoted(node->type())));
    inner.parameters[parameter.name] = make_conversion(std::move(node), parameter.type);
  }
  open_functions_.push_back(&function);
  NodePtr result;
  for (const Statement& statement : function.body) {
    switch (statement.kind) {
      case Statement::Kind::let_scalar: {
        NodePtr value = bind(*statement.expression, inner);
        if (!value) {
          open_functions_.pop_back();
          return nullptr;
        }
        inner.parameters[statement.name] = std::move(value);
        break;
      }
      case Statement::Kind::let_function:
        inner.lets[statement.name] = {nullptr, nullptr, statement.function.get()};
        break;
      case Statement::Kind::scalar:
        result = bind(*statement.expression, inner);
        break;
      default:
        result = refuse(ErrorCode::kql_not_supported, statement.span, "a function here gives a value, not a table");
    }
  }
  open_functions_.pop_back();
  return result;
}

std::string ExpressionBinder::implicit_name(const Expression& e) {
  switch (e.kind) {
    case Kind::name:
      return e.name;
    case Kind::member: {
      const std::string base = implicit_name(*e.items[0]);
      return base.empty() ? std::string{} : base + "_" + e.name;
    }
    case Kind::element: {
      const std::string base = implicit_name(*e.items[0]);
      if (base.empty()) return {};
      if (e.items[1]->kind == Kind::string) return base + "_" + e.items[1]->text;
      if (e.items[1]->kind == Kind::long_integer) return fmt::format("{}_{}", base, e.items[1]->number);
      return {};
    }
    case Kind::call: {
      const FunctionRow* row = find_function(e.name);
      if (row == nullptr || row->name_kind == NameKind::none || e.items.empty()) return {};
      const std::string base = implicit_name(*e.items[0]);
      if (base.empty() || row->name_kind == NameKind::argument) return base;
      return (row->name == "gettype" ? "type" : std::string(row->name)) + "_" + base;
    }
    default:
      return {};
  }
}

}  // namespace capstan::kql
