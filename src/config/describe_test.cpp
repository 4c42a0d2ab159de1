#include "config/describe.h"

#include <gtest/gtest.h>

namespace capstan::config {
namespace {

struct Auth {
  enum class Method { oauth2, token } method = Method::oauth2;
  Secret secret;
};
struct Options {
  std::string address;
  Duration interval = std::chrono::minutes(1);
  bool on = false;
  Auth auth;
};

std::vector<OptionDescription> described() {
  Schema<Auth> auth;
  auth.choice("method", &Auth::method, {{"oauth2", Auth::Method::oauth2}, {"token", Auth::Method::token}}, "how");
  auth.option("secret", &Auth::secret, "the proof");
  Schema<Options> s;
  s.option("address", &Options::address, "where to | from").required().example("siem.example:514");
  s.option("interval", &Options::interval, "how often");
  s.option("on", &Options::on, "whether");
  s.object("auth", &Options::auth, auth, "who");
  return s.options();
}

TEST(Describe, HelpNamesEveryOptionWithItsDefault) {
  const std::string text = help_text(described());
  EXPECT_TRUE(text.contains("address   where to | from [text] (required)")) << text;
  EXPECT_TRUE(text.contains("interval  how often [duration] (default: 1m)")) << text;
  EXPECT_TRUE(text.contains("    method  how [oauth2 | token] (default: oauth2)")) << text;
}

TEST(Describe, HelpKeepsToItsWidth) {
  OptionDescription wordy;
  wordy.name = "x";
  wordy.type = "text";
  for (int i = 0; i < 60; ++i) wordy.help += "word ";
  const std::string text = help_text({wordy}, 60);
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    EXPECT_LE(text.find('\n', at) - at, 60U) << text;
}

TEST(Describe, TableEscapesItsOwnBars) {
  const std::string table = markdown_table(described());
  EXPECT_TRUE(table.contains("| `address` | text | required | where to \\| from, such as `siem.example:514` |"))
      << table;
  EXPECT_TRUE(table.contains("| `auth.method` | oauth2 \\| token | `oauth2` | how |")) << table;
}

TEST(Describe, SchemaSaysWhatTheParserTakes) {
  const std::string schema = json_schema(described(), "type", "syslog");
  EXPECT_TRUE(schema.contains(R"("type":{"const":"syslog"})")) << schema;
  EXPECT_TRUE(schema.contains(R"("required":["type","address"])")) << schema;
  EXPECT_TRUE(schema.contains(R"("enum":["oauth2","token"])")) << schema;
  EXPECT_TRUE(schema.contains(R"("additionalProperties":false)")) << schema;
  EXPECT_TRUE(schema.contains(R"("secret":{"description":"the proof","type":"string","pattern":"\\$\\{)")) << schema;
}

TEST(Describe, IndentationChangesNothingButBlanks) {
  EXPECT_EQ(indented_json(R"({"a":[1,"x, {y}: \"z"],"b":{},"c":[]})"),
            "{\n  \"a\": [\n    1,\n    \"x, {y}: \\\"z\"\n  ],\n  \"b\": {},\n  \"c\": []\n}\n");
}

}  // namespace
}  // namespace capstan::config
