// Every encoder writes one valid line of UTF-8 for whatever a service sends, and the same line every time.
#include <gtest/gtest.h>

#include "base/text.h"
#include "contract.h"
#include "runtime/transform.h"

namespace capstan::contract {
namespace {

struct Sent {
  std::string name;
  std::string json;
  bool is_quarantined = false;
};

std::string deep(int levels) {
  std::string text;
  for (int i = 0; i < levels; ++i) text += R"({"a":[)";
  text += "1";
  for (int i = 0; i < levels; ++i) text += "]}";
  return text;
}

std::vector<Sent> what_services_send() {
  const std::string long_text(10U << 20, 'x');
  return {
      {"an activity",
       R"({"_id":"id-1","timestamp":1595096313045,"created":1595096400000,"description":"Log on: user \"a|b\" = c\\d","user":{"userName":"a@contoso.example"},"device":{"clientIP":"192.0.2.1"},"severity":"INFO"})"},
      {"an empty object", "{}"},
      {"line ends in text", R"({"_id":"a\nb\r\nc","description":"one\ntwo\r\nthree\u2028four\u0000five\u0085six"})"},
      {"line ends between tokens", "{\n\t\"_id\" : \"a\",\r\n \"n\" : 1\n}\n"},
      {"every wrong type",
       R"({"_id":17,"timestamp":"soon","created":null,"description":[1,{"a":2}],"user":"me","device":[],"severity":{}})"},
      {"nulls", R"({"_id":null,"timestamp":null,"user":null,"device":{"clientIP":null},"entities":null,"title":null})"},
      {"large numbers", R"({"_id":"n","timestamp":9007199254740993,"n":123456789012345678901234567890,"f":1e400})"},
      {"names that differ in case", R"({"_id":"a","ID":"b","id":"c","User":{"UserName":"x"},"user":{"userName":"y"}})"},
      {"the same name twice", R"({"_id":"a","_id":"b","description":"one","description":"two"})"},
      {"a lone surrogate", R"({"_id":"a","description":"\ud800 alone","user":{"userName":"\udfff"}})"},
      {"not ASCII", R"({"_id":"ä","description":"größer 漢字 🚢 \u202e","user":{"userName":"Zoë"}})"},
      {"deep", deep(60)},
      {"ten megabytes",
       R"({"_id":"big","description":")" + long_text + R"(","user":{"userName":")" + long_text + R"("}})"},
      {"quarantined: not UTF-8", "{\"_id\":\"a\",\"description\":\"\xff\xfe\xc3\x28 \xed\xa0\x80\"}", true},
      {"quarantined: cut off", R"({"_id":"a","description":"cut)", true},
      {"quarantined: line ends", "{\"_id\":\"a\"\r\n\n\0garbage", true},
      {"quarantined: nothing", "", true},
      {"quarantined: ten megabytes of rubbish", std::string(10U << 20, '\xff'), true},
  };
}

// Owns what the row looks at.
class Held {
public:
  Held(const Encoder& encoder, const Sent& sent, const std::string& feed, RecordKind kind) : feed_(feed) {
    padded_ = sent.json;
    padded_.append(raw_padding, '\0');
    record_.feed = feed_;
    record_.id = "id|=\\\n\"1";
    record_.raw = std::string_view(padded_).substr(0, sent.json.size());
    record_.event_time = from_epoch_ms(1'595'096'313'045);
    record_.saved_time = from_epoch_ms(1'595'096'400'000);
    record_.kind = kind;
    record_.is_quarantined = sent.is_quarantined;
    const std::vector<std::string> feeds{feed_};
    std::vector<runtime::TransformProblem> problems;
    transform_ = runtime::Transform::compile("", kql::schema_of_feeds(feeds), feeds, encoder, problems);
    for (const auto& problem : problems) ADD_FAILURE() << runtime::to_string(problem);
  }
  Result<> write(std::string& out) const {
    runtime::TransformRun run(transform_);
    return run.append(record_, {"contoso|=\n", "contoso_mdca", from_epoch_ms(1'595'096'500'000)}, out, [] {});
  }

private:
  std::string feed_;
  std::string padded_;
  RecordView record_;
  std::shared_ptr<const runtime::Transform> transform_;
};

void one_line_of_utf8(const std::string& out, const std::string& about) {
  EXPECT_FALSE(out.empty()) << about;
  EXPECT_TRUE(is_utf8(out)) << about;
  EXPECT_EQ(out.find_first_of(std::string_view("\n\r\0", 3)), std::string::npos) << about;
}

void check(const Encoder& encoder, const std::string& about) {
  for (const auto& sent : what_services_send()) {
    for (const char* feed : {"activities", "alerts", "entities", "subnets", "files", "a feed nobody knows"}) {
      // The large ones once are enough.
      if (sent.json.size() > 1'000'000 && (std::string_view(feed) != "activities" || !about.ends_with(", example")))
        continue;
      const std::string where = about + ", " + feed + ", " + sent.name;
      const Held held(encoder, sent, feed, RecordKind::created);
      std::string out = "before";
      const auto encoded = held.write(out);
      ASSERT_TRUE(out.starts_with("before")) << where << ": what stood in `out` was changed";
      if (!encoded) {
        EXPECT_EQ(out, "before") << where << ": an error left something in `out`";
        EXPECT_EQ(encoded.error().code(), ErrorCode::not_encodable) << where;
        EXPECT_FALSE(sent.is_quarantined) << where << ": a quarantined record is encoded, too";
        continue;
      }
      one_line_of_utf8(out.substr(6), where);
      std::string again;
      ASSERT_TRUE(held.write(again).has_value()) << where;
      EXPECT_TRUE(again == out.substr(6)) << where << ": the second time was another";
    }
  }
}

TEST(Encoders, write_one_line_of_utf8_for_everything_and_always_the_same) {
  WatchedFiles files;
  for (const auto& kind : app::builtin_components().encoders.all()) {
    std::size_t made = 0;
    for (const auto& variation : variations(kind)) {
      Workshop workshop(files);
      const auto encoder = workshop.make(kind, variation.options);
      if (encoder == nullptr) continue;
      ++made;
      check(*encoder, kind.name + ", " + variation.name);
    }
    EXPECT_GE(made, 1U) << kind.name;
  }
  EXPECT_EQ(files.touches, 0) << "an encoder touched the disk";
}

TEST(Encoders, an_update_says_that_it_is_one_or_is_at_least_encoded) {
  WatchedFiles files;
  for (const auto& kind : app::builtin_components().encoders.all()) {
    Workshop workshop(files);
    const auto encoder = workshop.make(kind, variations(kind).front().options);
    ASSERT_NE(encoder, nullptr);
    const Held held(*encoder, what_services_send()[0], "alerts", RecordKind::updated);
    std::string out;
    EXPECT_TRUE(held.write(out).has_value());
    one_line_of_utf8(out, kind.name);
  }
}

}  // namespace
}  // namespace capstan::contract
