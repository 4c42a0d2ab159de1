#pragma once

#include "kql/program.h"
#include "stage.h"

namespace capstan::kql {

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
  std::vector<StagePtr> stages;
  std::vector<OutputSlot> output_slots;
  std::vector<Column> output;
  std::vector<Diagnostic> not_portable;
};

}  // namespace capstan::kql
