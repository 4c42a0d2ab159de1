// The hot path takes nothing from the heap: counted in an operator new of this test program.
#include <gtest/gtest.h>

#include "counting_new.h"

#include "cef_encoder.h"
#include "row_for_test.h"

namespace capstan::cef {
namespace {

TEST(CefAllocation, AWarmEncoderAllocatesNothing) {
  const TestRecord tests[] = {
      {.json =
           R"({"appId":20940,"appName":"Active Directory","eventTypeName":"EVENT_CATEGORY_LOGIN","description":"Log on=\\ here",)"
           R"("user":{"userName":"somebody.with.a.long.name@example.org"},"device":{"clientIP":"2001:db8::1"},)"
           R"("mainInfo":{"eventObjects":[{"name":"one object with a long name"},{"name":"another"}]}})"},
      {.feed = "alerts",
       .json = R"({"title":"an alert with a long title","idValue":15728641,"severityValue":1,"threatScore":7,)"
               R"("entities":[{"type":"service","id":20940},{"type":"ip","id":"192.0.2.1"}]})"}};
  for (const Profile profile : {Profile::strict, Profile::siem_agent}) {
    const CefEncoder encoder{CefOptions{.profile = profile}};
    for (const TestRecord& test : tests) {
      std::string padded;
      const RecordView record = test.view(padded);
      const std::vector<std::string> feeds{test.feed};
      const auto compiled = kql::compile("", kql::schema_of_feeds(feeds), *encoder.wanted(record.feed));
      ASSERT_NE(compiled.program, nullptr);
      kql::RecordRun run(compiled.program);
      std::string out;
      std::uint64_t warm = 0;
      for (int i = 0; i < 10; ++i) {
        if (i == 1) warm = allocation_count;
        out.clear();
        const auto each = [&](std::size_t shape, std::span<const kql::Datum> cells) {
          return encoder.encode({record, shape, cells, "t", "s", {}}, out);
        };
        if (!run.cells(record, {"t", "s", {}}, each)) FAIL();
      }
      EXPECT_EQ(allocation_count, warm) << out;
    }
  }
}

}  // namespace
}  // namespace capstan::cef
