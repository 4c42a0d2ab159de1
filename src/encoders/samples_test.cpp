// Real records and real lines of the agent, where a checkout has them beside it: CAPSTAN_SHARED, else ../shared. They
// are not ours to carry along; without them nothing is run and the test says so.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cef_encoder.h"
#include "encoders/cef_parser.h"
#include "event/json_record.h"
#include "json_encoder.h"
#include "row_for_test.h"

namespace capstan::cef {
namespace {

std::filesystem::path samples() {
  if (const char* given = std::getenv("CAPSTAN_SHARED")) return std::filesystem::path(given) / "samples";
  // A test runs somewhere inside the checkout.
  const auto here = std::filesystem::current_path();
  for (auto folder = here; folder.has_relative_path(); folder = folder.parent_path())
    if (std::filesystem::exists(folder.parent_path() / "shared" / "samples" / "mdca"))
      return folder.parent_path() / "shared" / "samples";
  return here / "none";
}

std::vector<std::string> lines(const std::filesystem::path& path) {
  std::vector<std::string> result;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && !line.starts_with('#')) result.push_back(line);
  return result;
}

TEST(Samples, EveryLineOfTheAgentIsRead) {
  std::size_t count = 0;
  for (const char* name : {"cef/siem_agent_samples.cef", "mdca/siem_cef_lines.txt"}) {
    for (const auto& line : lines(samples() / name)) {
      if (!line.contains("CEF:0|MCAS|")) continue;
      const auto event = parse_cef(line, CefParsing::lenient);
      ASSERT_TRUE(event) << event.error().text() << "\n" << line;
      EXPECT_EQ(event->product, "SIEM_Agent");
      EXPECT_NE(event->find("externalId"), nullptr) << line;
      EXPECT_NE(event->find("cs1"), nullptr) << line;
      ++count;
    }
  }
  std::printf("%zu lines of the agent were read\n", count);
}

TEST(Samples, EveryRecordIsWrittenByEveryEncoder) {
  const CefEncoder strict{CefOptions{}};
  const CefEncoder agent{CefOptions{.profile = Profile::siem_agent}};
  const encoders::JsonEncoder json{{.envelope = true}};
  std::size_t count = 0;
  for (const char* feed : {"activities", "alerts", "entities", "files", "subnets"}) {
    for (const auto& line : lines(samples() / "mdca" / (std::string(feed) + ".ndjson"))) {
      JsonReader reader;
      ASSERT_TRUE(reader.open(line));
      const TestRecord record{.feed = feed, .id = reader.text("_id").value_or("without"), .json = line};
      const auto written = encoded(strict, record);
      ASSERT_TRUE(written) << written.error().text();
      const auto event = parse_cef(*written, CefParsing::strict);
      ASSERT_TRUE(event) << event.error().text() << "\n" << *written;
      EXPECT_EQ(*event->find("externalId"), record.id);
      ASSERT_TRUE(encoded(agent, record));
      const auto wrapped = encoded(json, record);
      ASSERT_TRUE(wrapped && reader.open(*wrapped));
      EXPECT_EQ(reader.raw("record"), line);
      ++count;
    }
  }
  std::printf("%zu records were written\n", count);
}

}  // namespace
}  // namespace capstan::cef
