// The tree of a query as it is written, before names mean anything.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kql/diagnostic.h"
#include "kql/types.h"

namespace capstan::kql {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

struct Expression {
  enum class Kind : std::uint8_t {
    boolean,        // flag
    long_integer,   // number
    real,           // real
    timespan,       // number
    string,         // text
    typed_literal,  // name(text)
    dynamic,        // text: JSON
    name,           // name
    member,         // items[0].name
    element,        // items[0][items[1]]
    call,           // name(items…)
    unary,          // name is "-" or "+"; items[0]
    binary,         // items[0] name items[1]
    any_of,         // items[0] name (items[1]…): in, !in, in~, !in~, has_any, has_all
    between,        // items[0] name (items[1] .. items[2]): between, !between
    star,           // count(*), project-away a*
  };
  Kind kind = Kind::name;
  Span span;
  std::string name;
  std::string text;
  std::int64_t number = 0;
  double real = 0;
  bool flag = false;
  bool is_parenthesised = false;
  std::vector<ExpressionPtr> items;
};

struct NamedExpression {
  std::optional<std::string> name;
  Span span;
  ExpressionPtr expression;
  std::optional<Type> to_type;  // mv-expand … to typeof(T)
};

struct ColumnDeclaration {
  std::string name;
  Type type = Type::string;
  Span span;
};

// One item of `parse … with`: *, a literal, or a column.
struct ParseItem {
  enum class Kind : std::uint8_t { star, literal, column };
  Kind kind = Kind::star;
  std::string text;  // literal's value or column's name
  Type type = Type::string;
  Span span;
};

// lookup … on $left.a == $right.b; a bare name is both.
struct LookupKey {
  std::string left;
  std::string right;
  Span span;
};

struct Pipeline;

struct Operator {
  enum class Kind : std::uint8_t {
    where,
    extend,
    project,
    project_away,
    project_keep,
    project_rename,
    project_reorder,
    parse,
    parse_where,
    mv_expand,
    lookup,
    ipv4_lookup
  };
  Kind kind = Kind::where;
  Span span;
  std::string name;  // as written: "project-away"
  std::vector<NamedExpression> expressions;
  // project-away, -keep, -reorder: names with wildcards; project-reorder's asc/desc is in `flags`
  std::vector<std::pair<std::string, Span>> patterns;
  // parse
  std::string parse_kind = "simple";
  std::string flags;
  std::vector<ParseItem> items;
  // mv-expand
  std::optional<std::string> index_name;
  std::optional<std::int64_t> limit;
  bool expands_bags_to_arrays = false;
  // lookup, ipv4_lookup
  std::shared_ptr<Pipeline> table;
  std::vector<LookupKey> keys;
  std::string network;  // ipv4_lookup: the table's column
  Span network_span;
  bool drops_unmatched = false;
};

struct Pipeline {
  enum class Source : std::uint8_t { record, print, datatable, name };
  Source source = Source::record;
  Span span;
  std::string name;                        // name
  std::vector<NamedExpression> print;      // print
  std::vector<ColumnDeclaration> columns;  // datatable
  std::vector<ExpressionPtr> values;       // datatable
  std::vector<Operator> operators;
};

struct Statement;

struct Function {
  struct Parameter {
    std::string name;
    Type type = Type::string;
    ExpressionPtr default_value;
    Span span;
  };
  std::vector<Parameter> parameters;
  std::vector<Statement> body;  // lets, then one expression or pipeline
};

struct Statement {
  enum class Kind : std::uint8_t { let_scalar, let_table, let_function, table, scalar };
  Kind kind = Kind::table;
  std::string name;  // of a let
  Span span;
  ExpressionPtr expression;
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<Function> function;
};

struct Query {
  std::vector<Statement> statements;
};

}  // namespace capstan::kql
