#include "json_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "event/json_record.h"
#include "row_for_test.h"

namespace capstan::encoders {
namespace {

using testing::HasSubstr;

std::string line(JsonOptions options, const TestRecord& record) {
  const JsonEncoder encoder(options);
  EXPECT_EQ(encoder.wanted(record.feed), nullptr);
  const auto out = encoded(encoder, record);
  return out ? *out : out.error().text();
}

TEST(JsonEncoder, CopiesTheBytesUntouched) {
  const std::string json = R"({ "b":9007199254740993, "Level":1,"level":1.50,"x":"\u00e9\/" , "n":null })";
  EXPECT_EQ(line({}, {.json = json}), json);
}

TEST(JsonEncoder, MakesOneLine) {
  EXPECT_EQ(line({}, {.json = "{\r\n  \"a\": \"x\\n\"\n}"}), "{    \"a\": \"x\\n\" }");
}

TEST(JsonEncoder, PutsTheRecordIntoAnEnvelope) {
  EXPECT_EQ(
      line({.envelope = true}, {.feed = "alerts", .id = "a\"1", .json = R"({"x":1})", .kind = RecordKind::updated}),
      R"({"tenant":"contoso","source":"contoso_mdca","feed":"alerts","kind":"updated","id":"a\"1",)"
      R"("event_time":"2020-07-18T18:18:33.045Z","ingest_time":"2020-07-18T18:20:00.000Z","record":{"x":1}})");
  EXPECT_THAT(line({.envelope = true}, {}), HasSubstr(R"("kind":"created")"));
}

TEST(JsonEncoder, AQuarantinedRecordIsWellFormedAndSaysWhy) {
  for (const bool envelope : {false, true}) {
    const std::string out = line({envelope}, {.json = "{\"a\":\"\xFF\n\"", .is_quarantined = true});
    EXPECT_THAT(out, HasSubstr(R"({"quarantined":true,"reason":"reading a record: at byte 6: expected UTF-8)"));
    EXPECT_THAT(out, HasSubstr("\"raw\":\"{\\\"a\\\":\\\"\xEF\xBF\xBD\\n\\\"\"}"));
    EXPECT_TRUE(JsonReader().open(out)) << out;
  }
}

TEST(JsonEncoder, AppendsToWhatIsThere) {
  std::string padded;
  const TestRecord record{.json = "{\n}"};
  const RecordView view = record.view(padded);
  std::string out = "before\n";
  ASSERT_TRUE(JsonEncoder({}).encode({view, 0, {}, "t", "s", {}}, out));
  EXPECT_EQ(out, "before\n{ }");
}

}  // namespace
}  // namespace capstan::encoders
