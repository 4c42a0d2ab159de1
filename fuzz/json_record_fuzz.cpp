// A record as it could come: the three readers of JSON must agree on it, and none may crash on anything.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "event/field_plan.h"
#include "event/json_record.h"
#include "event/json_split.h"
#include "event/record.h"

namespace {

using namespace capstan;

void require(bool holds) {
  if (!holds) std::abort();
}

FieldPlan some_plan() {
  FieldPlan plan;
  for (const char* path : {"a", "b.a", "c[].a", "c[a=1].b", "c[1].b", "b[].a[].b", "d"})
    require(plan.slot(path).has_value());
  return plan;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const FieldPlan plan = some_plan();
  static FieldWalker walker;
  static JsonReader reader;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto members = split_object(text);
  (void)split_array(text).has_value();
  const bool is_record = reader.open(text).has_value();
  std::string padded(text);
  padded.append(raw_padding, ' ');
  const auto values = walker.walk(plan, std::string_view(padded).substr(0, size));
  if (!is_record) return 0;
  // What is accepted when it is collected can be taken apart and walked ever after.
  require(members.has_value() && values.has_value());
  for (const JsonMember& member : *members)
    if (member.name == "a") {
      require(reader.raw("a").has_value());
      require((*values)[0].type != Value::Type::missing);
      break;
    }
  const std::uint64_t hash = reader.content_hash();
  require(reader.open(text).has_value() && reader.content_hash() == hash);
  return 0;
}
