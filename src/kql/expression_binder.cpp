#include "expression_binder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"
#include "call_nodes.h"
#include "convert.h"
#include "dynamic_form.h"
#include "lexer.h"
#include "operators.h"
#include "pattern.h"
#include "text_form.h"

namespace capstan::kql {

namespace {

using Kind = Expression::Kind;

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
    if (known.column != column.name || !known.members.empty() || !known.list.empty()) continue;
    column.slot = program_.input_slots[i];
    return *column.slot;
  }
  column.slot = program_.add_input({column.name, {}, {}, column.type, column.is_epoch_ms});
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
    return refuse(ErrorCode::kql_syntax, e.span, fmt::format("expected a {}, got \"{}\"", to_string(type), e.text));
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

void ExpressionBinder::doubt_member(const Expression& e, const Scope& scope) {
  std::vector<std::string_view> names;
  for (const BoundColumn& column : scope.columns) names.push_back(column.name);
  if (const std::string_view near = nearest(e.name, names); !near.empty())
    program_.doubts.push_back({ErrorCode::kql_unknown_name, e.span,
                               fmt::format("no column is called \"{}\", so it is read as a member of the record; did "
                                           "you mean \"{}\"?",
                                           e.name, near)});
  else if (e.name.front() >= '0' && e.name.front() <= '9')
    program_.doubts.push_back({ErrorCode::kql_unknown_name, e.span,
                               fmt::format("\"{}\" is neither a number nor a timespan, so it is read as a member of "
                                           "the record; timespans end in d, h, m, s, ms, microsecond or tick",
                                           e.name)});
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
                              let->second.function != nullptr ? "function" : "table"));
  }
  if (scope.is_open) {
    if (std::string gone = what_became_of(e.name, scope); !gone.empty()) {
      if (scope.gone_is_null) return std::make_shared<Constant>(Datum::null(Type::dynamic));
      return refuse(ErrorCode::kql_unknown_name, e.span, std::move(gone));
    }
    doubt_member(e, scope);
    scope.columns.push_back({e.name, Type::dynamic, std::nullopt, false, true});
    return std::make_shared<Slot>(Type::dynamic, read_slot_of(scope.columns.back()));
  }
  if (scope.gone_is_null) return std::make_shared<Constant>(Datum::null(Type::dynamic));
  std::vector<std::string_view> names;
  for (const BoundColumn& column : scope.columns) names.push_back(column.name);
  for (const auto& [name, let] : scope.lets) names.push_back(name);
  const std::string_view near = nearest(e.name, names);
  return refuse(ErrorCode::kql_unknown_name, e.span,
                fmt::format("there is no column \"{}\"{}", e.name,
                            near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
}

// Whether a column still is the record's member of that name.
bool ExpressionBinder::is_of_record(const BoundColumn& column) const {
  if (!column.slot) return true;
  for (std::size_t i = 0; i < program_.inputs.size(); ++i) {
    const Input& input = program_.inputs[i];
    if (program_.input_slots[i] == *column.slot)
      return input.column == column.name && input.members.empty() && input.list.empty();
  }
  return false;
}

NodePtr ExpressionBinder::input_path(const Expression& e, Scope& scope) { return input_list(e, {}, scope); }

// A path of plain members below a column of the record is read from the record by itself; with a list, the items of
// the array that is there.
NodePtr ExpressionBinder::input_list(const Expression& e, const std::string& list, Scope& scope) {
  std::vector<std::string> members;
  const Expression* at = &e;
  while (at->kind == Kind::member || (at->kind == Kind::element && at->items[1]->kind == Kind::string)) {
    members.insert(members.begin(), at->kind == Kind::member ? at->name : at->items[1]->text);
    at = at->items[0].get();
  }
  // A longer path is walked below the value that its front gives: the field plan goes no deeper.
  constexpr std::size_t members_max = 8;
  if (members.size() > members_max) return nullptr;
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
  if (column != nullptr && (column->type != Type::dynamic || !is_of_record(*column))) return nullptr;
  for (std::size_t i = 0; i < program_.inputs.size(); ++i)
    if (program_.inputs[i].column == at->name && program_.inputs[i].members == members &&
        program_.inputs[i].list == list)
      return std::make_shared<Slot>(Type::dynamic, program_.input_slots[i]);
  const std::size_t slot = program_.add_input({at->name, members, list, Type::dynamic, false});
  program_.inputs.back().is_read = true;
  return std::make_shared<Slot>(Type::dynamic, slot);
}

NodePtr ExpressionBinder::bind_path(const Expression& e, Scope& scope) {
  if (NodePtr input = input_path(e, scope)) return input;
  NodePtr subject = bind(*e.items[0], scope);
  if (!subject) return nullptr;
  if (subject->type() != Type::dynamic)
    return refuse(ErrorCode::kql_type, e.span,
                  fmt::format("a member is taken of dynamic values, and this is {}", to_string(subject->type())));
  if (e.kind == Kind::member) return make_member(std::move(subject), e.name);
  NodePtr index = bind(*e.items[1], scope);
  if (!index) return nullptr;
  if (!is_integer(index->type()) && index->type() != Type::string && index->type() != Type::dynamic)
    return refuse(ErrorCode::kql_type, e.items[1]->span,
                  fmt::format("expected a number or a name as an index, got {}", to_string(index->type())));
  return make_element(std::move(subject), std::move(index));
}

NodePtr ExpressionBinder::bind_unary(const Expression& e, Scope& scope) {
  NodePtr operand = bind(*e.items[0], scope);
  if (!operand) return nullptr;
  // What a dynamic holds keeps its kind: -(2.5) is -2.5, and what is no number is null.
  if (operand->type() == Type::dynamic)
    return make_arithmetic(Arithmetic::multiply, Type::dynamic, std::move(operand),
                           std::make_shared<Constant>(Datum::of_long(e.name == "-" ? -1 : 1)));
  if (!is_number(operand->type()) && operand->type() != Type::timespan)
    return refuse(ErrorCode::kql_type, e.span,
                  fmt::format("expected a number after \"{}\", got {}", e.name, to_string(operand->type())));
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
                                to_string(node->type())));
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
                  fmt::format("\"{}\" is not for {} and {}{}", e.name, to_string(a), to_string(b), advice));
  }
  return make_arithmetic(operation, *type, std::move(left), std::move(right));
}

// A text that is no number is equal to none.
void ExpressionBinder::doubt_text(const Expression& e, const Node& text, Type other) {
  Workspace work;
  Frame frame{{}, work};
  const Datum value = text.evaluate(frame);
  if (convert(value, other, work).is_null)
    program_.doubts.push_back(
        {ErrorCode::kql_type, e.span, fmt::format("\"{}\" is never equal to a {}", value.text, to_string(other))});
}

NodePtr ExpressionBinder::bind_comparison(const Expression& e, NodePtr left, NodePtr right) {
  const bool is_equality = e.name == "==" || e.name == "!=";
  for (const auto& [text, other] : {std::pair(left, right), std::pair(right, left)})
    if (is_equality && text->type() == Type::string && text->is_constant() && is_number(other->type()))
      doubt_text(e, *text, other->type());
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
            "\"{}\" is not for {} and {}{}", e.name, to_string(a), to_string(b),
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
                  fmt::format("\"{}\" searches text, and this is {}; use tostring()", e.name, to_string(left->type())));
  const std::string_view bare = std::string_view(e.name).substr(e.name.starts_with('!') ? 1 : 0);
  const bool takes_dynamic = !bare.starts_with("has") && bare != "matches regex";
  if (right->type() != Type::string && !(takes_dynamic && right->type() == Type::dynamic))
    return refuse(
        ErrorCode::kql_type, e.items[1]->span,
        fmt::format("\"{}\" looks for text, and this is {}; use tostring()", e.name, to_string(right->type())));
  left = make_conversion(std::move(left), Type::string);
  right = make_conversion(std::move(right), Type::string);
  if (bare == "matches regex") {
    if (right->is_constant()) {
      Workspace work;
      Frame frame{{}, work};
      const auto made = Pattern::make(right->evaluate(frame).text);
      if (!made.pattern) return refuse(ErrorCode::kql_syntax, e.items[1]->span, made.refusal);
    }
    return make_call(Type::boolean, find_function("matches regex")->call, {left, right});
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
                    fmt::format("\"{}\" searches text, and this is {}", e.name, to_string(subject->type())));
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
                    fmt::format("expected {} in the list, got {}", to_string(a), to_string(b)));
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
      return refuse(
          ErrorCode::kql_type, e.span,
          fmt::format("\"{}\" is not for {} and {}", e.name, to_string(subject->type()), to_string(end->type())));
  }
  return make_between(e.name.starts_with('!'), std::move(subject), std::move(low), std::move(high));
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
