// What an encoder wants of every row that a rule lets through: expressions over the row's columns, in sets of which the
// first that fits is computed. Rule and expressions become one program, and a record is walked once for both.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kql/program.h"

namespace capstan::kql {

// A set of expressions: one kind of message.
struct Shape {
  std::string when;  // a predicate; empty: always
  std::vector<std::string> cells;
};

struct Wanted {
  std::vector<std::pair<std::string, std::string>> texts;  // names with the texts they stand for
  std::string lets;                                        // `let …;` statements before every expression
  std::vector<Shape> shapes;  // the first whose `when` holds; where none does, the row has no cells
};

// Where a text of it stands.
struct WantedPlace {
  enum class Part : std::uint8_t { lets, when, cell };
  Part part = Part::lets;
  std::size_t shape = 0;
  std::size_t cell = 0;
};
struct WantedProblem {
  WantedPlace place;
  Diagnostic diagnostic;  // its span is of that text
};

struct CompiledWanted {
  std::shared_ptr<const Program> program;  // nothing when anything is wrong
  Diagnostics rule;                        // of the rule
  std::vector<WantedProblem> problems;     // of what is wanted
  std::vector<WantedProblem> doubts;       // what is allowed there and probably not meant (Program::doubts)
};

// `rule` may be empty: every record as it is. In the expressions the meta columns are there whatever the rule projects;
// a member that the rule took away is null, as is a column of the schema that it did not project.
CompiledWanted compile(std::string_view rule, const Schema& schema, const Wanted& wanted,
                       const Environment& environment = {});

}  // namespace capstan::kql
