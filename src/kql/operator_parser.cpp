#include "operator_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace capstan::kql {

namespace {

struct OperatorName {
  std::string_view text;
  Operator::Kind kind;
};
constexpr std::array operator_names{
    OperatorName{"where", Operator::Kind::where},
    OperatorName{"filter", Operator::Kind::where},
    OperatorName{"extend", Operator::Kind::extend},
    OperatorName{"project", Operator::Kind::project},
    OperatorName{"project-away", Operator::Kind::project_away},
    OperatorName{"project-keep", Operator::Kind::project_keep},
    OperatorName{"project-rename", Operator::Kind::project_rename},
    OperatorName{"project-reorder", Operator::Kind::project_reorder},
    OperatorName{"parse", Operator::Kind::parse},
    OperatorName{"parse-where", Operator::Kind::parse_where},
    OperatorName{"mv-expand", Operator::Kind::mv_expand},
    OperatorName{"mvexpand", Operator::Kind::mv_expand},
};

// Operators of KQL that need more than one record, or the outside. Refused by name.
constexpr std::array<std::string_view, 36> refused_operators{"summarize",     "count",
                                                             "distinct",      "top",
                                                             "sort",          "order",
                                                             "take",          "limit",
                                                             "sample",        "join",
                                                             "union",         "mv-apply",
                                                             "make-series",   "parse-kv",
                                                             "project-smart", "search",
                                                             "find",          "evaluate",
                                                             "invoke",        "fork",
                                                             "facet",         "partition",
                                                             "scan",          "serialize",
                                                             "range",         "render",
                                                             "getschema",     "as",
                                                             "consume",       "externaldata",
                                                             "top-nested",    "top-hitters",
                                                             "reduce",        "sample-distinct",
                                                             "macro-expand",  "lookup"};

}  // namespace

// The operator's name: words joined by "-" without blanks.
std::string OperatorParser::take_operator_name() {
  std::string name;
  if (peek().kind != Token::Kind::identifier) return name;
  name = peek().text;
  while (is_symbol("-", 1) && touches(0) && touches(1) && peek(2).kind == Token::Kind::identifier) {
    name += "-" + peek(2).text;
    at_ += 2;
  }
  ++at_;
  return name;
}

bool OperatorParser::parse_operator(Operator& op) {
  if (peek().kind != Token::Kind::identifier) {
    complain(fmt::format("expected an operator after \"|\", got {}", seen()));
    return false;
  }
  op.name = take_operator_name();
  op.span.end = tokens_[at_ - 1].span.end;
  const auto known = std::ranges::find(operator_names, op.name, &OperatorName::text);
  if (op.name == "lookup") return parse_lookup(op);
  if (op.name == "evaluate" && peek().kind == Token::Kind::identifier && is_symbol("(", 1)) {
    if (is_word("ipv4_lookup")) return parse_ipv4_lookup(op);
    return refuse_plugin();
  }
  if (known == operator_names.end()) return refuse_operator(op);
  op.kind = known->kind;
  switch (op.kind) {
    case Operator::Kind::where: {
      NamedExpression predicate;
      predicate.span = peek().span;
      predicate.expression = parse_expression();
      if (!predicate.expression) return false;
      op.expressions.push_back(std::move(predicate));
      return at_operator_end();
    }
    case Operator::Kind::extend:
    case Operator::Kind::project:
    case Operator::Kind::project_rename:
      return parse_named_list(op.expressions) && at_operator_end();
    case Operator::Kind::project_away:
    case Operator::Kind::project_keep:
    case Operator::Kind::project_reorder:
      return parse_patterns(op) && at_operator_end();
    case Operator::Kind::parse:
    case Operator::Kind::parse_where:
      return parse_parse(op) && at_operator_end();
    case Operator::Kind::mv_expand:
      return parse_mv_expand(op) && at_operator_end();
    case Operator::Kind::lookup:
    case Operator::Kind::ipv4_lookup:
      return false;
  }
  return false;
}

bool OperatorParser::refuse_operator(const Operator& op) {
  if (std::ranges::find(refused_operators, op.name) != refused_operators.end()) {
    diagnostics_.add(ErrorCode::kql_not_supported, op.span,
                     fmt::format("the operator \"{}\" is not for single records{}", op.name, instead_of(op.name)));
    return false;
  }
  std::vector<std::string_view> names;
  for (const OperatorName& name : operator_names) names.push_back(name.text);
  const std::string_view near = nearest(op.name, names);
  diagnostics_.add(ErrorCode::kql_unknown_name, op.span,
                   fmt::format("there is no operator \"{}\"{}", op.name,
                               near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
  return false;
}

bool OperatorParser::refuse_plugin() {
  const std::string& name = peek().text;
  diagnostics_.add(ErrorCode::kql_not_supported, peek().span,
                   name == "ipv6_lookup" ? "the plugin \"ipv6_lookup\" is not supported; \"ipv4_lookup\" is"
                                         : fmt::format("the plugin \"{}\" is not for single records", name));
  return false;
}

std::string OperatorParser::instead_of(std::string_view name) {
  if (name == "join" || name == "lookup") return "; \"lookup\" adds columns from a table";
  if (name == "mv-apply") return "; \"mv-expand\" makes one row an item";
  if (name == "parse-kv") return "; \"parse\" and \"extract\" take text apart";
  return "";
}

bool OperatorParser::at_operator_end() {
  if (is_symbol("|") || is_symbol(";") || is_symbol("}") || is_symbol(")") || peek().kind == Token::Kind::end)
    return true;
  complain(fmt::format("expected \"|\" or the end of the operator, got {}", seen()));
  return false;
}

bool OperatorParser::parse_named_list(std::vector<NamedExpression>& into) {
  do {
    NamedExpression named;
    named.span = peek().span;
    const bool is_name = peek().kind == Token::Kind::identifier && is_symbol("=", 1);
    const bool is_quoted_name =
        is_symbol("[") && peek(1).kind == Token::Kind::string && is_symbol("]", 2) && is_symbol("=", 3);
    if (is_name || is_quoted_name) {
      named.name = parse_name("a name");
      ++at_;
    }
    named.expression = parse_expression();
    if (!named.expression) return false;
    named.span.end = tokens_[at_ - 1].span.end;
    into.push_back(std::move(named));
  } while (take_symbol(","));
  return true;
}

// a, b*, *c, ['d e'], and asc/desc behind one.
bool OperatorParser::parse_patterns(Operator& op) {
  do {
    const Span begin = peek().span;
    std::string pattern;
    std::size_t end = begin.begin;
    while (peek().span.begin == end || pattern.empty()) {
      if (is_symbol("*")) {
        pattern += '*';
      } else if (peek().kind == Token::Kind::identifier || peek().kind == Token::Kind::long_integer) {
        pattern += peek().text;
      } else if (pattern.empty() && is_symbol("[") && peek(1).kind == Token::Kind::string && is_symbol("]", 2)) {
        pattern = peek(1).text;
        at_ += 2;
      } else {
        break;
      }
      end = peek().span.end;
      ++at_;
    }
    if (pattern.empty()) {
      complain(fmt::format("expected a column's name, got {}", seen()));
      return false;
    }
    op.patterns.emplace_back(pattern, Span{begin.begin, end});
    if (op.kind == Operator::Kind::project_reorder && (is_word("asc") || is_word("desc") || is_word("granny-asc"))) {
      op.flags += is_word("asc") ? 'a' : 'd';
      ++at_;
    } else {
      op.flags += '-';
    }
  } while (take_symbol(","));
  return true;
}

bool OperatorParser::parse_parse(Operator& op) {
  if (is_word("kind") && is_symbol("=", 1)) {
    at_ += 2;
    op.parse_kind = peek().text;
    if (op.parse_kind != "simple" && op.parse_kind != "regex" && op.parse_kind != "relaxed") {
      complain(fmt::format("expected kind=simple, kind=regex or kind=relaxed, got {}", seen()));
      return false;
    }
    ++at_;
  }
  if (is_word("flags") && is_symbol("=", 1)) {
    at_ += 2;
    op.flags = peek().text;
    const bool are_known = std::ranges::all_of(op.flags, [](char c) { return std::string_view("ismU").contains(c); });
    if (op.parse_kind != "regex" || peek().kind != Token::Kind::identifier || !are_known) {
      complain(op.parse_kind != "regex" ? "flags go with kind=regex"
                                        : fmt::format("expected flags out of i, s, m and U, got {}", seen()));
      return false;
    }
    ++at_;
  }
  NamedExpression subject;
  subject.span = peek().span;
  subject.expression = parse_expression();
  if (!subject.expression) return false;
  op.expressions.push_back(std::move(subject));
  if (!take_word("with")) {
    complain(fmt::format("expected \"with\" after what is parsed, got {}", seen()));
    return false;
  }
  while (is_symbol("*") || peek().kind == Token::Kind::string || peek().kind == Token::Kind::identifier ||
         is_symbol("["))
    if (!parse_parse_item(op)) return false;
  return true;
}

bool OperatorParser::parse_parse_item(Operator& op) {
  ParseItem item;
  item.span = peek().span;
  if (take_symbol("*")) {
    item.kind = ParseItem::Kind::star;
  } else if (peek().kind == Token::Kind::string) {
    item.kind = ParseItem::Kind::literal;
    item.text = peek().text;
    ++at_;
  } else {
    item.kind = ParseItem::Kind::column;
    const auto name = parse_name("a column's name");
    if (!name) return false;
    item.text = *name;
    if (take_symbol(":")) {
      const auto type = parse_type_name();
      if (!type) return false;
      item.type = *type;
    }
  }
  op.items.push_back(std::move(item));
  return true;
}

bool OperatorParser::parse_mv_expand(Operator& op) {
  if (op.name == "mvexpand") op.limit = 128;
  while (peek().kind == Token::Kind::identifier && is_symbol("=", 1) &&
         (is_word("kind") || is_word("bagexpansion") || is_word("with_itemindex"))) {
    const std::string option = peek().text;
    at_ += 2;
    const Span span = peek().span;
    const auto value = parse_name("a value");
    if (!value) return false;
    if (option == "with_itemindex") {
      op.index_name = *value;
    } else if (*value == "array" || *value == "bag") {
      op.expands_bags_to_arrays = *value == "array";
    } else {
      diagnostics_.add(ErrorCode::kql_syntax, span,
                       fmt::format("expected {}=bag or {}=array, got \"{}\"", option, option, *value));
      return false;
    }
  }
  do {
    std::vector<NamedExpression> one;
    if (!parse_one_expansion(one)) return false;
    op.expressions.push_back(std::move(one.front()));
  } while (take_symbol(","));
  if (take_word("limit")) {
    if (peek().kind != Token::Kind::long_integer) {
      complain(fmt::format("expected a number after limit, got {}", seen()));
      return false;
    }
    op.limit = peek().number;
    ++at_;
  }
  return true;
}

bool OperatorParser::parse_one_expansion(std::vector<NamedExpression>& into) {
  NamedExpression named;
  named.span = peek().span;
  if (peek().kind == Token::Kind::identifier && is_symbol("=", 1)) {
    named.name = peek().text;
    at_ += 2;
  }
  named.expression = parse_expression();
  if (!named.expression) return false;
  if (is_word("to") && is_word("typeof", 1)) {
    at_ += 2;
    if (!expect("(", "after typeof")) return false;
    named.to_type = parse_type_name();
    if (!named.to_type || !expect(")", "after the type")) return false;
  }
  into.push_back(std::move(named));
  return true;
}

// A name, datatable (…) […], or one of them in brackets. What may stand there is the binder's to say.
std::shared_ptr<Pipeline> OperatorParser::parse_lookup_table() {
  std::shared_ptr<Pipeline> table;
  if (take_symbol("(")) {
    table = parse_pipeline();
    if (!table || !expect(")", "after the table")) return nullptr;
    return table;
  }
  table = std::make_shared<Pipeline>();
  table->span = peek().span;
  if (!parse_source(*table)) return nullptr;
  table->span.end = tokens_[at_ - 1].span.end;
  return table;
}

// lookup kind=leftouter TABLE on key, $left.a == $right.b
bool OperatorParser::parse_lookup(Operator& op) {
  op.kind = Operator::Kind::lookup;
  if (is_word("kind") && is_symbol("=", 1)) {
    at_ += 2;
    const std::string& kind = peek().text;
    if (kind != "leftouter" && kind != "inner") {
      complain(fmt::format("expected kind=leftouter or kind=inner, got {}", seen()));
      return false;
    }
    op.drops_unmatched = kind == "inner";
    ++at_;
  }
  op.table = parse_lookup_table();
  if (!op.table) return false;
  if (!take_word("on")) {
    complain(fmt::format("expected \"on\" after the table, got {}", seen()));
    return false;
  }
  do {
    if (!parse_lookup_key(op)) return false;
  } while (take_symbol(",") || take_word("and"));
  return at_operator_end();
}

bool OperatorParser::parse_lookup_key(Operator& op) {
  LookupKey key;
  key.span = peek().span;
  const bool is_pair = is_word("$left") && is_symbol(".", 1);
  if (is_word("$right") && is_symbol(".", 1)) {
    complain("expected $left.COLUMN == $right.COLUMN, got $right first");
    return false;
  }
  if (is_pair) at_ += 2;
  const auto left = parse_name("a key column");
  if (!left) return false;
  key.left = key.right = *left;
  if (is_pair) {
    if (!expect("==", "after the record's column")) return false;
    if (!take_word("$right") || !take_symbol(".")) {
      complain(fmt::format("expected $right.COLUMN, got {}", seen()));
      return false;
    }
    const auto right = parse_name("a column of the table");
    if (!right) return false;
    key.right = *right;
  }
  key.span.end = tokens_[at_ - 1].span.end;
  op.keys.push_back(std::move(key));
  return true;
}

// evaluate ipv4_lookup(TABLE, address, network column, further keys …, return_unmatched = true)
bool OperatorParser::parse_ipv4_lookup(Operator& op) {
  op.kind = Operator::Kind::ipv4_lookup;
  op.name = "ipv4_lookup";
  op.drops_unmatched = true;
  ++at_;
  if (!expect("(", "after ipv4_lookup")) return false;
  op.table = parse_lookup_table();
  if (!op.table || !expect(",", "after the table")) return false;
  NamedExpression address;
  address.span = peek().span;
  address.expression = parse_expression();
  if (!address.expression || !expect(",", "after the address")) return false;
  op.expressions.push_back(std::move(address));
  op.network_span = peek().span;
  if (peek().kind == Token::Kind::string) {
    op.network = peek().text;
    ++at_;
  } else {
    const auto network = parse_name("the table's column of networks");
    if (!network) return false;
    op.network = *network;
  }
  while (take_symbol(","))
    if (!parse_ipv4_lookup_rest(op)) return false;
  return expect(")", "after the arguments of ipv4_lookup") && at_operator_end();
}

// A further key, or whether records without a match go on.
bool OperatorParser::parse_ipv4_lookup_rest(Operator& op) {
  const Span span = peek().span;
  const bool is_named = is_word("return_unmatched") && is_symbol("=", 1);
  if (is_named) at_ += 2;
  constexpr std::array<std::string_view, 6> flags{"true", "True", "TRUE", "false", "False", "FALSE"};
  if (peek().kind == Token::Kind::identifier && std::ranges::find(flags, peek().text) != flags.end()) {
    op.drops_unmatched = peek().text.front() == 'f' || peek().text.front() == 'F';
    ++at_;
    if (is_symbol(")")) return true;
    complain(fmt::format("expected \")\" after return_unmatched, got {}", seen()));
    return false;
  }
  if (is_named) {
    complain(fmt::format("expected true or false, got {}", seen()));
    return false;
  }
  const auto key = parse_name("a key column");
  if (!key) return false;
  op.keys.push_back({*key, *key, {span.begin, tokens_[at_ - 1].span.end}});
  return true;
}

}  // namespace capstan::kql
