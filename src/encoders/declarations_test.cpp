// The declarations of the encoders: their examples are valid, and every rule says where and why.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/document.h"
#include "encoders/cef.h"
#include "encoders/json.h"
#include "row_for_test.h"

namespace capstan::encoders {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class NoHttp final : public net::HttpClient {
public:
  Result<net::Response> send(const net::Request&, const Call&) override {
    return Error(ErrorCode::connection_failed, "an encoder asked for HTTP");
  }
};

class DeclarationsTest : public testing::Test {
protected:
  std::unique_ptr<Encoder> make(const Kind<Encoder>& kind, const std::string& yaml) {
    config::Findings findings;
    const auto node = config::parse(
        yaml, "test.yaml", {.environment = [](const std::string&) { return std::nullopt; }, .files = &files}, findings);
    World world{clock, files, http};
    auto encoder = kind.make(node, BuildContext{world, "route", [](std::string_view) { return nullptr; }}, findings);
    errors.clear();
    for (const auto& finding : findings.all()) errors.push_back(to_string(finding));
    return encoder;
  }
  void expect_refused(const Kind<Encoder>& kind, const std::string& yaml, const std::string& words) {
    EXPECT_EQ(make(kind, yaml), nullptr) << yaml;
    EXPECT_THAT(errors, ElementsAre(HasSubstr(words))) << yaml;
  }

  SystemClock clock;
  PosixFileSystem files;
  NoHttp http;
  std::vector<std::string> errors;
};

TEST_F(DeclarationsTest, examples_are_complete_and_valid) {
  for (const auto& kind : {cef_kind(), json_kind()}) {
    EXPECT_NE(make(kind, kind.example), nullptr) << kind.name;
    EXPECT_THAT(errors, IsEmpty()) << kind.name;
    EXPECT_FALSE(kind.summary.empty());
    EXPECT_TRUE(kind.example.starts_with("format: " + kind.name));
    for (const auto& option : kind.options) EXPECT_FALSE(option.help.empty()) << option.name;
  }
}

TEST_F(DeclarationsTest, cef_takes_its_options) {
  const auto encoder =
      make(cef_kind(),
           "format: cef\nprofile: siem-agent\nexact: true\nvendor: Capstan\nproduct: Hauler\ndevice_version: 9\n"
           "portal_url: https://contoso.portal.cloudappsecurity.com\n");
  ASSERT_NE(encoder, nullptr);
  const auto line = encoded(*encoder, {});
  ASSERT_TRUE(line);
  EXPECT_THAT(*line, HasSubstr("Z CEF:0|Capstan|Hauler|9|"));
  EXPECT_THAT(*line, HasSubstr("cs1=https://contoso.portal.cloudappsecurity.com/#/audits?"));
}

TEST_F(DeclarationsTest, cef_says_what_is_wrong) {
  expect_refused(cef_kind(), "format: cef\nprofile: loose\n",
                 "test.yaml:2:10: profile: expected one of strict, siem-agent");
  expect_refused(cef_kind(), "format: cef\nexact: true\n", "exact: expected profile: siem-agent with it [E1010]");
  expect_refused(cef_kind(), "format: cef\nvendor: \"\"\n", "vendor: expected one line of text");
  expect_refused(cef_kind(), "format: cef\nportal_url: contoso\n", "portal_url: expected an address such as https://");
  expect_refused(cef_kind(), "format: cef\nprofil: strict\n", "did you mean \"profile\"?");
}

TEST_F(DeclarationsTest, json_says_what_is_wrong) {
  expect_refused(json_kind(), "format: json\nenvelope: maybe\n", "envelope");
  expect_refused(json_kind(), "format: json\nenvelop: true\n", "did you mean \"envelope\"?");
}

}  // namespace
}  // namespace capstan::encoders
