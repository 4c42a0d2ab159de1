// What names mean at one place of a query.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kql/types.h"
#include "node.h"
#include "program_impl.h"
#include "syntax.h"

namespace capstan::kql {

struct BoundColumn {
  std::string name;
  Type type = Type::dynamic;
  std::optional<std::size_t> slot;  // nothing: a column of the record that nobody has asked for yet
  bool is_epoch_ms = false;
  bool is_undeclared = false;  // a member of an open record that only the rule names
};

struct LetFunction;

struct Let {
  NodePtr scalar;
  const Pipeline* table = nullptr;
  const Function* function = nullptr;
  std::shared_ptr<LiveTable> live = {};  // a second name of a table that rules look up in
};

struct Scope {
  std::vector<BoundColumn> columns;
  bool is_open = false;                                    // unknown names are dynamic members of the record
  bool gone_is_null = false;                               // a name that was taken away is null, not a mistake
  bool is_behind_rule = false;                             // here a whole row can be written: pack_all()
  std::vector<MemberRule> member_rules;                    // what became of them since
  std::map<std::string, NodePtr, std::less<>> parameters;  // of the function whose body this is; win over columns
  std::map<std::string, Let, std::less<>> lets;

  BoundColumn* find_column(std::string_view name) {
    for (BoundColumn& column : columns)
      if (column.name == name) return &column;
    return nullptr;
  }
};

}  // namespace capstan::kql
