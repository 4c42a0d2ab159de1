// Operators of a pipeline, one after another: tokens → tree.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "expression_parser.h"

namespace capstan::kql {

class OperatorParser : protected ExpressionParser {
protected:
  using ExpressionParser::ExpressionParser;
  virtual ~OperatorParser() = default;

  // False after a diagnostic.
  virtual bool parse_source(Pipeline& pipeline) = 0;
  virtual std::unique_ptr<Pipeline> parse_pipeline() = 0;  // nullptr after one
  bool parse_operator(Operator& op);
  bool parse_named_list(std::vector<NamedExpression>& into);

private:
  // The operator's name: words joined by "-" without blanks.
  std::string take_operator_name();
  bool refuse_operator(const Operator& op);
  bool refuse_plugin();
  static std::string instead_of(std::string_view name);
  bool at_operator_end();
  // a, b*, *c, ['d e'], and asc/desc behind one.
  bool parse_patterns(Operator& op);
  bool parse_parse(Operator& op);
  bool parse_parse_item(Operator& op);
  bool parse_mv_expand(Operator& op);
  bool parse_one_expansion(std::vector<NamedExpression>& into);
  // A name, datatable (…) […], or one of them in brackets. What may stand there is the binder's to say.
  std::shared_ptr<Pipeline> parse_lookup_table();
  // lookup kind=leftouter TABLE on key, $left.a == $right.b
  bool parse_lookup(Operator& op);
  bool parse_lookup_key(Operator& op);
  // evaluate ipv4_lookup(TABLE, address, network column, further keys …, return_unmatched = true)
  bool parse_ipv4_lookup(Operator& op);
  // A further key, or whether records without a match go on.
  bool parse_ipv4_lookup_rest(Operator& op);
};

}  // namespace capstan::kql
