// `capstan query` and `capstan schema` as a person types them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/program.h"
#include "place_database.h"

namespace capstan::app {
namespace {

using testing::HasSubstr;

struct Said {
  int exit = 0;
  std::string out;
  std::string err;
};

Said say(const std::vector<std::string>& words, const std::string& typed = {}) {
  std::istringstream in(typed);
  std::ostringstream out;
  std::ostringstream err;
  Streams streams{.in = in, .out = out, .err = err};
  const int code = app::main(words, streams);
  return {code, out.str(), err.str()};
}

constexpr const char* three = "{\"n\":1,\"who\":{\"name\":\"Ann\"}}\n{\"n\":2, \"s\":\"x\"}\n\n{\"n\":3}";

TEST(Query, FiltersLinesAsTheyAre) {
  const Said said = say({"query", "source | where n >= 2"}, three);
  EXPECT_EQ(said.out, "{\"n\":2, \"s\":\"x\"}\n{\"n\":3}\n");
  EXPECT_EQ(said.exit, exit_done);
}

TEST(Query, TakesAnArrayApart) {
  EXPECT_EQ(say({"query", "source | project n, s = tostring(s)"}, " [ {\"n\":1,\"s\":\"],\"},\n {\"n\":[2,{}]} ] ").out,
            "{\"n\":1,\"s\":\"],\"}\n{\"n\":[2,{}],\"s\":\"\"}\n");
  EXPECT_EQ(say({"query", "source"}, "[]").out, "");
  const Said open = say({"query", "source"}, "[{\"n\":1},{\"n\"");
  EXPECT_EQ(open.out, "{\"n\":1}\n");
  EXPECT_EQ(open.exit, exit_not_done);
  EXPECT_THAT(
      open.err,
      HasSubstr("-, record 2: reading a record: at line 1, column 14: expected \":\", got the end of the input"));
}

TEST(Query, WritesTablesAndCsv) {
  EXPECT_EQ(say({"query", "source | project n, who = tostring(who.name)", "--to", "csv"}, three).out,
            "n,who\r\n1,Ann\r\n2,\r\n3,\r\n");
  EXPECT_EQ(say({"query", "source | project n, t = 'a,\"b'", "--to", "csv"}, "{\"n\":1}").out,
            "n,t\r\n1,\"a,\"\"b\"\r\n");
  EXPECT_THAT(say({"query", "source | project n, who = tostring(who.name)", "--to", "table"}, three).out,
              HasSubstr("1  Ann\n"));
  const Said open = say({"query", "source", "--to", "csv"}, three);
  EXPECT_EQ(open.exit, exit_wrong_usage);
  EXPECT_THAT(open.err, HasSubstr("end it with \"| project …\""));
}

TEST(Query, UsesASecretThatAFileOrTheEnvironmentHolds) {
  const std::string path = testing::TempDir() + "/query_secret_" + std::to_string(::getpid());
  std::ofstream(path) << "a key that nobody guesses\n";
  const std::string query = "source | project v = hmac_sha256(who.name, 'people')";
  const std::string wanted = "{\"v\":\"f1777e2a58cea02f4b8ac486b69dfe2374d04bc455dad4fbc62d98cb415b6e7d\"}\n";
  EXPECT_EQ(say({"query", query, "--secret", "people=file:" + path}, R"({"who":{"name":"ann"}})").out, wanted);
  ::setenv("CAPSTAN_TEST_KEY", "a key that nobody guesses", 1);
  EXPECT_EQ(say({"query", query, "--secret", "people=env:CAPSTAN_TEST_KEY"}, R"({"who":{"name":"ann"}})").out, wanted);
  ::unsetenv("CAPSTAN_TEST_KEY");
  std::filesystem::remove(path);
}

TEST(Query, RefusesASecretThatItCannotReadAndNeverShowsOne) {
  const std::string query = "source | project v = hmac_sha256(s, 'people')";
  const Said gone = say({"query", query, "--secret", "people=env:CAPSTAN_NO_SUCH"}, "{}");
  EXPECT_NE(gone.exit, exit_done);
  EXPECT_THAT(gone.err, HasSubstr("the environment has no variable CAPSTAN_NO_SUCH"));
  const Said nameless = say({"query", query, "--secret", "hunter2hunter2"}, "{}");
  EXPECT_EQ(nameless.exit, exit_wrong_usage);
  EXPECT_THAT(nameless.err, testing::Not(HasSubstr("hunter2")));
  const Said plain = say({"query", query, "--secret", "people=hunter2hunter2"}, "{}");
  EXPECT_NE(plain.exit, exit_done);
  EXPECT_THAT(plain.err, testing::Not(HasSubstr("hunter2")));
  const Said none = say({"query", query}, "{}");
  EXPECT_EQ(none.exit, exit_configuration);
  EXPECT_THAT(none.err, HasSubstr("behind --secret"));
}

TEST(Query, KnowsPlacesFromAFile) {
  const std::string path = testing::TempDir() + "/query_places_" + std::to_string(::getpid()) + ".mmdb";
  equipment::PlaceDatabase database;
  database.add_ipv4(0xCB007100, 24, {"Oceania", "Australia", "New South Wales", "Sydney", -33.5, 151.25});
  database.write(path);
  const std::string query = "source | project v = geo_location(ip).City";
  EXPECT_EQ(say({"query", query, "--geo", path}, R"({"ip":"203.0.113.9"})").out, "{\"v\":\"Sydney\"}\n");
  std::filesystem::remove(path);
  const Said gone = say({"query", query, "--geo", path}, "{}");
  EXPECT_NE(gone.exit, exit_done);
  EXPECT_THAT(gone.err, HasSubstr("opening the database of places"));
}

TEST(Query, SaysWhatIsWrongWithTheQueryAndWhere) {
  const Said said = say({"query", "source | wher n > 1"}, three);
  EXPECT_EQ(said.exit, exit_configuration);
  EXPECT_THAT(said.err, HasSubstr("query:1:10: "));
  EXPECT_THAT(said.err, HasSubstr("did you mean \"where\"?"));
  EXPECT_EQ(said.out, "");
}

TEST(Query, ChecksAndExplainsWithoutReading) {
  const Said checked = say({"query", "source | where n between (1 .. 2)", "--check"});
  EXPECT_EQ(checked.out, "query:1:16: note: \"between\" is not portable to a DCR\nquery: good\n");
  const Said explained = say({"query", "source | where who.name == 'Ann'", "--explain"});
  EXPECT_THAT(explained.out, HasSubstr("who.name  dynamic"));
  const Said extended = say({"query", "source | extend name = tolower(who.name)", "--explain"});
  EXPECT_EQ(
      extended.out,
      "reads     as\nwho.name  dynamic\n\nmembers that are not named go on as they are\ngives  type\nname   string\n");
  EXPECT_THAT(explained.out, HasSubstr("a filter: what it keeps comes out as it is"));
}

TEST(Query, GivesMembersTheTypesOfASchema) {
  EXPECT_EQ(say({"query", "source | where n > 1 | project when", "--schema", "n:long,when:datetime:ms"},
                "{\"n\":\"2\",\"when\":0}")
                .out,
            "{\"when\":\"1970-01-01T00:00:00.0000000Z\"}\n");
  EXPECT_EQ(say({"query", "source | where timestamp > datetime(2020-01-01)", "--schema", "activities"},
                "{\"timestamp\":1600000000000}")
                .out,
            "{\"timestamp\":1600000000000}\n");
  EXPECT_THAT(say({"query", "source", "--schema", "activitys"}).err,
              HasSubstr("expected name:type,… or one of activities"));
}

TEST(Query, CountsBrokenRecordsAndGoesOn) {
  const Said said = say({"query", "source | where n > 0"}, "{\"n\":1}\n{\"n\":\n{\"n\":2}\n");
  EXPECT_EQ(said.out, "{\"n\":1}\n{\"n\":2}\n");
  EXPECT_EQ(said.exit, exit_not_done);
  EXPECT_THAT(said.err, HasSubstr("-, record 2: reading a record"));
}

std::string gzip(const std::string& text) {
  z_stream state{};
  deflateInit2(&state, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&state, text.size()) + 32, '\0');
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  state.avail_in = static_cast<uInt>(text.size());
  state.next_out = reinterpret_cast<Bytef*>(packed.data());
  state.avail_out = static_cast<uInt>(packed.size());
  deflate(&state, Z_FINISH);
  packed.resize(state.total_out);
  deflateEnd(&state);
  return packed;
}

std::string zstd(const std::string& text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 1));
  return packed;
}

TEST(Query, UnpacksGzipAndZstd) {
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "{\"n\":" + std::to_string(i) + ",\"text\":\"some text to be packed\"}\n";
  for (const std::string& packed :
       {gzip(many), zstd(many),
        gzip(many.substr(0, many.find("{\"n\":50000"))) + gzip(many.substr(many.find("{\"n\":50000")))}) {
    const Said said = say({"query", "source | where n in (7, 99999) | project n"}, packed);
    EXPECT_EQ(said.out, "{\"n\":7}\n{\"n\":99999}\n");
    EXPECT_EQ(said.exit, exit_done) << said.err;
    const Said cut = say({"query", "source | where n == 7"}, packed.substr(0, packed.size() / 3));
    EXPECT_THAT(cut.err, HasSubstr("is cut off"));
  }
}

TEST(Query, ReadsSeveralFilesInOrder) {
  const std::string directory = testing::TempDir() + "capstan_query_" + std::to_string(::getpid());
  std::filesystem::create_directories(directory);
  std::ofstream(directory + "/a") << "{\"n\":1}\n";
  std::ofstream(directory + "/b") << "{\"n\":2}";
  const Said said =
      say({"query", "source | project n, from = _Source endswith 'b'", directory + "/a", directory + "/b"});
  EXPECT_EQ(said.out, "{\"n\":1,\"from\":false}\n{\"n\":2,\"from\":true}\n");
  EXPECT_THAT(say({"query", "source", directory + "/none"}).err, HasSubstr("none"));
  std::filesystem::remove_all(directory);
}

TEST(Schema, ListsAndDescribes) {
  EXPECT_THAT(say({"schema"}).out, HasSubstr("activities"));
  const Said activities = say({"schema", "activities"});
  EXPECT_THAT(activities.out, HasSubstr("timestamp"));
  EXPECT_THAT(activities.out, HasSubstr("milliseconds since 1970 in the record"));
  EXPECT_THAT(activities.out, HasSubstr("_IngestTime"));
  EXPECT_THAT(say({"schema", "alerts", "--output", "json"}).out,
              HasSubstr(R"({"name":"alerts","is_open":true,"columns":[)"));
  EXPECT_THAT(say({"schema", "alert"}).err, HasSubstr("did you mean \"alerts\"?"));
}

TEST(Query, LooksUpInTables) {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("capstan-query-" + std::to_string(::getpid()) + ".csv");
  std::ofstream(file) << "range,office\n10.0.0.0/8,all\n10.1.0.0/16,Bern\n";
  const std::string query = "source | evaluate ipv4_lookup(offices, ip, range) | project office";
  const Said said = say({"query", query, "--table", "offices=" + file.string()},
                        "{\"ip\":\"10.1.2.3\"}\n{\"ip\":\"192.0.2.1\"}\n{\"ip\":\"10.9.0.1\"}\n");
  EXPECT_EQ(said.out, "{\"office\":\"Bern\"}\n{\"office\":\"all\"}\n") << said.err;
  EXPECT_THAT(say({"query", query}).err, HasSubstr("there is no table \"offices\" to look up in"));
  EXPECT_THAT(say({"query", query, "--table", "offices"}).err, HasSubstr("expected NAME=FILE, got \"offices\""));
  std::ofstream(file) << "range,office\n10.0.0.0/8\n";
  EXPECT_THAT(say({"query", query, "--table", "offices=" + file.string()}).err,
              HasSubstr(":2: expected 2 cells, got 1"));
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace capstan::app
