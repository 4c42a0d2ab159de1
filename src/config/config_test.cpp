#include <gtest/gtest.h>

#include <unistd.h>

#include <map>

#include "config/document.h"
#include "config/schema.h"

namespace capstan::config {
namespace {

struct Inner {
  std::string method = "tcp";
};
struct Options {
  std::string name;
  std::string country;
  Duration wait = std::chrono::seconds(30);
  Bytes size = 64_MiB;
  std::uint16_t port = 514;
  bool on = false;
  Secret secret;
  std::vector<std::string> feeds{"a", "b"};
  std::optional<std::string> note;
  Inner inner;
  enum class Mode { fast, exact } mode = Mode::fast;
};

Schema<Options> schema() {
  Schema<Inner> inner;
  inner.option("method", &Inner::method, "how");
  Schema<Options> s;
  s.option("name", &Options::name, "who").required();
  s.option("country", &Options::country, "where");
  s.option("wait", &Options::wait, "how long")
      .range(Duration(std::chrono::seconds(1)), Duration(std::chrono::hours(1)));
  s.option("size", &Options::size, "how large");
  s.option("port", &Options::port, "where to");
  s.option("on", &Options::on, "whether");
  s.option("secret", &Options::secret, "what");
  s.option("feeds", &Options::feeds, "which");
  s.option("note", &Options::note, "more");
  s.choice("mode", &Options::mode, {{"fast", Options::Mode::fast}, {"exact", Options::Mode::exact}}, "in which way");
  s.object("inner", &Options::inner, inner, "deeper");
  s.rule([](const Options& o, const Node& at, Findings& findings) {
    if (o.on && o.mode == Options::Mode::exact)
      findings.add(ErrorCode::conflicting_options, at.place, "on and exact exclude each other");
  });
  return s;
}

References references() {
  return {
      [](const std::string& name) { return name == "SECRET" ? std::optional<std::string>("s3cr3t") : std::nullopt; },
      nullptr};
}

struct Read {
  Options options;
  Findings findings;
  std::string text() const {
    std::string all;
    for (const Finding& finding : findings.all()) all += to_string(finding) + "\n";
    return all;
  }
};

Read read(std::string_view yaml) {
  Read result;
  const Node node = parse(yaml, "c.yaml", references(), result.findings);
  if (!result.findings.has_errors()) result.options = schema().decode(node, "the test", result.findings);
  return result;
}

TEST(Schema, ReadsEveryType) {
  const Read r = read(
      "name: no\ncountry: 010\nwait: 2m\nsize: 1GiB\nport: 6514\non: yes\nsecret: ${env:SECRET}\nfeeds: [x]\nnote: "
      "n\nmode: fast\ninner: {method: udp}\n");
  ASSERT_EQ(r.text(), "");
  EXPECT_EQ(r.options.name, "no") << "Norway stays Norway";
  EXPECT_EQ(r.options.country, "010");
  EXPECT_EQ(r.options.wait, std::chrono::minutes(2));
  EXPECT_EQ(r.options.size, 1_GiB);
  EXPECT_EQ(r.options.port, 6514);
  EXPECT_TRUE(r.options.on);
  EXPECT_EQ(r.options.secret.reveal(), "s3cr3t");
  EXPECT_EQ(r.options.feeds, std::vector<std::string>{"x"});
  EXPECT_EQ(r.options.note, "n");
  EXPECT_EQ(r.options.inner.method, "udp");
}

TEST(Schema, ReportsAllFindingsWithTheirPlaces) {
  const Read r =
      read("nam: x\nwait: fast\nport: 70000\nsecret: plain\nmode: exactly\ninner: {methd: udp}\nfeeds: {a: b}\n");
  const std::string text = r.text();
  for (const auto* part : {"c.yaml:1:1: there is no option \"nam\" in the test; did you mean \"name\"? [E1004]",
                           "the test needs the option \"name\" [E1006]",
                           "c.yaml:2:7: wait: expected a duration such as 30s or 2d, got \"fast\" [E1005]",
                           "c.yaml:3:7: port: expected a number from 0 to 65535, got 70000 [E1005]",
                           "c.yaml:4:9: secret: expected a reference",
                           "c.yaml:5:7: mode: expected one of fast, exact, got \"exactly\" [E1005]",
                           "c.yaml:6:9: there is no option \"methd\" in inner; did you mean \"method\"? [E1004]",
                           "c.yaml:7:8: feeds: expected a list of text, got a map [E1005]"})
    EXPECT_TRUE(text.contains(part)) << "missing: " << part << "\nin:\n" << text;
}

TEST(Schema, ChecksRangesAndRules) {
  EXPECT_TRUE(read("name: x\nwait: 2h\n").text().contains("expected 1s to 1h, got 2h [E1005]"));
  EXPECT_TRUE(read("name: x\non: yes\nmode: exact\n").text().contains("exclude each other [E1010]"));
}

TEST(Schema, DescribesDefaultsAsOneWouldWriteThem) {
  std::map<std::string, std::string> defaults;
  const Schema<Options> declared = schema();
  for (const OptionDescription& option : declared.options()) defaults[option.name] = option.default_text;
  EXPECT_EQ(defaults["wait"], "30s");
  EXPECT_EQ(defaults["size"], "64MiB");
  EXPECT_EQ(defaults["mode"], "fast");
  EXPECT_EQ(defaults["feeds"], "[a, b]");
}

TEST(Document, NamesWhatIsNotYaml) {
  EXPECT_TRUE(read("a: [1,\nb: }").text().contains("[E1003]"));
  EXPECT_TRUE(read("name: x\nname: y\n").text().contains("c.yaml:2:1: the key \"name\" stands twice [E1011]"));
  EXPECT_TRUE(read("name: x\n---\nname: y\n").text().contains("[E1003]"));
}

TEST(Document, BoundsDepthAndAliases) {
  EXPECT_TRUE(read(std::string(200, '[') + std::string(200, ']')).text().contains("nested deeper than 64 levels"));
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += (j == 0 ? "*a" : ", *a") + std::to_string(i - 1);
    bomb += "]\n";
  }
  EXPECT_TRUE(read(bomb).text().contains("more than 100000 nodes"));
}

TEST(Document, ResolvesReferencesAndNeverShowsThem) {
  EXPECT_EQ(read("name: a-${env:SECRET}-$${env:X}\n").options.name, "a-s3cr3t-${env:X}");
  EXPECT_TRUE(read("name: ${env:MISSING}\n")
                  .text()
                  .contains("c.yaml:1:7: resolving ${env:MISSING}: the environment has no variable MISSING [E1007]"));
  EXPECT_TRUE(read("name: ${vault:X}\n").text().contains("[E1007]"));
  EXPECT_TRUE(read("name: ${env:X\n").text().contains("[E1007]"));
  const std::string shown = read("name: x\nwait: ${env:SECRET}\n").text();
  EXPECT_FALSE(shown.contains("s3cr3t")) << shown;
}

TEST(Document, EndsWhereAnAliasNamesItsOwnAncestor) { EXPECT_TRUE(read("name: &a [*a]\n").findings.has_errors()); }

TEST(Document, SurvivesNestingThatWouldOverflowTheStack) {
  EXPECT_TRUE(read(std::string(1'000'000, '[')).findings.has_errors());
}

// A lone "," made the parser produce empty documents until memory ended; the others are its neighbours.
TEST(Document, EndsAtStrayTokens) {
  for (const char* stray : {"]", "}", "a: b\n]", "name: x\n}\n", "[a] ]", "? ]", ",", ": ,"})
    EXPECT_TRUE(read(stray).findings.has_errors()) << stray;
}

TEST(Document, NamesTheLineOfATab) {
  const std::string text = read("inner:\n\tmethod: udp\n").text();
  EXPECT_TRUE(text.contains("c.yaml:2:1: ") && text.contains("[E1003]")) << text;
}

TEST(Document, ReadsAnEmptyFileAsNothing) {
  EXPECT_TRUE(read("").text().contains("the test needs the option \"name\""));
  EXPECT_TRUE(read("# only a comment\n").text().contains("the test needs the option \"name\""));
}

TEST(Document, KeepsQuotedTextThatLooksLikeNothing) {
  EXPECT_EQ(read("name: ''\n").text(), "");
  EXPECT_EQ(read("name: \"~\"\n").options.name, "~");
  EXPECT_TRUE(read("name: ~\n").text().contains("needs the option \"name\""));
}

TEST(Document, ReadsReferencesToFilesAndCredentials) {
  PosixFileSystem files;
  const std::string directory = testing::TempDir() + "capstan_references_" + std::to_string(::getpid());
  ASSERT_TRUE(files.make_directories(directory).has_value());
  ASSERT_TRUE(replace_file(files, directory + "/one", "s3cr3t\n\n").has_value());
  const References here{[&](const std::string& name) {
                          return name == "CREDENTIALS_DIRECTORY" ? std::optional(directory) : std::nullopt;
                        },
                        &files};
  const auto resolved = [&](const std::string& scalar) {
    Findings findings;
    const Node node = parse("a: " + scalar, "c.yaml", here, findings);
    return findings.all().empty() ? node.find("a")->scalar : to_string(findings.all().front());
  };
  EXPECT_EQ(resolved("${file:" + directory + "/one}"), "s3cr3t\n") << "one line end is cut, not more";
  EXPECT_EQ(resolved("${credential:one}"), "s3cr3t\n");
  EXPECT_TRUE(resolved("${file:" + directory + "/two}").contains("c.yaml:1:4: resolving ${file:"))
      << resolved("${file:x}");
  EXPECT_TRUE(resolved("${credential:../one}").contains("has no slash"));
  ASSERT_TRUE(files.remove(directory + "/one").has_value());
}

}  // namespace
}  // namespace capstan::config
