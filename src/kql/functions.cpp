#include "functions.h"

namespace capstan::kql {

namespace {

template <class Visit>
void every_row(Visit visit) {
  for (const auto rows : {number_functions(), text_functions(), time_functions(), dynamic_functions()})
    for (const FunctionRow& row : rows) visit(row);
}

}  // namespace

const FunctionRow* find_function(std::string_view name) {
  const FunctionRow* found = nullptr;
  every_row([&](const FunctionRow& row) {
    if (row.name == name) found = &row;
  });
  return found;
}

std::vector<std::string_view> function_names() {
  std::vector<std::string_view> names;
  every_row([&](const FunctionRow& row) { names.push_back(row.name); });
  return names;
}

}  // namespace capstan::kql
