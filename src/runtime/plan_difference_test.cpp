#include "runtime/plan_difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.h"
#include "config/document.h"

namespace capstan::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Kind = PartDifference::Kind;

Facts facts(const std::string& yaml, const std::string& secret = "s3cret") {
  PosixFileSystem files;
  const config::References references{.environment = [&](const std::string&) { return secret; }, .files = &files};
  config::Findings findings;
  return facts_of(config::parse(yaml, "capstan.yaml", references, findings));
}

TEST(PlanFacts, layout_and_order_do_not_matter) {
  EXPECT_THAT(differing(facts("a: 1\nb: {c: [x, y], d: 2}\n"), facts("b:\n  d: 2\n  c:\n    - x\n    - y\na: 1\n")),
              IsEmpty());
}

TEST(PlanFacts, every_other_difference_is_named) {
  EXPECT_THAT(differing(facts("a: 1\nb: {c: [x, y], d: 2}\n"), facts("a: 1\nb: {c: [y, x], d: 3}\ne: 4\n")),
              ElementsAre("b.c", "b.d", "e"));
  EXPECT_THAT(differing(facts("a: {}\n"), facts("a: []\n")), ElementsAre("a"));
  EXPECT_THAT(differing(facts("a: ['x,y']\n"), facts("a: [x, y]\n")), ElementsAre("a"));
  EXPECT_THAT(differing(facts("a: [{b: 1}]\n"), facts("a: [{b: 2}]\n")), ElementsAre("a"));
}

TEST(PlanFacts, a_secret_is_compared_and_never_there) {
  const std::string yaml = "password: 'x${env:P}'\n";
  EXPECT_THAT(differing(facts(yaml), facts(yaml)), IsEmpty());
  EXPECT_THAT(differing(facts(yaml), facts(yaml, "another")), ElementsAre("password"));
  const Facts with_secret = facts(yaml);
  for (const auto& [name, fact] : with_secret) EXPECT_THAT(fact.value, Not(HasSubstr("s3cret")));
}

PlanOutline plan() {
  PlanOutline outline;
  outline.data_dir = "/data";
  outline.tenants = {{"contoso", facts("api_url: x\n")}};
  outline.sources = {{"one", facts("type: mdca\n")}, {"two", facts("type: mdca\n")}};
  outline.sinks = {{"siem", facts("address: a\n")}};
  outline.routes = {{"road", facts("from: one\nto: siem\n")}};
  outline.facts = facts("data_dir: /data\njournal:\n  max_bytes: 1GiB\n");
  return outline;
}

TEST(PlanDifference, equal_plans_keep_everything) {
  const PlanDifference same = difference(plan(), plan());
  EXPECT_TRUE(same.is_empty());
  EXPECT_EQ(summary(same), "nothing changed; 6 parts kept");
  EXPECT_EQ(to_text(same), "");
}

TEST(PlanDifference, names_what_comes_goes_and_changes) {
  PlanOutline wanted = plan();
  wanted.sources = {{"two", facts("type: mdca\ninterval: 5s\n")}, {"three", {}}};
  wanted.routes.push_back({"second", {}});
  wanted.log.level = log::Level::debug;
  const PlanDifference found = difference(plan(), wanted);
  EXPECT_FALSE(found.is_empty());
  EXPECT_EQ(found.of(Kind::source, "one"), Change::removed);
  EXPECT_EQ(found.of(Kind::source, "two"), Change::changed);
  EXPECT_EQ(found.of(Kind::source, "three"), Change::added);
  EXPECT_EQ(found.of(Kind::route, "road"), Change::kept);
  EXPECT_EQ(summary(found),
            "1 source added, 1 route added, 1 source changed, 1 log changed, 1 source removed; "
            "3 parts kept");
  EXPECT_EQ(to_text(found),
            "  changed source two: interval\n  added source three\n  removed source one\n  added route second\n"
            "  changed log: level\n");
  EXPECT_THAT(to_json(found), HasSubstr(R"({"kind":"source","name":"two","change":"changed","options":["interval"]})"));
}

TEST(PlanDifference, what_cannot_change_is_a_finding_at_its_place) {
  EXPECT_THAT(needs_restart(plan(), plan()).all(), IsEmpty());
  PlanOutline wanted = plan();
  wanted.data_dir = "/other";
  wanted.journal.max_bytes = 5_GiB;
  wanted.api.listen = "127.0.0.1:1";
  const config::Findings findings = needs_restart(plan(), wanted);
  ASSERT_EQ(findings.all().size(), 3U);
  EXPECT_EQ(
      config::to_string(findings.all()[0]),
      "capstan.yaml:1:11: data_dir: it cannot change while Capstan runs; put it back, or restart Capstan [E1019]");
  EXPECT_THAT(config::to_string(findings.all()[1]), HasSubstr("capstan.yaml:3:14: journal.max_bytes: "));
  EXPECT_THAT(config::to_string(findings.all()[2]), HasSubstr("api.listen: "));
}

}  // namespace
}  // namespace capstan::runtime
