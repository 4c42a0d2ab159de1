#include "kql/schemas.h"

#include <gtest/gtest.h>

#include <set>

#include "kql/program.h"

namespace capstan::kql {
namespace {

TEST(Schemas, DescribeTheFeedsAndTheTablesOfAzure) {
  for (const std::string_view name : {"activities", "alerts", "entities", "subnets", "files"}) {
    const NamedSchema* feed = find_schema(name);
    ASSERT_NE(feed, nullptr) << name;
    EXPECT_TRUE(feed->schema.is_open) << "the service adds members without asking";
    EXPECT_TRUE(feed->schema.find("_id").has_value());
  }
  for (const std::string_view name : {"CloudAppEvents", "CommonSecurityLog", "Syslog", "McasShadowItReporting"}) {
    ASSERT_NE(find_schema(name), nullptr) << name;
    EXPECT_FALSE(find_schema(name)->schema.is_open) << name;
  }
  EXPECT_EQ(find_schema("nothing"), nullptr);
}

TEST(Schemas, NameEachColumnOnceAndTypeIt) {
  for (const NamedSchema& named : named_schemas()) {
    std::set<std::string> seen;
    for (const Column& column : named.schema.columns) {
      EXPECT_TRUE(seen.insert(column.name).second) << named.name << "." << column.name;
      EXPECT_FALSE(column.name.empty()) << named.name;
      EXPECT_TRUE(!column.is_epoch_ms || column.type == Type::datetime) << named.name << "." << column.name;
    }
    EXPECT_GT(seen.size(), 8U) << named.name;
  }
  const Schema& activities = find_schema("activities")->schema;
  const Column& timestamp = activities.columns[activities.find("timestamp").value()];
  EXPECT_EQ(timestamp.type, Type::datetime);
  EXPECT_TRUE(timestamp.is_epoch_ms);
  EXPECT_EQ(timestamp.note, "when it happened");
}

TEST(Schemas, OfSeveralFeedsAgreeOrAreDynamic) {
  const std::vector<std::string> feeds{"activities", "alerts", "entities", "unheard of"};
  const Schema all = schema_of_feeds(feeds);
  EXPECT_TRUE(all.is_open);
  EXPECT_EQ(all.columns[all.find("timestamp").value()].type, Type::datetime);
  EXPECT_TRUE(all.find("severityValue").has_value());
  EXPECT_TRUE(all.find("_IngestTime").has_value());
  EXPECT_TRUE(compile("source | where _Feed == 'alerts' and severityValue >= 1 and timestamp > ago(1h)", all).program);
  const std::vector<std::string> both{"subnets", "files"};
  EXPECT_EQ(schema_of_feeds(both).columns[schema_of_feeds(both).find("_tid").value()].type, Type::dynamic)
      << "a number in one, text in the other";
}

TEST(Schemas, AreReadAsWritten) {
  const auto schema = parse_schema(" a:long, b : dynamic,when:datetime:ms ");
  ASSERT_TRUE(schema.has_value());
  ASSERT_EQ(schema->columns.size(), 3U);
  EXPECT_EQ(schema->columns[1].name, "b");
  EXPECT_TRUE(schema->columns[2].is_epoch_ms);
  EXPECT_TRUE(parse_schema("")->columns.empty());
  const auto said = [](std::string_view text) { return parse_schema(text).error().sentence(); };
  EXPECT_TRUE(said("a").contains("expected name:type, got \"a\""));
  EXPECT_TRUE(said("a:text").contains("got \"text\""));
  EXPECT_TRUE(said("a:long:ms").contains("behind a datetime"));
  EXPECT_TRUE(said("a:long,a:int").contains("stands twice"));
}

}  // namespace
}  // namespace capstan::kql
