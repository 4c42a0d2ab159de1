// parse(encode(x)) gives back what was put in, whatever it was.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/text.h"
#include "cef_encoder.h"
#include "cef_keys.h"
#include "encoders/cef_parser.h"
#include "row_for_test.h"

namespace capstan::cef {
namespace {

// What a receiver should read of a text; written without the encoder's own functions.
std::string expected(std::string text, std::size_t length_max) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r') c = ' ';
  const auto strip = [&] {
    while (!text.empty() && text.front() == ' ') text.erase(0, 1);
    while (!text.empty() && text.back() == ' ') text.pop_back();
  };
  strip();
  if (text.size() > length_max) {
    std::size_t end = length_max;
    while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text.resize(end);
    strip();
  }
  return text;
}

std::string random_text(std::mt19937_64& random, std::size_t characters) {
  static const std::vector<std::string> pieces = {
      "\\",   "=",    "|",    "\r", "\n", "\r\n", "\t",  std::string(1, '\0'),
      "\x01", "\x1f", "\x7f", " ",  "  ", "a",    "Z9",  "é",
      "ß",    "€",    "漢",   "😀", "\"", "\\n",  "\\=", " k=",
      "CEF:", ",",    "#",    "%"};
  std::string text;
  for (std::size_t i = 0; i < characters; ++i) text += pieces[random() % pieces.size()];
  return text;
}

TEST(CefRoundTrip, GivesBackRandomValues) {
  std::mt19937_64 random(20'261'124);
  const CefEncoder strict{CefOptions{}};
  for (int round = 0; round < 3000; ++round) {
    const std::size_t length = random() % 8 == 0 ? 2000 : random() % 30;
    const std::map<std::string, std::string> texts = {{"msg", random_text(random, length)},
                                                      {"suser", random_text(random, length)},
                                                      {"destinationServiceName", random_text(random, length)},
                                                      {"requestClientApplication", random_text(random, length)}};
    const auto quoted = [&](const char* key) { return json_quote(texts.at(key)); };
    const std::string signature = random_text(random, 5);
    const TestRecord record{.id = "id" + std::to_string(round),
                            .json = R"({"eventTypeName":)" + json_quote(signature) + R"(,"description":)" +
                                    quoted("msg") + R"(,"appName":)" + quoted("destinationServiceName") +
                                    R"(,"user":{"userName":)" + quoted("suser") + R"(},"device":{"userAgent":)" +
                                    quoted("requestClientApplication") + "}}"};
    const auto line = encoded(strict, record);
    ASSERT_TRUE(line) << line.error().text();
    ASSERT_EQ(line->find_first_of("\r\n"), std::string::npos);
    ASSERT_TRUE(is_utf8(*line));
    const auto event = parse_cef(*line, CefParsing::strict);
    ASSERT_TRUE(event) << event.error().text() << "\n" << *line;
    for (const auto& [key, text] : texts) {
      const std::string* value = event->find(key);
      ASSERT_EQ(value == nullptr ? "" : *value, expected(text, rules_of_key(key).length_max)) << key;
    }
    ASSERT_EQ(*event->find("externalId"), record.id);
  }
}

TEST(CefRoundTrip, TheAgentsProfileCutsNothing) {
  std::mt19937_64 random(1);
  const CefEncoder agent{CefOptions{.profile = Profile::siem_agent}};
  constexpr std::size_t ten_megabytes = 10'000'000;
  std::string text;
  while (text.size() < ten_megabytes) text += "x" + random_text(random, 1000) + "x";
  const TestRecord record{.json = R"({"description":)" + json_quote(text) + "}"};
  const auto line = encoded(agent, record);
  ASSERT_TRUE(line);
  const auto event = parse_cef(*line, CefParsing::lenient);
  ASSERT_TRUE(event);
  EXPECT_EQ(*event->find("msg"), expected(text, encoders::no_limit));
}

TEST(CefRoundTrip, ATenMegabyteRecordIsOneShortLineInStrict) {
  const CefEncoder strict{CefOptions{}};
  const TestRecord record{.json = R"({"description":")" + std::string(10'000'000, '=') + R"("})"};
  const auto line = encoded(strict, record);
  ASSERT_TRUE(line);
  EXPECT_LT(line->size(), 4000U);
}

}  // namespace
}  // namespace capstan::cef
