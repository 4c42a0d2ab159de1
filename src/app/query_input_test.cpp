// Random mixtures of records and of what is none: nothing may be passed over, whatever stands before or behind it.
#include "query_input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <random>
#include <sstream>

#include "nasty_records.h"
#include "plain_json.h"
#include "said_for_test.h"

namespace capstan::app {
namespace {

using equipment::PlainJsonReader;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Gives at most so many bytes a read.
class Dripping final : public ByteSource {
public:
  Dripping(std::string text, std::size_t size) : text_(std::move(text)), size_(size) {}
  Result<std::size_t> read(std::span<char> into) override {
    const std::size_t size = std::min({into.size(), size_, text_.size() - at_});
    std::copy_n(text_.data() + at_, size, into.data());
    at_ += size;
    return size;
  }

private:
  std::string text_;
  std::size_t size_;
  std::size_t at_ = 0;
};

class Taken final : public InputTaker {
public:
  bool take(const InputPiece& record) override {
    records.emplace_back(record.text);
    pieces.emplace_back(record.text);
    lines.push_back(record.place.line);
    numbers.push_back(record.number);
    return true;
  }
  bool tell(const InputPiece& piece, const Error& trouble) override {
    told.push_back(trouble.sentence());
    told_texts.emplace_back(piece.text);
    told_lines.push_back(piece.place.line);
    if (piece.number > 0) numbers.push_back(piece.number);
    if (piece.number > 0) pieces.emplace_back(piece.text);
    broken += piece.number > 0 ? 1 : 0;
    return true;
  }

  std::vector<std::string> records;
  std::vector<std::size_t> lines;
  std::vector<std::string> told;
  std::vector<std::string> told_texts;
  std::vector<std::size_t> told_lines;
  std::vector<std::string> pieces;  // both, in order
  std::vector<std::size_t> numbers;
  std::size_t broken = 0;  // of those told, records
};

Taken taken_of(const std::string& text, JsonLayout layout = JsonLayout::free, std::size_t read_size = 1U << 20) {
  Dripping source(text, read_size);
  Taken taken;
  each_json_record(source, "in", layout, taken);
  return taken;
}

TEST(QueryInput, ReadsObjectsHoweverTheyAreLaidOut) {
  for (const std::string& text :
       {std::string(R"({"n":1}{"n":2}{"n":3})"), std::string("{\"n\":1}  {\"n\":2}\t{\"n\":3}\n"),
        std::string("{\"n\":1},{\"n\":2},\n{\"n\":3},\n"), std::string("{\"n\":1}\r\n\r\n{\"n\":2}\r\n{\"n\":3}"),
        std::string("\xEF\xBB\xBF{\"n\":1}\n\xEF\xBB\xBF{\"n\":2}\n\xEF\xBB\xBF{\"n\":3}\n"),
        std::string("\x1E{\"n\":1}\n\x1E{\"n\":2}\n\x1E{\"n\":3}\n"), std::string("[{\"n\":1},{\"n\":2}]{\"n\":3}"),
        std::string("{\"n\":1}[{\"n\":2}] [] [{\"n\":3}]"),
        std::string(" [ \n{\"n\":1}\n,\n{\"n\":2}\n,\n{\"n\":3}\n]\n ")}) {
    for (const std::size_t read_size : {1U, 2U, 3U, 7U, 1U << 20}) {
      const Taken taken = taken_of(text, JsonLayout::free, read_size);
      EXPECT_THAT(taken.records, ElementsAre("{\"n\":1}", "{\"n\":2}", "{\"n\":3}")) << text;
      EXPECT_THAT(taken.told, IsEmpty()) << text;
      EXPECT_THAT(taken.numbers, ElementsAre(1, 2, 3));
    }
  }
}

TEST(QueryInput, ReadsRecordsOverSeveralLines) {
  const std::string first = "{\n  \"n\": 1,\n  \"o\": {\n    \"s\": \"}{\\n\"\n  }\n}";
  const std::string second = "{\n\"n\":2}";
  const Taken taken = taken_of(first + "\n" + second + first);
  EXPECT_THAT(taken.records, ElementsAre(first, second, first));
  EXPECT_THAT(taken.lines, ElementsAre(1, 7, 8));
  EXPECT_THAT(taken.told, IsEmpty());
}

TEST(QueryInput, SaysWhereAndWhat) {
  struct Case {
    std::string text;
    std::string told;
    std::size_t records;
  };
  for (const Case& one :
       {Case{"{\"n\":0} garbage\n{\"n\":1}\n", R"(at line 1, column 9: expected a value, got "garbage)", 2},
        {"{\"n\":0}}\n{\"n\":1}\n", R"(at line 1, column 8: expected a value, got "}")", 2},
        {"{\"n\":0};\n", "at line 1, column 8", 1},
        {"{\"n\":NaN}\n{\"n\":1}", R"(at line 1, column 6: expected a value, got "NaN}")", 1},
        {"{\"n\":0}\n{\"n\":01}\n", "at line 2, column 6", 1},
        {"{\"n\":\"\\q\"}", "at line 1, column 7: expected a well-formed string", 0},
        {"{\"n\":\"a\tb\"}", "at line 1, column 8: expected a well-formed string", 0},
        {"{\"n\":1,}", "at line 1, column 8: expected a string, got \"}\"", 0},
        {"{'n':1}", "at line 1, column 2: expected a string", 0},
        {"{\"n\":\"\xFF\"}\n{\"n\":1}", "at line 1, column 7: expected UTF-8", 1},
        {"null", "at line 1, column 1: expected an object, got \"null\"", 0},
        {"{\"n\":1}\n 12 {\"n\":2}", "at line 2, column 2: expected an object, got \"12\"", 2},
        {"12x", "at line 1, column 1: expected an object, got \"12x\"", 0},
        {"\"text\"", "expected an object, got \"\\\"text\\\"\"", 0},
        {"[{\"n\":1},[{\"n\":2}]]", "at line 1, column 10: expected an object, got \"[{\\\"n\\\":2}]\"", 1},
        {"[{\"n\":1},]", "at line 1, column 10: expected a value, got \"]\"", 1},
        {"[{\"n\":1},,{\"n\":2}]", "at line 1, column 10: expected a value, got \",\"", 2},
        {"[{\"n\":1} {\"n\":2}]", "at line 1, column 10: expected \",\" or \"]\" behind an item", 2},
        {"[{\"n\":1}", "at line 1, column 9: the array is not closed", 1},
        {"{\"n\":1}\n{\"n\"", "at line 2, column 5: expected \":\", got the end of the input", 1},
        {"{\"n\":\n{\"n\":2}\n{\"n\":3}\n", "at line 3, column 1: expected \",\" or \"}\"", 2},
        {"{\n  \"n\": 1,\n  \"m\": tru\n}\n{\"n\":2}", "at line 3, column 8: expected a value, got \"tru\"", 1},
        {"{\"n\":" + std::string(2000, '[') + std::string(2000, ']') + "}\n{\"n\":1}", "deeper than 1024 levels", 1},
        {std::string(100'000, '[') + "\n", "deeper than 1024 levels", 0}}) {
    for (const std::size_t read_size : {1U, 5U, 1U << 20}) {
      const Taken taken = taken_of(one.text, JsonLayout::free, read_size);
      EXPECT_EQ(taken.records.size(), one.records) << one.text;
      ASSERT_EQ(taken.told.size(), 1U) << one.text << ": " << testing::PrintToString(taken.told);
      EXPECT_THAT(taken.told.front(), HasSubstr(one.told)) << one.text;
    }
  }
}

TEST(QueryInput, ABrokenRecordOverSeveralLinesIsToldOnce) {
  const std::string broken = "  {\n    \"a\": [\n      tru\n    ],\n    \"b\": {\n      \"c\": 1\n    }\n  }";
  const Taken taken = taken_of("[\n" + broken + ",\n  {\n    \"n\": 2\n  },\n" + broken + "\n]\n{\"n\":3}\n");
  EXPECT_THAT(taken.records, ElementsAre("{\n    \"n\": 2\n  }", "{\"n\":3}"));
  EXPECT_THAT(taken.told, ElementsAre(HasSubstr("at line 4, column 7"), HasSubstr("at line 15, column 7")));
  EXPECT_THAT(taken.told_texts, testing::Each(broken.substr(2)));
  EXPECT_THAT(taken.told.front(), HasSubstr("(the record begins at line 2)"));
}

TEST(QueryInput, LinesEndTheirRecordsWhereThatIsAskedFor) {
  const Taken taken = taken_of("{\"n\":1}{\"n\":2}\n{\n\"n\":3}\n[{\"n\":4}]\n{\"n\":5}\n", JsonLayout::lines);
  EXPECT_THAT(taken.records, ElementsAre("{\"n\":1}", "{\"n\":2}", "{\"n\":5}"));
  EXPECT_THAT(taken.told, ElementsAre(HasSubstr("at line 2, column 2: expected a string, got the end of the line"),
                                      HasSubstr("at line 3, column 1: expected an object"),
                                      HasSubstr("at line 4, column 1: expected an object")));
}

TEST(QueryInput, HalvesOfSurrogatePairsAsBytesAreMended) {
  const Taken taken = taken_of("{\"a\":\"x\xED\xA0\x80\"}\n{\"a\":\"\\ud800\"}");
  EXPECT_THAT(taken.records, ElementsAre("{\"a\":\"x\xEF\xBF\xBD\"}", "{\"a\":\"\\ud800\"}"));
  EXPECT_THAT(taken.told, IsEmpty());
}

TEST(QueryInput, SaysThatItIsNotUtf8AtAll) {
  const Taken taken = taken_of(std::string("\xFF\xFE{\0\"\0n\0\"\0", 10));
  EXPECT_THAT(taken.told, ElementsAre(HasSubstr("expected UTF-8, got UTF-16")));
}

TEST(QueryInput, TakesTimeInProportion) {
  // Each opens what it does not close: read again from every line on, this would take hours.
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "{\"a\":[\n";
  const Taken taken = taken_of(text);
  EXPECT_EQ(taken.broken, 200'000U);
  std::string items = "[NaN";
  for (int i = 1; i < 200'000; ++i) items += ",NaN";
  EXPECT_EQ(taken_of(items + "]").broken, 200'000U);
  const Taken commas = taken_of("[" + std::string(1'000'000, '"') + "\n" + std::string(1'000'000, '{'));
  EXPECT_GE(commas.told.size(), 1U);
}

// --- mixtures

struct Mixture {
  std::string text;
  std::vector<std::string> records;       // in order
  std::vector<std::size_t> broken_lines;  // where what is broken begins, in order
  std::size_t pieces = 0;
};

class Mixing {
public:
  explicit Mixing(std::uint64_t seed) : nasty_(seed) {}

  // With pieces that open brackets and do not close them, where the next record begins is a matter of taste.
  Mixture made(bool has_cut_pieces) {
    has_cut_pieces_ = has_cut_pieces;
    mixture_ = {};
    if (nasty_.one_in(4)) mixture_.text += "\xEF\xBB\xBF";
    for (std::uint64_t i = nasty_.below(12); i > 0; --i) add_part();
    return mixture_;
  }

private:
  void add_part() {
    switch (nasty_.below(7)) {
      case 0:
        return add_array();
      case 1:
      case 2:
        return add_broken();
      default:
        return add_good(nasty_.one_in(3));
    }
  }
  void add_good(bool is_pretty) {
    add(good(is_pretty && !has_cut_pieces_, 0), true);
    if (has_cut_pieces_) {
      mixture_.text += pick({"\n", "\r\n", "\n\n  \t\n"});
    } else {
      mixture_.text += pick({"\n", "\n", "\r\n", "", " ", "\n\n  \t\n", ",", ", \n", "\x1E", "\n\xEF\xBB\xBF"});
    }
  }
  // On lines of their own.
  void add_broken() {
    begin_line();
    if (has_cut_pieces_ && nasty_.one_in(2)) {
      add(pick({"{\"n\":1,", "{\"n\":[1,2", "{\"n\":{\"m\":\"x\"", "{\"n\":\"x", "{\"n\":\"x\\", "{\"n\"", "{"}),
          false);
    } else if (nasty_.one_in(4) && !has_cut_pieces_) {
      add("{\n  \"a\": {\n    \"b\": " + pick({"NaN", "01", "'x'", "[1,]"}) + "\n  },\n  \"c\": 1\n}", false);
    } else if (nasty_.one_in(2)) {
      add(broken_object(), false);
    } else {
      add(pick({"garbage",
                "null",
                "3",
                "-1.5",
                "\"x\"",
                "true",
                "NaN",
                "Infinity",
                "01",
                "'x'",
                ";",
                "undefined",
                "#",
                "a {b} c",
                "\xFF\xFE\xFA",
                std::string(1, '\0'),
                "\\",
                "<x>",
                "nullx",
                "1e",
                "-",
                "+1",
                ".5"}),
          false);
    }
    mixture_.text += pick({"\n", "\r\n", "\n\n"});
  }
  void add_array() {
    begin_line();
    mixture_.text += "[";
    const std::uint64_t items = nasty_.below(5);
    for (std::uint64_t i = 0; i < items; ++i) {
      const bool is_good = !nasty_.one_in(4);
      if (nasty_.one_in(2)) mixture_.text += has_cut_pieces_ ? " " : pick({"\n", " ", "\r\n  "});
      add(is_good            ? good(!has_cut_pieces_ && nasty_.one_in(4), 0)
          : nasty_.one_in(2) ? broken_object()
                             : pick({"null", "NaN", "3", "\"x\"", "tru", "[]", "[{}]", "01"}),
          is_good);
      if (i + 1 < items) mixture_.text += nasty_.one_in(3) ? " ," : ",";
    }
    mixture_.text += "]\n";
  }

  void begin_line() {
    if (!mixture_.text.empty() && mixture_.text.back() != '\n') mixture_.text += '\n';
  }
  void add(const std::string& piece, bool is_record) {
    ++mixture_.pieces;
    if (is_record)
      mixture_.records.push_back(piece);
    else
      mixture_.broken_lines.push_back(1 + static_cast<std::size_t>(std::ranges::count(mixture_.text, '\n')));
    mixture_.text += piece;
  }
  std::string good(bool is_pretty, int) {
    const std::string value = nasty_.one_in(4) ? "{\"x\":[1,{\"y\":" + string() + "}]}" : string();
    if (!is_pretty)
      return nasty_.one_in(8) ? "{}" : "{\"n\":" + std::to_string(nasty_.below(1000)) + ",\"s\":" + value + "}";
    const std::string end = pick({"\n", "\r\n"});
    return "{" + end + "  \"n\": 1," + end + "  \"o\": {" + end + "    \"s\": " + value + end + "  }" + end + "}";
  }
  // Its brackets close on its line.
  std::string broken_object() {
    return pick({"{\"n\":NaN}", "{\"n\":01}", "{\"n\":\"\\q\"}", "{\"n\":1,}", "{'n':1}", "{\"n\" 1}",
                 "{\"n\":1 \"m\":2}", "{\"n\":[1,2}", "{\"n\":tru}", "{n:1}", "{\"n\":\"a\tb\"}", "{\"n\":\"\xFF\"}",
                 "{\"n\":\"\\ud8\"}", "{,}", "{\"n\":" + std::string(1100, '[') + std::string(1100, ']') + "}"});
  }
  // Without bytes of surrogates, which are mended on the way.
  std::string string() {
    while (true) {
      const std::string text = nasty_.string();
      if (PlainJsonReader::read(text) && !text.contains('\xED')) return text;
    }
  }
  std::string pick(const std::vector<std::string>& choices) { return choices[nasty_.below(choices.size())]; }

  equipment::NastyRecords nasty_;
  bool has_cut_pieces_ = false;
  Mixture mixture_;
};

TEST(QueryInput, EveryPieceOfAMixtureIsTakenOrTold) {
  std::size_t records = 0;
  std::size_t broken = 0;
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    const Mixture mixture = Mixing(seed).made(false);
    Taken taken = taken_of(mixture.text, JsonLayout::free, seed % 3 == 0 ? 1 + seed % 11 : 1U << 20);
    ASSERT_EQ(taken.records, mixture.records) << "seed " << seed << "\n" << mixture.text;
    ASSERT_EQ(taken.told_lines, mixture.broken_lines) << "seed " << seed << "\n"
                                                      << mixture.text << testing::PrintToString(taken.told);
    ASSERT_EQ(taken.broken, mixture.broken_lines.size());
    records += taken.records.size();
    broken += taken.broken;
  }
  std::cout << records << " records taken, " << broken << " broken pieces told\n";
}

TEST(QueryInput, WhatIsCutOffCostsNoOtherRecordOfALine) {
  std::size_t pieces = 0;
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    const Mixture mixture = Mixing(seed).made(true);
    const Taken taken = taken_of(mixture.text);
    ASSERT_EQ(taken.records, mixture.records) << "seed " << seed << "\n" << mixture.text;
    ASSERT_EQ(taken.records.size() + taken.broken, mixture.pieces)
        << "seed " << seed << "\n"
        << mixture.text << testing::PrintToString(taken.told);
    pieces += mixture.pieces;
  }
  std::cout << pieces << " pieces\n";
}

// Any bytes: what is neither taken nor told may only be blanks, brackets and commas of arrays, and marks.
TEST(QueryInput, NoBytesArePassedOver) {
  std::mt19937_64 random(20261128);
  const std::string_view alphabet = "{}[]\",:\\ \n\r1-a0e.tn\x1E\xEF";
  for (int round = 0; round < 100'000; ++round) {
    std::string text;
    for (std::uint64_t size = random() % 24; size > 0; --size)
      text += random() % 4 == 0 ? std::string("{\"a\":1}") : std::string(1, alphabet[random() % alphabet.size()]);
    const Taken taken = taken_of(text);
    std::string rest = text;
    std::size_t from = 0;
    for (const std::string& piece : taken.pieces) {
      const std::size_t at = rest.find(piece, from);
      ASSERT_NE(at, std::string::npos) << text;
      rest.replace(at, piece.size(), std::string(piece.size(), ' '));
      from = at + piece.size();
    }
    for (const std::string& record : taken.records) ASSERT_TRUE(PlainJsonReader::read(record).has_value()) << record;
    for (const char c : rest)
      ASSERT_TRUE(std::string_view(" \t\r\n[],\x1E\xEF\xBB\xBF").contains(c)) << text << "\nleft: " << rest;
  }
}

// --- the command

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

std::string many_records(int first, int last) {
  std::string many;
  for (int i = first; i < last; ++i) many += "{\"n\":" + std::to_string(i) + ",\"text\":\"some text to be packed\"}\n";
  return many;
}

std::size_t rows_in(const std::string& out) { return static_cast<std::size_t>(std::ranges::count(out, '\n')); }

// "7 records read, 2 could not be read"
std::pair<std::size_t, std::size_t> counts_in(const std::string& err) {
  const std::string_view between = " read, ";
  const std::size_t line = err.rfind(between);
  if (line == std::string::npos) return {0, 0};
  const std::size_t begin = err.rfind('\n', line) + 1;
  return {std::stoul(err.substr(begin)), std::stoul(err.substr(line + between.size()))};
}

TEST(QueryInput, TheCommandCountsWhatItReadAndWhatNot) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const Mixture mixture = Mixing(seed).made(false);
    const std::string packed = seed % 3 == 0 ? gzip(mixture.text) : seed % 3 == 1 ? zstd(mixture.text) : mixture.text;
    const auto said = say_for_test({"query", "source | project n", "--from", "json"}, packed);
    ASSERT_EQ(rows_in(said.out), mixture.records.size()) << seed;
    ASSERT_EQ(said.exit, mixture.broken_lines.empty() ? exit_done : exit_not_done) << seed << said.err;
    if (mixture.broken_lines.empty()) {
      ASSERT_EQ(said.err, "");
    } else {
      ASSERT_EQ(counts_in(said.err), std::pair(mixture.records.size(), mixture.broken_lines.size())) << said.err;
    }
  }
}

TEST(QueryInput, APackedFileThatIsCutAnywhereIsTold) {
  const std::string text = many_records(0, 200);
  for (const std::string& packed : {gzip(text), zstd(text), gzip(text.substr(0, 500)) + gzip(text.substr(500)),
                                    zstd(text.substr(0, 500)) + zstd(text.substr(500))}) {
    const auto whole = say_for_test({"query", "source | project n"}, packed);
    EXPECT_EQ(rows_in(whole.out), 200U);
    EXPECT_EQ(whole.exit, exit_done) << whole.err;
    std::size_t ends_at_a_member = 0;
    for (std::size_t size = 4; size < packed.size(); ++size) {
      const auto cut = say_for_test({"query", "source | project n"}, packed.substr(0, size));
      if (cut.exit == exit_done) {
        ++ends_at_a_member;
        continue;
      }
      ASSERT_EQ(cut.exit, exit_not_done) << size;
      ASSERT_THAT(cut.err, testing::AnyOf(HasSubstr("is cut off"), HasSubstr("could not be read"))) << size;
    }
    EXPECT_LE(ends_at_a_member, 1U);
  }
}

TEST(QueryInput, WhatStandsBehindAPackedStreamIsTold) {
  const std::string text = many_records(0, 3);
  for (const std::string& packed : {gzip(text) + "garbage", zstd(text) + "garbage", gzip(text) + text}) {
    const auto said = say_for_test({"query", "source | project n"}, packed);
    EXPECT_EQ(rows_in(said.out), 3U);
    EXPECT_EQ(said.exit, exit_not_done);
    EXPECT_THAT(said.err, HasSubstr("of the packed file"));
    EXPECT_THAT(said.err, HasSubstr("behind line 4, column 1"));
  }
  // gzip(1) fills blocks up with zeros.
  EXPECT_EQ(say_for_test({"query", "source | project n"}, gzip(text) + std::string(512, '\0')).exit, exit_done);
  EXPECT_THAT(say_for_test({"query", "source"},
                           "\xFD"
                           "7zXZ and more")
                  .err,
              HasSubstr("got xz; pipe it through xz -dc"));
}

TEST(QueryInput, ADamagedStreamGivesWhatStandsBeforeTheDamage) {
  const std::string text = many_records(0, 50'000);
  std::string packed = gzip(text);
  packed[packed.size() / 2] = static_cast<char>(packed[packed.size() / 2] ^ 0x55);
  const auto said = say_for_test({"query", "source | project n"}, packed);
  EXPECT_EQ(said.exit, exit_not_done);
  EXPECT_THAT(said.err, testing::AnyOf(HasSubstr("the gzip stream is damaged"), HasSubstr("could not be read")));
  EXPECT_GT(rows_in(said.out), 10'000U);
}

TEST(QueryInput, LinesOfOtherFormsAreTakenOrTold) {
  struct Form {
    std::string name;
    std::string good;
  };
  std::mt19937_64 random(20261129);
  for (const Form& form :
       {Form{"cef", "CEF:0|V|P|1|sig|name|5|externalId=%"}, Form{"leef", "LEEF:1.0|V|P|1|id|usrName=%"},
        Form{"syslog", "<13>1 2026-11-24T16:00:00Z host app - - - text %"}}) {
    for (int round = 0; round < 100; ++round) {
      std::string text;
      std::size_t good = 0;
      std::vector<std::string> broken_places;
      std::size_t line = 0;
      for (std::uint64_t i = random() % 20; i > 0; --i) {
        ++line;
        switch (random() % 4) {
          case 0:
            text += random() % 2 == 0 ? "" : "  \t";
            break;
          case 1:
            text += form.name == "syslog" ? "<999>x" : random() % 2 == 0 ? "{\"n\":1}" : "\xFF rubbish";
            broken_places.push_back("-:" + std::to_string(line) + ": ");
            break;
          default:
            text += form.good;
            ++good;
        }
        text += random() % 2 == 0 ? "\n" : "\r\n";
      }
      if (random() % 2 == 0 && !text.empty()) text.pop_back();
      const auto said = say_for_test({"query", "source | project 1", "--from", form.name}, text);
      ASSERT_EQ(rows_in(said.out), good) << text << said.err;
      ASSERT_EQ(said.exit, broken_places.empty() ? exit_done : exit_not_done) << text << said.err;
      for (std::size_t i = 0; i < std::min<std::size_t>(broken_places.size(), 5); ++i)
        ASSERT_THAT(said.err, HasSubstr(broken_places[i]));
      const std::pair<std::size_t, std::size_t> told{broken_places.empty() ? 0 : good, broken_places.size()};
      ASSERT_EQ(counts_in(said.err), told);
    }
  }
}

TEST(QueryInput, PrintGivesItsRowWhateverTheInputIs) {
  for (const std::string typed :
       {"", "\n\n", "{\"n\":1}", "{\"n\":1}\n{\"n\":2}", "not JSON", "CEF:0|a|b|c|d|e|1|", "[]"}) {
    const auto said = say_for_test({"query", "print x = 1 + 1, y = 'a'"}, typed);
    EXPECT_EQ(said.out, "{\"x\":2,\"y\":\"a\"}\n") << typed;
    EXPECT_EQ(said.exit, exit_done);
    EXPECT_EQ(said.err, "");
  }
  EXPECT_EQ(say_for_test({"query", "print x = 1 | extend y = x + 1 | where y == 2"}).out, "{\"x\":1,\"y\":2}\n");
  EXPECT_EQ(say_for_test({"query", "print x = 1 | where x == 2"}).out, "");
  EXPECT_EQ(say_for_test({"query", "let t = print x = 1; t"}, "{}\n{}\n").out, "{\"x\":1}\n");
  EXPECT_EQ(say_for_test({"query", "print x = dynamic([1,2]) | mv-expand x"}).out, "{\"x\":1}\n{\"x\":2}\n");
  EXPECT_EQ(say_for_test({"query", "datatable(a:long)[1,2,3] | where a > 1"}).out, "{\"a\":2}\n{\"a\":3}\n");
  EXPECT_EQ(say_for_test({"query", "print x = 1", "--to", "csv"}).out, "x\r\n1\r\n");
  EXPECT_THAT(say_for_test({"query", "print x = 1", "nowhere.ndjson"}).err, HasSubstr("no file was read"));
  EXPECT_EQ(say_for_test({"query", "print x ="}).exit, exit_configuration);
}

TEST(QueryInput, AFileThatCannotBeReadCostsNoOther) {
  const DirectoryForTest directory;
  const std::string good = directory.write("good.ndjson", "{\"n\":1}\n");
  const auto said =
      say_for_test({"query", "source | project n", good, directory.path() + "/none", good, directory.path()});
  EXPECT_EQ(said.out, "{\"n\":1}\n{\"n\":1}\n");
  EXPECT_EQ(said.exit, exit_not_done);
  EXPECT_THAT(said.err, HasSubstr(directory.path() + "/none"));
  EXPECT_THAT(said.err, HasSubstr("expected a file, got a directory"));
}

TEST(QueryInput, RowsOfNdjsonAreLinesHoweverTheRecordWasLaidOut) {
  EXPECT_EQ(say_for_test({"query", "source | where n == 1"}, "{\n  \"n\": 1\r\n}").out, "{   \"n\": 1  }\n");
}

}  // namespace
}  // namespace capstan::app
