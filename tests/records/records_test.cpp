// Pages of nasty records (nasty_records.h) from a seed: cut apart, journaled, read by rules and mappings, written by
// every encoder. The judge is a reader of JSON that was written for tests alone (plain_json.h).
//
//   CAPSTAN_RECORDS_SEED=7 CAPSTAN_RECORDS_PAGES=20000 build/release/tests/records/records_test
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <map>

#include "app/components.h"
#include "base/clock.h"
#include "base/text.h"
#include "config/document.h"
#include "event/batch.h"
#include "event/json_record.h"
#include "event/json_split.h"
#include "nasty_records.h"
#include "plain_json.h"
#include "runtime/transform.h"

namespace capstan {
namespace {

using equipment::NastyKind;
using equipment::NastyRecord;
using equipment::NastyRecords;
using equipment::PlainJson;
using equipment::PlainJsonReader;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class NoHttp final : public net::HttpClient {
public:
  Result<net::Response> send(const net::Request&, const Call&) override {
    return Error(ErrorCode::connection_failed, "an encoder asked for HTTP");
  }
};

std::unique_ptr<Encoder> made(const std::string& yaml) {
  static SystemClock clock;
  static PosixFileSystem files;
  static NoHttp http;
  static World world{clock, files, http};
  config::Findings findings;
  config::Node options = config::parse(yaml, "encode", config::system_references(files), findings);
  const std::string format = options.find("format")->scalar;
  std::erase_if(options.members, [](const config::Node::Member& member) { return member.key == "format"; });
  auto encoder =
      app::builtin_components().encoders.find(format)->make(options, BuildContext{world, "records", {}}, findings);
  for (const config::Finding& finding : findings.all()) ADD_FAILURE() << config::to_string(finding);
  return encoder;
}

// A rule and an encoder.
class Road {
public:
  Road(const std::string& rule, const std::string& encode) : rule_(rule), encode_(encode), encoder_(made(encode)) {
    const std::vector<std::string> feeds{"activities"};
    std::vector<runtime::TransformProblem> problems;
    transform_ = runtime::Transform::compile(rule, kql::schema_of_feeds(feeds), feeds, *encoder_, problems);
    for (const auto& problem : problems) ADD_FAILURE() << runtime::to_string(problem);
    run_ = std::make_unique<runtime::TransformRun>(transform_);
  }
  std::vector<std::string> messages(const RecordView& record) {
    std::string out;
    std::vector<std::string> all;
    const auto appended = run_->append(record, {"contoso", "mdca", from_epoch_ms(1'800'000'000'000)}, out, [&] {
      all.push_back(out);
      out.clear();
    });
    if (!appended) ADD_FAILURE() << appended.error().text();
    return all;
  }
  const std::string& name() const { return encode_; }
  bool has_rule() const { return !rule_.empty(); }

private:
  std::string rule_;
  std::string encode_;
  std::unique_ptr<Encoder> encoder_;
  std::shared_ptr<const runtime::Transform> transform_;
  std::unique_ptr<runtime::TransformRun> run_;
};

// A page of a list, and what stands in it.
struct Page {
  std::vector<NastyRecord> records;
  std::string body;
};
Page made_page(NastyRecords& nasty) {
  Page page;
  page.body = "{\"hasNext\":false,\"data\":[";
  for (std::uint64_t i = nasty.below(8); i > 0; --i) {
    page.records.push_back(nasty.record());
    page.body += (page.records.size() > 1 ? ", " : "") + page.records.back().raw;
  }
  page.body += "],\"total\":3}";
  return page;
}

// As the source reads a record (sources/mdca_records).
RecordView read(std::string_view raw, JsonReader& reader, std::string& id) {
  RecordView record;
  record.feed = "activities";
  record.raw = raw;
  record.is_quarantined = !raw.starts_with('{') || !reader.open(raw) || reader.is_empty();
  record.is_wtf8 = !record.is_quarantined && reader.is_wtf8();
  id = "id";
  record.id = id;
  record.event_time = from_epoch_ms(1'595'096'313'045);
  return record;
}

const PlainJson* member_at(const PlainJson& record, std::initializer_list<std::string_view> path) {
  const PlainJson* at = &record;
  for (const std::string_view name : path) {
    if (name == "0" && at->kind == PlainJson::Kind::array)
      at = at->items.empty() ? nullptr : &at->items.front();
    else
      at = at->find(name);
    if (at == nullptr) return nullptr;
  }
  return at;
}
// Empty where it is no text.
std::string text_member(const PlainJson& record, std::initializer_list<std::string_view> path) {
  const PlainJson* const at = member_at(record, path);
  return at != nullptr && at->kind == PlainJson::Kind::text ? at->text : std::string();
}

class Judge {
public:
  void judge(const RecordView& record, const NastyRecord& known) {
    ++records_;
    const bool is_good = known.kind == NastyKind::good;
    const auto plain = PlainJsonReader::read(record.raw);
    ASSERT_EQ(plain.has_value() && plain->kind == PlainJson::Kind::object && !plain->members.empty(), is_good);
    ASSERT_EQ(record.is_quarantined, !is_good);
    ASSERT_EQ(record.is_wtf8, is_good && !is_utf8(record.raw));
    quarantined_ += is_good ? 0 : 1;
    for (Road& road : plain_roads_) judge_message(road, record, is_good ? &*plain : nullptr);
    if (!is_good) {
      for (Road& road : filters_) ASSERT_EQ(road.messages(record).size(), 1U) << "a rule dropped what it cannot read";
      return;
    }
    judge_texts(record, *plain);
    judge_filters(record, *plain);
  }
  std::size_t records() const { return records_; }
  std::size_t quarantined() const { return quarantined_; }
  std::size_t mended() const { return mended_; }
  std::size_t described() const { return described_; }

private:
  void judge_message(Road& road, const RecordView& record, const PlainJson* plain) {
    const std::vector<std::string> messages = road.messages(record);
    ASSERT_EQ(messages.size(), 1U) << road.name();
    const std::string& message = messages.front();
    ASSERT_TRUE(is_utf8(message)) << road.name();
    ASSERT_EQ(message.find_first_of("\r\n"), std::string::npos) << road.name();
    if (road.name() == json && plain != nullptr) {
      judge_passed_on(message, record);
    } else if (road.name() == json || road.name() == envelope) {
      ASSERT_TRUE(PlainJsonReader::read(message).has_value()) << message;
    }
    if (plain == nullptr) {
      const std::string_view mark =
          road.name().starts_with("{format: json") ? R"("quarantined":true)" : "QUARANTINED_RECORD";
      ASSERT_THAT(message, testing::HasSubstr(mark)) << road.name();
    } else if (road.name() == cef || road.name() == agent || road.name() == own) {
      judge_description(message, *plain);
    }
  }
  // Byte by byte, but for line ends between tokens and bytes that are no UTF-8.
  void judge_passed_on(std::string message, const RecordView& record) {
    std::string raw = record.is_wtf8 ? PlainJsonReader::text_of(record.raw).value() : std::string(record.raw);
    for (char& c : raw)
      if (c == '\n' || c == '\r') c = ' ';
    ASSERT_EQ(message, raw);
  }
  // Where CEF has nothing to do but escape.
  void judge_description(const std::string& message, const PlainJson& plain) {
    const std::string text = text_member(plain, {"description"});
    const bool has_control = std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    if (text.empty() || text.size() > 900 || has_control || text.starts_with(' ') || text.ends_with(' ')) return;
    ++described_;
    std::string escaped;
    for (const char c : text) escaped += (c == '\\' || c == '=' ? "\\" : "") + std::string(1, c);
    ASSERT_THAT(message, testing::HasSubstr("msg=" + escaped)) << text;
  }
  void judge_texts(const RecordView& record, const PlainJson& plain) {
    const std::vector<std::string> rows = texts_.messages(record);
    ASSERT_EQ(rows.size(), 1U);
    ASSERT_TRUE(is_utf8(rows.front()));
    const auto row = PlainJsonReader::read(rows.front());
    ASSERT_TRUE(row.has_value()) << rows.front();
    const std::string text = text_member(plain, {"text"});
    ASSERT_EQ(text_member(*row, {"t"}), text);
    const PlainJson* const name = member_at(plain, {"user", "name"});
    const bool is_text = name == nullptr || name->kind == PlainJson::Kind::text;
    ASSERT_EQ(is_text ? text_member(*row, {"name"}) : "", text_member(plain, {"user", "name"}));
    ASSERT_EQ(text_member(*row, {"item"}), text_member(plain, {"list", "0", "name"}));
    ASSERT_EQ(text_member(*row, {"joined"}), "<" + text + ">");
    ASSERT_EQ(text_member(*row, {"copied", "name"}), text_member(plain, {"user", "name"}));
    mended_ += text.contains("\xEF\xBF\xBD") ? 1 : 0;
    const PlainJson* const user = plain.find("user");
    if (user != nullptr && user->kind == PlainJson::Kind::object && !has_repeated_name(*user)) {
      // All that stands in an object stands in its text.
      const auto as_text = PlainJsonReader::read(text_member(*row, {"user"}));
      ASSERT_TRUE(as_text.has_value()) << rows.front();
      ASSERT_EQ(text_member(*as_text, {"name"}), text_member(*user, {"name"}));
    }
    // Members that the rule does not touch go on.
    const std::vector<std::string> extended = extended_.messages(record);
    ASSERT_EQ(extended.size(), 1U);
    const auto open = PlainJsonReader::read(extended.front());
    ASSERT_TRUE(open.has_value()) << extended.front();
    ASSERT_EQ(open->members.size(), plain.members.size() + 1);
    for (std::size_t i = 0; i < plain.members.size(); ++i) {
      ASSERT_EQ(open->members[i].name, plain.members[i].name);
      ASSERT_EQ(open->members[i].value.all_texts(), plain.members[i].value.all_texts());
    }
  }
  void judge_filters(const RecordView& record, const PlainJson& plain) {
    const std::string text = text_member(plain, {"text"});
    const std::string needle(NastyRecords::needle);
    const PlainJson* const user = plain.find("user");
    const bool is_in_user = user != nullptr && user->all_texts().contains(needle);
    const std::array<bool, 5> wanted{text.contains(needle), text.contains(needle), has_term(text, needle), is_in_user,
                                     text.contains("\xEF\xBF\xBD")};
    for (std::size_t i = 0; i < filters_.size(); ++i) {
      const std::vector<std::string> kept = filters_[i].messages(record);
      // Of repeated names inside "user" the last is in its text; then the needle may stand in another.
      if (i == 3 && is_in_user && kept.empty()) {
        ASSERT_TRUE(has_repeated_name(*user)) << record.raw;
        continue;
      }
      ASSERT_EQ(kept.size(), wanted[i] ? 1U : 0U) << i << ": " << text;
    }
  }
  static bool has_repeated_name(const PlainJson& value) {
    for (std::size_t i = 0; i < value.members.size(); ++i) {
      if (has_repeated_name(value.members[i].value)) return true;
      for (std::size_t j = 0; j < i; ++j)
        if (value.members[i].name == value.members[j].name) return true;
    }
    return std::ranges::any_of(value.items, has_repeated_name);
  }
  // Terms are runs of letters and digits. Beyond ASCII U+FFFD, U+FFFF, emoji and U+2028 are none; the rest that the
  // generator writes is.
  static bool has_term(const std::string& text, const std::string& needle) {
    const auto is_letter = [&](std::size_t at, bool is_before) {
      if (at >= text.size()) return false;
      const auto c = static_cast<unsigned char>(text[at]);
      if (c < 0x80) return std::isalnum(c) != 0;
      std::size_t begin = at;
      while (is_before && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
      const std::string_view character = std::string_view(text).substr(begin);
      for (const std::string_view other : {"\xEF\xBF\xBD", "\xEF\xBF\xBF", "\xF0\x9F", "\xE2\x80\xA8"})
        if (character.starts_with(other)) return false;
      return true;
    };
    for (std::size_t at = text.find(needle); at != std::string::npos; at = text.find(needle, at + 1))
      if ((at == 0 || !is_letter(at - 1, true)) && !is_letter(at + needle.size(), false)) return true;
    return false;
  }

  static inline const std::string json = "{format: json}";
  static inline const std::string envelope = "{format: json, envelope: true}";
  static inline const std::string cef = "{format: cef}";
  static inline const std::string agent = "{format: cef, profile: siem-agent}";
  static inline const std::string own =
      "{format: cef, mapping: {format: cef, feeds: [activities], records: [{header: {signature: '\"x\"', name: "
      "'\"y\"', "
      "severity: 0}, extension: {msg: tostring(description)}}]}}";
  std::array<Road, 6> plain_roads_{Road("", json),  Road("", envelope),         Road("", cef),
                                   Road("", agent), Road("", "{format: leef}"), Road("", own)};
  Road texts_{
      "source | project t = tostring(['text']), name = tostring(user.name), item = tostring(['list'][0].name), "
      "joined = strcat('<', ['text'], '>'), user = tostring(user), copied = user",
      json};
  Road extended_{"source | extend capstan_more = strlen(['text'])", json};
  std::array<Road, 5> filters_{Road("source | where ['text'] contains 'MIMIkatz'", json),
                               Road("source | where tostring(['text']) matches regex 'mimikatz'", json),
                               Road("source | where ['text'] has 'Mimikatz'", json),
                               Road("source | where tostring(user) contains_cs 'mimikatz'", json),
                               Road("source | where indexof(tostring(['text']), '\\uFFFD') >= 0", json)};
  std::size_t records_ = 0;
  std::size_t quarantined_ = 0;
  std::size_t mended_ = 0;
  std::size_t described_ = 0;
};

TEST(Records, EveryRecordOfAPageArrivesAndEveryTextSaysWhatItSaid) {
  const std::uint64_t first = number_from("CAPSTAN_RECORDS_SEED", 1);
  const std::uint64_t pages = number_from("CAPSTAN_RECORDS_PAGES", 1500);
  Judge judge;
  JsonReader reader;
  std::map<NastyKind, std::size_t> kinds;
  for (std::uint64_t seed = first; seed < first + pages; ++seed) {
    SCOPED_TRACE("CAPSTAN_RECORDS_SEED=" + std::to_string(seed));
    NastyRecords nasty(seed);
    const Page page = made_page(nasty);
    const auto members = split_object(page.body);
    ASSERT_TRUE(members) << members.error().text();
    ASSERT_EQ(members->size(), 3U);
    const auto items = split_array(members->at(1).value);
    ASSERT_TRUE(items) << items.error().text();
    ASSERT_EQ(items->size(), page.records.size());
    Batch batch;
    std::string id;
    for (const std::string_view item : *items) ASSERT_TRUE(batch.add(read(item, reader, id)).has_value());
    for (std::size_t i = 0; i < page.records.size(); ++i) {
      ASSERT_EQ(batch[i].raw, page.records[i].raw);
      ++kinds[page.records[i].kind];
      judge.judge(batch[i], page.records[i]);
      if (testing::Test::HasFatalFailure()) {
        std::cout << page.records[i].raw.substr(0, 3000) << '\n';
        return;
      }
    }
  }
  std::cout << pages << " pages, " << judge.records() << " records, " << judge.quarantined() << " quarantined, "
            << judge.mended() << " with halves of surrogate pairs in the text, " << judge.described()
            << " texts compared in CEF\n";
  EXPECT_EQ(judge.quarantined(), judge.records() - kinds[NastyKind::good]);
  if (pages >= 1000) {
    EXPECT_GT(judge.mended(), pages / 2);
    for (const NastyKind kind : {NastyKind::good, NastyKind::empty, NastyKind::no_object, NastyKind::deep,
                                 NastyKind::broken, NastyKind::not_utf8})
      EXPECT_GT(kinds[kind], pages / 10) << static_cast<int>(kind);
  }
}

}  // namespace
}  // namespace capstan
