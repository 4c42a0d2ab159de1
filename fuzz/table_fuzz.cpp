// Any bytes as the text of a table, in each form: rows that fit the columns, or a refusal with a line of the text; a
// table that was read can be looked up in.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "kql/table_text.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::size_t line_of(const std::string& sentence) {
  require(sentence.starts_with("t:"));
  return static_cast<std::size_t>(std::strtoull(sentence.c_str() + 2, nullptr, 10));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace capstan;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  const auto format = static_cast<kql::TableFormat>(bytes[0] % 3);
  const auto table = kql::read_table({"t", text, format, {}});
  if (!table) {
    require(table.error().code() == ErrorCode::table_refused);
    const std::size_t line = line_of(table.error().sentence());
    require(line >= 1 && line <= 1 + static_cast<std::size_t>(std::ranges::count(text, '\n')));
    return 0;
  }
  for (std::size_t i = 0; i < (*table)->size(); ++i)
    for (std::size_t j = 0; j < (*table)->columns().size(); ++j)
      require((*table)->row(i)[j].type == (*table)->columns()[j].type);
  // The same columns again: nothing is refused that was taken.
  require(kql::read_table({"t", text, format, (*table)->columns()}).has_value());
  return 0;
}
