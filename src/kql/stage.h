// What a program does, one step after another, to one row. A step writes only its own slots; a row that a step does not
// pass on is dropped, and mv-expand passes on several.
#pragma once

#include <memory>
#include <vector>

#include "node.h"
#include "pattern.h"
#include "syntax.h"

namespace capstan::kql {

// What follows a stage: a reference to something callable, which outlives the call. Nothing is taken from the heap.
class Next {
public:
  template <class Rest>
  explicit Next(const Rest& rest)
      : rest_(&rest), call_([](const void* what) { (*static_cast<const Rest*>(what))(); }) {}
  void operator()() const { call_(rest_); }

private:
  const void* rest_;
  void (*call_)(const void*);
};

class Stage {
public:
  virtual ~Stage() = default;
  // Passes the row on with `next`, as often as it has rows.
  virtual void run(Frame& frame, const Next& next) const = 0;
};
using StagePtr = std::unique_ptr<const Stage>;

StagePtr make_filter(NodePtr predicate);
struct Assignment {
  std::size_t slot = 0;
  NodePtr node;
};
// All right sides are computed from what was before.
StagePtr make_compute(std::vector<Assignment> assignments);

struct ParseTarget {
  std::size_t slot = 0;
  Type type = Type::string;
};
struct ParsePlan {
  bool is_regex = false;
  bool is_relaxed = false;
  bool drops_failures = false;  // parse-where
  Pattern::Flags flags;
  std::vector<ParseItem> items;
  std::vector<ParseTarget> targets;  // one a column item, in order
};
// The stage, or what is wrong with the items.
struct MadeStage {
  StagePtr stage;
  std::string refusal;
};
MadeStage make_parse(ParsePlan plan, NodePtr subject);

struct Expansion {
  NodePtr subject;
  std::size_t slot = 0;
  std::optional<Type> to;
};
// A column of the table, and where its value goes.
struct LookupTarget {
  std::size_t column = 0;
  std::size_t slot = 0;
  Type type = Type::string;
};
struct LookupPlan {
  std::size_t table = 0;  // of those that the program holds
  std::size_t index = 0;  // of that table's
  std::vector<NodePtr> keys;
  NodePtr address;               // text; nothing: by the keys alone
  bool drops_unmatched = false;  // otherwise such a row goes on with nulls
  std::vector<LookupTarget> targets;
};
// Passes a row on for every row of the table that matches.
StagePtr make_lookup(LookupPlan plan);

StagePtr make_expand(std::vector<Expansion> expansions, std::optional<std::size_t> index_slot,
                     std::optional<std::int64_t> limit, bool bags_to_arrays);

}  // namespace capstan::kql
