// Functions that use what the configuration lends: with it, and without.
#include "kql/environment.h"

#include <gtest/gtest.h>

#include "kql/record_run.h"

namespace capstan::kql {
namespace {

Schema schema() {
  return {{{"s", Type::string, false, {}},
           {"n", Type::long_integer, false, {}},
           {"t", Type::datetime, false, {}},
           {"d", Type::dynamic, false, {}}},
          true};
}

Environment with_secrets() {
  Environment environment;
  environment.secrets = std::make_shared<const Secrets>(
      Secrets{{"people", Secret("a key that nobody guesses")}, {"hosts", Secret("another one of them")}});
  return environment;
}

// What comes out of one record, or the first complaint with its place.
std::string ask(std::string_view query, const Environment& environment, std::string_view record = "{}") {
  const Compiled compiled = compile(query, schema(), environment);
  if (!compiled.program) return render(compiled.diagnostics.all().front(), "q", query);
  std::string raw(record);
  raw.reserve(raw.size() + raw_padding);
  RecordView view;
  view.raw = raw;
  RecordRun run(compiled.program);
  const auto rows = run.rows(view, {});
  if (!rows) return rows.error().text();
  return rows->empty() ? std::string{} : std::string(rows->front());
}

// From openssl dgst -sha256 -hmac.
constexpr std::string_view ann = "f1777e2a58cea02f4b8ac486b69dfe2374d04bc455dad4fbc62d98cb415b6e7d";
constexpr std::string_view ann_by_hosts = "b3da00e87dcf2a4770584668a8d24cf2254ac5fa83941fc43f150fbc16887ffb";

TEST(Hmac, GivesLowerCaseHex) {
  EXPECT_EQ(ask("source | project v = hmac_sha256(s, 'people')", with_secrets(), R"({"s":"ann"})"),
            "{\"v\":\"" + std::string(ann) + "\"}");
}

TEST(Hmac, OfAnotherSecretIsAnother) {
  EXPECT_EQ(ask("source | project v = hmac_sha256(s, 'hosts')", with_secrets(), R"({"s":"ann"})"),
            "{\"v\":\"" + std::string(ann_by_hosts) + "\"}");
}

TEST(Hmac, LeavesWhatIsNotThere) {
  EXPECT_EQ(ask("source | project v = hmac_sha256(s, 'people'), w = hmac_sha256(d, 'people'), "
                "x = hmac_sha256(n, 'people')",
                with_secrets()),
            R"({"v":"","w":null,"x":""})");
}

TEST(Hmac, ReplacesEveryTextInsideADynamicValueAndKeepsItsShape) {
  const std::string p(ann);
  EXPECT_EQ(ask("source | project v = hmac_sha256(d, 'people')", with_secrets(),
                R"({"d":{"ann":"ann","n":1,"b":true,"r":1.5,"nil":null,"none":"","list":["ann",{"deep":["ann",2]}]}})"),
            R"({"v":{"ann":")" + p + R"(","n":1,"b":true,"r":1.5,"nil":null,"none":"","list":[")" + p +
                R"(",{"deep":[")" + p + R"(",2]}]}})");
}

TEST(Hmac, OfADynamicTextIsADynamicText) {
  EXPECT_EQ(ask("source | project v = gettype(hmac_sha256(d.who, 'people'))", with_secrets(), R"({"d":{"who":"ann"}})"),
            R"({"v":"string"})");
}

TEST(Hmac, TakesOtherScalarsAsTheirText) {
  EXPECT_EQ(ask("source | where hmac_sha256(n, 'people') == hmac_sha256('7', 'people') and "
                "hmac_sha256(t, 'people') == hmac_sha256('2026-01-02T00:00:00.0000000Z', 'people') | project n",
                with_secrets(), R"({"n":7,"t":"2026-01-02"})"),
            R"({"n":7})");
}

TEST(Hmac, RefusesAnUnknownSecretAtItsPlace) {
  const std::string said = ask("source | extend v = hmac_sha256(s, 'peopel')", with_secrets());
  EXPECT_TRUE(said.starts_with("q:1:36: there is no secret \"peopel\"; did you mean \"people\"? [E6002]")) << said;
}

TEST(Hmac, SaysWhatToConfigureWhereThereAreNoSecrets) {
  const std::string said = ask("source | extend v = hmac_sha256(s, 'people')", {});
  EXPECT_TRUE(said.contains("none is configured; name one under \"secrets\", or behind --secret")) << said;
}

TEST(Hmac, TakesAConstantNameOnly) {
  const std::string said = ask("source | extend v = hmac_sha256('ann', s)", with_secrets());
  EXPECT_TRUE(said.contains("expected a secret's name as a constant text")) << said;
  EXPECT_TRUE(ask("source | extend v = hmac_sha256(s)", with_secrets()).contains("got 1 argument [")) << said;
}

TEST(Hmac, IsNotPortable) {
  const Compiled compiled = compile("source | extend v = hmac_sha256(s, 'people')", schema(), with_secrets());
  ASSERT_TRUE(compiled.program);
  ASSERT_EQ(compiled.program->not_portable().size(), 1U);
  EXPECT_TRUE(compiled.program->not_portable().front().sentence.contains("hmac_sha256"));
}

}  // namespace
}  // namespace capstan::kql
