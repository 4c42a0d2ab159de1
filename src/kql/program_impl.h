#pragma once

#include "kql/program.h"
#include "kql/table.h"
#include "stage.h"

namespace capstan::kql {

// Which members of the record go on that no column names: rules one after another, each keeping or dropping names.
struct MemberRule {
  bool keeps = false;                 // those that match, or those that do not
  std::vector<std::string> patterns;  // * stands for any number of characters
};
bool matches_pattern(std::string_view pattern, std::string_view name);
bool survives(const std::vector<MemberRule>& rules, std::string_view name);

// What can be said of a query's text before it is read; false after a diagnostic.
bool is_readable(std::string_view text, Diagnostics& diagnostics);
// A query that is too long for a DCR is not portable.
void note_length(std::string_view query, Program::Impl& program);

struct Program::Impl {
  struct OutputSlot {
    Column column;
    std::size_t slot = 0;
  };
  std::size_t slots = 0;
  std::vector<Input> inputs;
  std::vector<std::size_t> input_slots;         // where each input goes
  std::vector<std::vector<Assignment>> tables;  // datatable rows; empty: one row a record
  bool is_table = false;                        // the rows come from `tables`
  std::vector<std::shared_ptr<const LiveTable>> lookup_tables;
  std::vector<StagePtr> stages;
  std::vector<OutputSlot> output_slots;
  std::vector<Column> output;
  std::vector<Column> made;
  std::vector<Diagnostic> not_portable;
  std::vector<Diagnostic> doubts;
  // The record's own members go on beside the columns (an open schema, until project).
  bool keeps_members = false;
  std::vector<MemberRule> member_rules;
  // Nothing but `where`: what comes out is the record as it is, or nothing.
  bool is_filter = true;
  // The rule begins with filters: the first `front_stages` look at the first `front_inputs` only.
  std::size_t front_stages = 0;
  std::size_t front_inputs = 0;
  // What an encoder wants of a row (kql/wanted.h).
  struct Cells {
    NodePtr when;  // nullptr: always
    std::vector<NodePtr> nodes;
  };
  std::vector<Cells> shapes;
  bool writes_row = false;  // one of them asks for the whole row

  // A new slot, filled from the record.
  std::size_t add_input(Input input);
  // Whether an output column is the record's member of that name, untouched.
  bool is_untouched(const OutputSlot& output) const;
  // Every row of one record; `emit` is called with the slots filled.
  void run(Frame& frame, const Next& emit) const;
  // Whether the row passes the filters of the front, which have to know their inputs only.
  bool passes_front(Frame& frame) const;
  // The rows of a record that has passed.
  void run_behind_front(Frame& frame, const Next& emit) const;

private:
  void hold_tables(Workspace& work) const;
  void run_from(std::size_t stage, Frame& frame, const Next& emit) const;
};

}  // namespace capstan::kql
