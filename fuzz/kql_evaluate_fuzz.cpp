// A query over a record, both as they come: first line the query, then the record. What comes out is JSON, keeps() says
// what rows() says, and the same record gives the same again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "event/json_record.h"
#include "kql/record_run.h"
#include "kql/schemas.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

// Members of every type, so that any function finds something to work on.
constexpr std::string_view some_record =
    R"({"s":"An Error-log, a_b é","n":42,"r":-1.5e3,"b":true,"when":1600000000000,"z":null,)"
    R"("d":{"a":[1,"x",{"k":null}],"m":{"deep":"2024-03-04T10:00:00Z"}},"ip":"192.0.2.7/24","x":"<a b='1'>t<c/></a>"})";

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace capstan;
  static const kql::Schema schema =
      kql::with_meta_columns(*kql::parse_schema("s:string,n:long,r:real,b:bool,when:datetime:ms"));
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const std::size_t line = std::min(text.find('\n'), text.size());
  const kql::Compiled compiled = kql::compile(text.substr(0, line), schema);
  if (!compiled.program) return 0;
  std::string raw(text.substr(std::min(line + 1, text.size())));
  JsonReader reader;
  if (!reader.open(raw)) raw = some_record;
  raw.reserve(raw.size() + raw_padding);
  RecordView record;
  record.raw = raw;
  record.feed = "activities";
  kql::RecordRun run(compiled.program);
  const auto rows = run.rows(record, {"contoso", "mdca", from_epoch_ms(1'700'000'000'000)});
  if (!rows) return 0;
  std::string all;
  for (const std::string_view row : *rows) {
    require(reader.open(row).has_value());
    all += row;
  }
  require(run.keeps(record, {"contoso", "mdca", from_epoch_ms(1'700'000'000'000)}).value() == !rows->empty());
  if (text.contains("rand")) return 0;
  std::string again;
  for (const std::string_view row : *run.rows(record, {"contoso", "mdca", from_epoch_ms(1'700'000'000'000)}))
    again += row;
  require(all == again);
  return 0;
}
