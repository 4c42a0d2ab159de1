#include "runtime/route_identity.h"

#include <gtest/gtest.h>

namespace capstan::runtime {
namespace {

RoutePlan route() {
  RoutePlan plan;
  plan.name = "to_siem";
  plan.sink_name = "siem";
  plan.sink_kind = "syslog";
  for (const auto& [name, value] : {std::pair{"query", "source | where a"},
                                    {"encode.format", "cef"},
                                    {"to", "siem"},
                                    {"from", "mdca"},
                                    {"batch.max_events", "5"},
                                    {"sink siem: address", "\"siem.example:6514\""},
                                    {"sink siem: transport", "tls"},
                                    {"source mdca: feeds", "alerts"}})
    plan.facts[name].value = value;
  return plan;
}

TEST(RouteIdentity, destination_is_the_address_as_it_is_written) {
  RoutePlan plan = route();
  EXPECT_EQ(destination_of(plan), "syslog tls://siem.example:6514");
  plan.facts.erase("sink siem: transport");
  EXPECT_EQ(destination_of(plan), "syslog siem.example:6514");
  plan.sink_kind = "file";
  plan.facts = {};
  plan.facts["sink siem: path"].value = R"("/var/log/a \"b\" \\c")";
  EXPECT_EQ(destination_of(plan), R"(file /var/log/a "b" \c)");
  plan.sink_kind = "stdout";
  plan.facts = {};
  EXPECT_EQ(destination_of(plan), "stdout");
}

TEST(RouteIdentity, digest_is_of_what_makes_messages_and_of_nothing_else) {
  const std::string digest = rule_digest(route());
  EXPECT_EQ(digest.size(), 64U);
  for (const char* name : {"to", "from", "batch.max_events", "sink siem: address"}) {
    RoutePlan plan = route();
    plan.facts[name].value = "another";
    EXPECT_EQ(rule_digest(plan), digest) << name;
  }
  for (const char* name : {"query", "encode.format", "source mdca: feeds", "file rules/a.kql", "table offices: file"}) {
    RoutePlan plan = route();
    plan.facts[name].value = "another";
    EXPECT_NE(rule_digest(plan), digest) << name;
  }
}

TEST(RouteIdentity, configuration_digest_is_of_all_parts_in_any_order) {
  Plan plan;
  plan.facts["journal.max_bytes"].value = "1GiB";
  plan.sinks.push_back({"a", {{"address", Fact{"x", {}}}}});
  plan.sinks.push_back({"b", {{"address", Fact{"y", {}}}}});
  const std::string digest = configuration_digest(plan);
  std::swap(plan.sinks[0], plan.sinks[1]);
  EXPECT_EQ(configuration_digest(plan), digest);
  plan.sinks[0].facts["address"].value = "z";
  EXPECT_NE(configuration_digest(plan), digest);
}

}  // namespace
}  // namespace capstan::runtime
