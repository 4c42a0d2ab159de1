// Functions that use what the configuration lends: with it, and without.
#include "kql/environment.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "kql/record_run.h"
#include "place_database.h"

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

using equipment::PlaceDatabase;

const PlaceDatabase::Known sydney{"Oceania", "Australia", "New South Wales", "Sydney", -33.5, 151.25};
const PlaceDatabase::Known miami{"North America", "United States", "Florida", "Miami", 25.75, -80.125};
const PlaceDatabase::Known somewhere{"", "Sealand", "", "", 0, 0, false};

class PlacesTest : public testing::Test {
protected:
  PlacesTest() : path_(testing::TempDir() + "/places_" + std::to_string(::getpid()) + ".mmdb") {
    PlaceDatabase database;
    database.add_ipv4(0xCB007100, 24, sydney);     // 203.0.113.0/24
    database.add_ipv4(0xC6336400, 24, somewhere);  // 198.51.100.0/24
    database.add_ipv6({0x20, 0x01, 0x0d, 0xb8, 0x00, 0x01}, 48, miami);
    database.write(path_);
  }
  ~PlacesTest() override { std::filesystem::remove(path_); }

  Environment environment(Duration reload = std::chrono::minutes(1)) const {
    auto places = Places::open(path_, reload);
    EXPECT_TRUE(places.has_value());
    Environment made;
    if (places.has_value()) made.places = *places;
    return made;
  }

  std::string path_;
};

TEST_F(PlacesTest, GiveWhatKustoNames) {
  EXPECT_EQ(ask("source | project v = geo_info_from_ip_address(s)", environment(), R"({"s":"203.0.113.7"})"),
            R"({"v":{"country":"Australia","state":"New South Wales","city":"Sydney","latitude":-33.5,)"
            R"("longitude":151.25}})");
}

TEST_F(PlacesTest, GiveWhatADataCollectionRuleNames) {
  EXPECT_EQ(ask("source | project v = geo_location(s)", environment(), R"({"s":"2001:db8:1::25"})"),
            R"({"v":{"Country":"United States","Region":"North America","State":"Florida","City":"Miami",)"
            R"("Latitude":25.75,"Longitude":-80.125}})");
}

TEST_F(PlacesTest, LeaveOutWhatIsNotKnown) {
  EXPECT_EQ(ask("source | project v = geo_location(s)", environment(), R"({"s":"198.51.100.255"})"),
            R"({"v":{"Country":"Sealand"}})");
}

TEST_F(PlacesTest, AreNullForOtherAddressesAndForWhatIsNone) {
  for (const std::string_view text : {"203.0.114.1", "10.0.0.1", "2001:db8:2::1", "203.0.113.0/24", "nonsense", ""})
    EXPECT_EQ(ask("source | project v = geo_location(s)", environment(), R"({"s":")" + std::string(text) + R"("})"),
              R"({"v":null})")
        << text;
}

TEST_F(PlacesTest, KnowAMappedAddress) {
  EXPECT_EQ(ask("source | project v = geo_location('::ffff:203.0.113.7').City", environment()), R"({"v":"Sydney"})");
}

TEST_F(PlacesTest, TakeADynamicAddress) {
  EXPECT_EQ(ask("source | project v = geo_location(d.ip).City", environment(), R"({"d":{"ip":"203.0.113.7"}})"),
            R"({"v":"Sydney"})");
}

TEST_F(PlacesTest, TakeANewFileWhenItIsTime) {
  const Environment lent = environment(std::chrono::minutes(1));
  const auto city = [&](std::int64_t seconds) {
    std::string found;
    lent.places->find("203.0.113.7", ticks_of_1970 + seconds * ticks_per_second,
                      [&](const Place& place) { found = place.city; });
    return found;
  };
  EXPECT_EQ(city(1000), "Sydney");
  PlaceDatabase other;
  other.add_ipv4(0xCB007100, 24, miami);
  other.write(path_ + ".new");
  std::filesystem::rename(path_ + ".new", path_);
  EXPECT_EQ(city(1059), "Sydney");
  EXPECT_EQ(city(1060), "Miami");
  // What is no database changes nothing.
  std::ofstream(path_ + ".new") << "nonsense";
  std::filesystem::rename(path_ + ".new", path_);
  EXPECT_EQ(city(1200), "Miami");
  std::filesystem::remove(path_);
  EXPECT_EQ(city(1300), "Miami");
}

TEST_F(PlacesTest, RefuseAFileThatIsNone) {
  const auto gone = Places::open(path_ + ".gone", std::chrono::minutes(1));
  ASSERT_FALSE(gone.has_value());
  EXPECT_TRUE(gone.error().text().contains("No such file")) << gone.error().text();
  std::ofstream(path_ + ".txt") << "nonsense";
  const auto nonsense = Places::open(path_ + ".txt", std::chrono::minutes(1));
  std::filesystem::remove(path_ + ".txt");
  ASSERT_FALSE(nonsense.has_value());
  EXPECT_TRUE(nonsense.error().text().contains("expected a MaxMind DB file")) << nonsense.error().text();
}

TEST_F(PlacesTest, ArePortableByOneNameOnly) {
  const auto notes = [&](std::string_view query) {
    const Compiled compiled = compile(query, schema(), environment());
    return compiled.program ? compiled.program->not_portable().size() : 99;
  };
  EXPECT_EQ(notes("source | extend v = geo_location(s)"), 0U);
  EXPECT_EQ(notes("source | extend v = geo_info_from_ip_address(s)"), 1U);
}

TEST_F(PlacesTest, AreRefusedByNameWhereThereIsNoDatabase) {
  const std::string said = ask("source | extend v = geo_info_from_ip_address(s)", {});
  EXPECT_TRUE(said.contains("none is configured; name a MaxMind DB file under \"geo\", or behind --geo")) << said;
  EXPECT_TRUE(ask("source | extend v = geo_location(n)", environment()).contains("expected text"));
  EXPECT_TRUE(ask("source | extend v = geo_location()", environment()).contains("takes 1 argument, got 0"));
}

}  // namespace
}  // namespace capstan::kql
