// What evidence is made of: base64, Ed25519, and the days of a time zone.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include <array>
#include <random>

#include "base/base64.h"
#include "base/ed25519.h"
#include "base/time_zone.h"

namespace capstan {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// RFC 4648, section 10.
TEST(Base64, VectorsOfTheRfc) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> vectors{{{"", ""},
                                                                                  {"f", "Zg=="},
                                                                                  {"fo", "Zm8="},
                                                                                  {"foo", "Zm9v"},
                                                                                  {"foob", "Zm9vYg=="},
                                                                                  {"fooba", "Zm9vYmE="},
                                                                                  {"foobar", "Zm9vYmFy"}}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
}

TEST(Base64, OnlyOneTextMeansTheSameBytes) {
  std::mt19937 random{3};
  for (std::size_t size = 0; size < 200; ++size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const std::string text = to_base64(bytes);
    ASSERT_EQ(from_base64(text), bytes);
    for (std::size_t at = 0; at < text.size(); ++at) {
      std::string other = text;
      other[at] = static_cast<char>(random());
      const auto back = from_base64(other);
      ASSERT_TRUE(other == text || !back || *back != bytes) << text << " " << other;
    }
  }
  for (const std::string_view wrong : {"Z", "Zg", "Zg=", "Zh==", "Zg==Zg==", "Zm9 v", "Zm9v\n", "===="})
    EXPECT_FALSE(from_base64(wrong)) << wrong;
}

// RFC 8032, section 7.1, test 2: the key in PKCS #8, its message and its signature.
constexpr std::string_view private_pem =
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n"
    "-----END PRIVATE KEY-----\n";

TEST(Ed25519, SignsAsTheRfcAndRefusesEverythingElse) {
  const SigningKey key = SigningKey::from_pem(Secret(std::string(private_pem))).value();
  const std::string signature = key.sign("r");
  EXPECT_EQ(to_base64(signature),
            "kqAJqfDUyrhyDoILX2QlQKKye1QWUD+Ps3YiI+vbadoIWsHkPhWZbkWPNhPQ8R2MOHsurrQwKu6wDSkWErsMAA==");
  const VerifyingKey other_half = VerifyingKey::from_pem(private_pem).value();
  EXPECT_EQ(other_half.fingerprint(), key.fingerprint());
  EXPECT_EQ(key.fingerprint().size(), 64U);
  EXPECT_TRUE(other_half.accepts("r", signature));
  EXPECT_FALSE(other_half.accepts("s", signature));
  EXPECT_FALSE(other_half.accepts("r", signature.substr(1)));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    std::string wrong = signature;
    wrong[i] ^= 1;
    EXPECT_FALSE(other_half.accepts("r", wrong));
  }
  EXPECT_FALSE(SigningKey::from_pem(Secret("no key")));
  EXPECT_FALSE(VerifyingKey::from_pem("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
}

class TimeZoneTest : public testing::Test {
protected:
  void SetUp() override {
    if (!files_.exists("/usr/share/zoneinfo/Europe/Amsterdam").value_or(false))
      GTEST_SKIP() << "this machine has no time zone files (package tzdata)";
  }
  TimeZone zone(std::string_view name) {
    auto loaded = TimeZone::load(files_, name);
    if (!loaded) ADD_FAILURE() << loaded.error().text();
    return loaded.value_or(TimeZone::utc());
  }
  static Timestamp utc(std::string_view text) { return parse_iso8601(text).value(); }
  static std::chrono::year_month_day date(std::string_view text) { return parse_date(text).value(); }
  PosixFileSystem files_;
};

TEST_F(TimeZoneTest, DaysOf23And25Hours) {
  const TimeZone amsterdam = zone("Europe/Amsterdam");
  const auto spring = amsterdam.day(date("2026-03-29"));
  EXPECT_EQ(spring.begin, utc("2026-03-28T23:00:00Z"));
  EXPECT_EQ(spring.end - spring.begin, hours(23));
  const auto autumn = amsterdam.day(date("2026-10-25"));
  EXPECT_EQ(autumn.begin, utc("2026-10-24T22:00:00Z"));
  EXPECT_EQ(autumn.end - autumn.begin, hours(25));
  EXPECT_EQ(amsterdam.day(date("2026-11-03")).end - amsterdam.day(date("2026-11-03")).begin, hours(24));
  EXPECT_EQ(amsterdam.to_text(utc("2026-10-25T00:30:00Z")), "2026-10-25T02:30:00+02:00");
  EXPECT_EQ(amsterdam.to_text(utc("2026-10-25T01:30:00Z")), "2026-10-25T02:30:00+01:00");
  // Half an hour of summer time, and a change at midnight, where the day begins at one.
  const TimeZone lord_howe = zone("Australia/Lord_Howe");
  EXPECT_EQ(lord_howe.day(date("2026-04-05")).end - lord_howe.day(date("2026-04-05")).begin, hours(24) + minutes(30));
  const TimeZone beirut = zone("Asia/Beirut");
  EXPECT_EQ(beirut.day(date("2026-03-29")).end - beirut.day(date("2026-03-29")).begin, hours(23));
  EXPECT_EQ(beirut.to_text(beirut.day(date("2026-03-29")).begin), "2026-03-29T01:00:00+03:00");
  const TimeZone kathmandu = zone("Asia/Kathmandu");
  EXPECT_EQ(kathmandu.day(date("2026-11-03")).begin, utc("2026-11-02T18:15:00Z"));
}

TEST_F(TimeZoneTest, EveryDayTouchesTheNext) {
  for (const std::string_view name : {"UTC", "Europe/Amsterdam", "America/Sao_Paulo", "Pacific/Apia", "Africa/Cairo",
                                      "Asia/Tehran", "Europe/Dublin", "Africa/Casablanca"}) {
    const TimeZone one = zone(name);
    auto before = one.day(date("2005-01-01"));
    for (auto day = std::chrono::sys_days(date("2005-01-02")); day < std::chrono::sys_days(date("2045-01-01"));
         day += std::chrono::days(1)) {
      const auto now = one.day(day);
      ASSERT_EQ(now.begin, before.end) << name << " " << to_string(std::chrono::year_month_day(day));
      before = now;
    }
  }
}

// The C library reads the same files in its own way.
TEST_F(TimeZoneTest, OffsetsAreThoseOfTheCLibrary) {
  std::mt19937_64 random{5};
  for (const char* const name :
       {"Europe/Amsterdam", "America/New_York", "America/St_Johns", "Asia/Tehran", "Australia/Sydney", "Europe/Dublin",
        "America/Santiago", "Africa/Casablanca", "Asia/Kolkata", "Pacific/Chatham", "Asia/Gaza", "Etc/GMT+5"}) {
    const TimeZone ours = zone(name);
    ASSERT_EQ(::setenv("TZ", name, 1), 0);
    ::tzset();
    for (int i = 0; i < 5000; ++i) {
      const auto seconds = static_cast<std::time_t>(random() % (120ULL * 366 * 86400));  // 1970 to 2090
      struct tm local{};
      ASSERT_NE(::localtime_r(&seconds, &local), nullptr);
      ASSERT_EQ(ours.offset_at(Timestamp(std::chrono::seconds(seconds))).count(), local.tm_gmtoff)
          << name << " " << seconds;
    }
  }
  ::unsetenv("TZ");
  ::tzset();
}

TEST_F(TimeZoneTest, WhatIsNoZoneIsSaid) {
  for (const std::string_view name :
       {"Europe/Amsterdm", "../../etc/passwd", "/etc/passwd", "", "tzdata.zi", "Europe"}) {
    const auto loaded = TimeZone::load(files_, name);
    ASSERT_FALSE(loaded) << name;
    EXPECT_EQ(loaded.error().code(), ErrorCode::wrong_value);
  }
}

TEST(Dates, OnlyWholeDates) {
  EXPECT_EQ(to_string(parse_date("2026-11-03").value()), "2026-11-03");
  for (const std::string_view wrong : {"2026-11-3", "2026-13-01", "2026-02-29", "20261103", "2026-11-03T00:00", ""})
    EXPECT_FALSE(parse_date(wrong)) << wrong;
  EXPECT_EQ(TimeZone::utc().day(parse_date("2028-02-29").value()).end, parse_iso8601("2028-03-01T00:00:00Z"));
}

}  // namespace
}  // namespace capstan
