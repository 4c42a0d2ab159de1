// A record as it could come: the readers of JSON must agree on it, and with one that was written for tests alone; none
// may crash on anything. What is a record says the same texts to each, halves of surrogate pairs as U+FFFD.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.h"
#include "event/batch.h"
#include "event/field_plan.h"
#include "event/json_check.h"
#include "event/json_record.h"
#include "event/json_split.h"
#include "event/json_visit.h"
#include "event/record.h"
#include "plain_json.h"

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

class Nobody final : public JsonVisitor {
public:
  void on_null() override {}
  void on_boolean(bool) override {}
  void on_integer(std::int64_t) override {}
  void on_real(double) override {}
  void on_string(std::string_view value) override { require(is_utf8(value)); }
  void on_array_begin() override {}
  void on_array_end() override {}
  void on_object_begin() override {}
  void on_name(std::string_view name) override { require(is_utf8(name)); }
  void on_object_end() override {}
};

// Every reader knows the same JSON.
bool is_json(std::string_view text) {
  static JsonDocument document;
  Nobody nobody;
  const JsonExtent extent = json_extent(text);
  const bool is_whole = extent.kind == JsonExtent::Kind::whole && is_wtf8(text) &&
                        text.find_first_not_of(" \t\r\n", extent.at) == std::string_view::npos;
  require(document.visit(text, nobody).has_value() == is_whole);
  require(equipment::PlainJsonReader::read(text, json_depth_max).has_value() == is_whole);
  if (!is_whole) return false;
  std::string scratch;
  const std::string_view mended = mended_json(text, scratch);
  require(mended.size() == text.size() && json_extent(mended).at == extent.at);
  return true;
}

// Of the first member "a", where it is a text.
void require_same_text(std::string_view text, JsonReader& reader, const Value& value) {
  const auto plain = equipment::PlainJsonReader::read(text, json_depth_max);
  const equipment::PlainJson* const member = plain->find("a");
  require((member == nullptr) == (value.type == Value::Type::missing));
  if (member == nullptr || member->kind != equipment::PlainJson::Kind::text) return;
  require(value.type == Value::Type::string && value.text == member->text && reader.text("a") == member->text);
}

// What is journaled comes back as it was.
void require_kept(std::string_view text, bool is_record, bool is_record_wtf8) {
  RecordView record;
  record.feed = "activities";
  record.id = "id";
  record.raw = text;
  record.is_quarantined = !is_record;
  record.is_wtf8 = is_record_wtf8;
  Batch batch;
  require(batch.add(record).has_value());
  require(batch[0].raw == text && batch[0].is_quarantined == !is_record && batch[0].is_wtf8 == is_record_wtf8);
  (void)quarantine_reason(text);
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
  const bool begins_object =
      text.find_first_not_of(" \t\r\n") != std::string_view::npos && text[text.find_first_not_of(" \t\r\n")] == '{';
  require(is_record == (is_json(text) && begins_object));
  require_kept(text, is_record, is_record && reader.is_wtf8());
  if (!is_record) return 0;
  require_same_text(text, reader, (*values)[0]);
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
