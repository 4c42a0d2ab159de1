// Calls of functions: what they take and give, arguments made to fit, constants checked when the rule is compiled.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "call_nodes.h"
#include "expression_binder.h"
#include "input.h"
#include "operators.h"
#include "pattern.h"
#include "time_format.h"

namespace capstan::kql {

namespace {

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

// What is made of constants alone is computed once.
NodePtr fold(NodePtr node, const std::vector<NodePtr>& parts) {
  if (!std::ranges::all_of(parts, [](const NodePtr& part) { return part->is_constant(); })) return node;
  Workspace work;
  Frame frame{{}, work};
  return std::make_shared<Constant>(node->evaluate(frame));
}

}  // namespace

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
             fmt::format("the branches of {} have different types, {} and {}; convert one", where, to_string(type),
                         to_string(other)));
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
          fmt::format("expected a bool as a predicate, got {}; use tobool() or a comparison", to_string(part->type())));
    if (!is_predicate) values.push_back(part);
    parts.push_back(std::move(part));
  }
  const auto type = common_type(values, e.span, e.name + "()");
  if (!type) return nullptr;
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (i % 2 == 1 || i + 1 == parts.size()) parts[i] = make_conversion(parts[i], *type);
  return fold(make_condition(*type, parts), parts);
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
  return fold(make_coalesce(*type, parts), parts);
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

// pluck(array, "name"), pluck(array, "name", "where", "text"): of the record's own arrays it is a path of the walk.
NodePtr ExpressionBinder::bind_pluck(const Expression& e, Scope& scope) {
  const auto is_plain = [](const ExpressionPtr& item) {
    return item->kind == Expression::Kind::string && !item->text.empty() && std::ranges::all_of(item->text, [](char c) {
             return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
           });
  };
  if ((e.items.size() == 2 || e.items.size() == 4) && std::all_of(e.items.begin() + 1, e.items.end(), is_plain)) {
    const std::string filter =
        e.items.size() == 4 ? fmt::format("{}={}", e.items[2]->text, e.items[3]->text) : std::string();
    NodePtr input = input_list(*e.items[0], fmt::format("[{}].{}", filter, e.items[1]->text), scope);
    if (input) return input;
  }
  std::vector<NodePtr> arguments;
  for (const ExpressionPtr& item : e.items) {
    arguments.push_back(bind(*item, scope));
    if (!arguments.back()) return nullptr;
  }
  if (arguments.size() == 3)
    return refuse(ErrorCode::kql_type, e.span,
                  "pluck() takes an array and a member's name, and then a member and the text it has to have");
  return bind_row(e, *find_function("pluck"), std::move(arguments));
}

NodePtr ExpressionBinder::bind_pack_all(const Expression& e, const Scope& scope) {
  class PackAll final : public Node {
  public:
    PackAll() : Node(Type::dynamic) {}
    Datum evaluate(Frame& frame) const override {
      return frame.work.row == nullptr ? Datum::null(Type::dynamic)
                                       : read_dynamic_input(frame.work.row->row_text(frame), frame.work);
    }
    Datum glance(Frame& frame) const override {
      return frame.work.row == nullptr ? Datum::null(Type::dynamic) : Datum::of_json(frame.work.row->row_text(frame));
    }
  };
  if (!scope.is_behind_rule)
    return refuse(ErrorCode::kql_not_supported, e.span,
                  "pack_all() is for the expressions of a mapping; here name the columns: pack(\"a\", a)");
  if (!e.items.empty()) return refuse(ErrorCode::kql_type, e.span, "pack_all() takes no argument here");
  program_.writes_row = true;
  return std::make_shared<PackAll>();
}

NodePtr ExpressionBinder::bind_call(const Expression& e, Scope& scope) {
  if (const auto let = scope.lets.find(e.name); let != scope.lets.end() && let->second.function != nullptr)
    return bind_user_function(e, *let->second.function, scope);
  if (e.name == "iff" || e.name == "iif" || e.name == "case") return bind_condition(e, scope);
  if (e.name == "coalesce") return bind_coalesce(e, scope);
  if (e.name == "columnifexists" || e.name == "column_ifexists") return bind_column_if_exists(e, scope);
  if (e.name == "pack_all") return bind_pack_all(e, scope);
  if (e.name == "pluck") {
    note_extension(e.span, e.name);
    return bind_pluck(e, scope);
  }
  if (uses_environment(e.name)) return bind_environment_call(e, scope);
  const FunctionRow* row = find_function(e.name);
  if (row == nullptr) {
    if (const std::string_view advice = refusal_of_function(e.name); !advice.empty())
      return refuse(ErrorCode::kql_not_supported, {e.span.begin, e.span.begin + e.name.size()},
                    fmt::format("the function \"{}\" is not supported: {}", e.name, advice));
    std::vector<std::string_view> names = function_names();
    for (const std::string_view more : {"iff", "iif", "case", "coalesce", "columnifexists", "hmac_sha256",
                                        "geo_location", "geo_info_from_ip_address"})
      names.push_back(more);
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
                  fmt::format("{}(): expected {}, got {}", function, expected, to_string(type)));
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
    case 'u':
      if (type == Type::dynamic) return make_conversion(std::move(node), Type::real);
      return is_number(type) ? node : mismatch("a number");
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
                      fmt::format("{}(): {} and {} do not go together", row.name, to_string(type), to_string(other)));
      type = type == Type::real || other == Type::real ? Type::real : Type::long_integer;
    }
    if (type == Type::real || type == Type::long_integer)
      for (NodePtr& argument : arguments) argument = make_conversion(argument, type);
  }
  const bool is_pure = row.name != "now" && row.name != "ago" && row.name != "rand";
  NodePtr node = make_call(type, row.call, arguments);
  return is_pure ? fold(std::move(node), arguments) : node;
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
  if (name == "extract" || name == "extract_all" || name == "replace" || name == "replace_regex" || is_counting ||
      name == "trim" || name == "trim_start" || name == "trim_end") {
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
  if (name == "format_datetime" || name == "format_timespan") {
    const std::string refusal =
        refusal_of_format(constant(1), name == "format_datetime" ? Formatted::datetime : Formatted::timespan);
    if (!refusal.empty())
      refuse(ErrorCode::kql_not_supported, e.items[1]->span, fmt::format("{}(): {}", name, refusal));
    return refusal.empty();
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
  if (name == "mdca_name")
    return is_one_of({"app", "alert_type", "alert_status", "alert_resolution", "entity_status", "subnet_category"});
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
                    fmt::format("{}(): expected {} for {}, got {}", e.name, to_string(parameter.type), parameter.name,
                                to_string(node->type())));
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

}  // namespace capstan::kql
