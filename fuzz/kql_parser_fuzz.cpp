// Any text as a query: it compiles, or is refused with places inside of it. Nothing in between, and never a crash.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "kql/program.h"
#include "kql/schemas.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace capstan;
  static const kql::Schema schema = kql::with_meta_columns(kql::find_schema("activities")->schema);
  const std::string_view query(reinterpret_cast<const char*>(bytes), size);
  const kql::Compiled compiled = kql::compile(query, schema);
  require((compiled.program == nullptr) == !compiled.diagnostics.is_empty());
  for (const kql::Diagnostic& diagnostic : compiled.diagnostics.all()) {
    require(diagnostic.span.begin <= query.size());
    require(!diagnostic.sentence.empty());
    require(!kql::render(diagnostic, "query", query).empty());
  }
  // The same text again says the same.
  require((kql::compile(query, schema).program == nullptr) == (compiled.program == nullptr));
  return 0;
}
