// The rows that records of the subnets feed make.
#include "kql/subnets.h"

#include <gtest/gtest.h>

#include "kql/table_text.h"

namespace capstan::kql {
namespace {

std::string rows(std::string raw, std::string_view id = "s-1") {
  raw.reserve(raw.size() + raw_padding);
  RecordView record;
  record.raw = raw;
  record.id = id;
  return subnet_rows(record, "contoso", "mdca");
}

// The ranges alone, a blank between them.
std::string ranges(const std::string& subnets) {
  const std::string text = rows("{\"subnets\":" + subnets + "}");
  const auto table = read_table({"subnets", text, TableFormat::ndjson, subnet_columns()});
  if (!table) return table.error().sentence();
  std::string all;
  for (std::size_t i = 0; i < (*table)->size(); ++i)
    all += (all.empty() ? "" : " ") + std::string((*table)->row(i)[0].text);
  return all;
}

TEST(Subnets, EveryRangeOfARecordIsARow) {
  EXPECT_EQ(rows(R"({"_id":"s-1","name":"HQ \"north\"","subnets":[
        {"mask":104,"address":"0000:0000:0000:0000:0000:ffff:0a00:0000","originalString":"10.0.0.0/8"},
        {"mask":128,"address":"0000:0000:0000:0000:0000:ffff:cb00:7107","originalString":"203.0.113.7"}],
        "location":{"countryCode":"CH"},"organization":null,"tags":[{"id":"t1","name":"Wired"},{"id":"t2"}],"category":1})"),
            R"({"range":"10.0.0.0/8","name":"HQ \"north\"","category":1,"tags":["Wired","t2"],"organization":null,)"
            R"("location":{"countryCode":"CH"},"_Id":"s-1","_Tenant":"contoso","_Source":"mdca"})"
            "\n"
            R"({"range":"203.0.113.7/32","name":"HQ \"north\"","category":1,"tags":["Wired","t2"],"organization":null,)"
            R"("location":{"countryCode":"CH"},"_Id":"s-1","_Tenant":"contoso","_Source":"mdca"})"
            "\n");
}

TEST(Subnets, ARangeIsWhatTheAdministratorWroteOrWhatTheServiceMadeOfIt) {
  EXPECT_EQ(ranges(R"([{"originalString":"197.198.192.20/16","mask":112}])"), "197.198.0.0/16");
  EXPECT_EQ(ranges(R"([{"originalString":"192.0.2.0","mask":120}])"), "192.0.2.0/24");
  EXPECT_EQ(ranges(R"([{"originalString":"2001:db8::/32","mask":32},{"originalString":"2001:db8::1","mask":128}])"),
            "2001:db8::/32 2001:db8::1/128");
  EXPECT_EQ(ranges(R"([{"address":"0000:0000:0000:0000:0000:ffff:c5c6:0000","mask":112}])"), "197.198.0.0/16");
  EXPECT_EQ(ranges(R"([{"address":"2001:0db8:0000:0000:0000:0000:0000:0000","mask":32,"originalString":"x"}])"),
            "2001:0db8:0000:0000:0000:0000:0000:0000/32");
  EXPECT_EQ(ranges(R"([{"originalString":"192.168.x.xxx/24","address":"::ffff:xxxx:xxxx","mask":120},7,null])"), "");
  EXPECT_EQ(ranges(R"([{"address":"::ffff:0:0","mask":129}])"), "");
}

TEST(Subnets, OtherRecordsMakeNone) {
  EXPECT_EQ(rows("{\"name\":\"a\"}"), "");
  EXPECT_EQ(rows("[1]"), "");
  EXPECT_EQ(rows("{\"subnets\":"), "");
  EXPECT_EQ(rows("{\"subnets\":{}}"), "");
}

}  // namespace
}  // namespace capstan::kql
