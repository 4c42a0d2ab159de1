#include "runtime/explain.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <boost/json.hpp>
#include <filesystem>

#include "verify_equipment.h"

namespace capstan::runtime {
namespace {

using equipment::Made;
using equipment::MemoryJournal;

struct Explain : testing::Test {
  Explain() {
    for (int i = 0; i < 20; ++i) put("a" + std::to_string(i), RecordKind::created);
    put("a3", RecordKind::updated);
  }
  void put(const std::string& id, RecordKind kind) {
    Made made;
    made.id = id;
    made.saved_ms = 1'760'000'000'000 + static_cast<std::int64_t>(journal.size()) * 1000;
    made.raw = R"({"_id":")" + id + R"(","n":9007199254740993})";
    made.kind = kind;
    journal.put(made);
  }
  ExplainSource source() {
    ExplainRoute siem{"siem", "arcsight", {}, {}, {}};
    siem.cursor.position = MemoryJournal::position(10);
    ExplainRoute alerts{"alerts", "file", {}, {"alerts"}, {}};
    ExplainRoute picky{"picky", "file", {}, {}, [](const store::Slice::Item& i) { return i.record.id == "a4"; }};
    picky.cursor.position = MemoryJournal::position(21);
    picky.proof = Sink::Proof::not_provable;
    ExplainSource s;
    s.name = "mdca";
    s.tenant = "contoso";
    s.journal = &journal;
    s.routes = {siem, alerts, picky};
    s.dead_letters = [](std::string_view id) -> Result<std::vector<ExplainedDeadLetter>> {
      if (id != "a5") return std::vector<ExplainedDeadLetter>{};
      return std::vector<ExplainedDeadLetter>{{"siem", MemoryJournal::position(5), "writing: no [E5003]"}};
    };
    return s;
  }
  Result<EventLife> life(std::string_view id) { return explain(id, {source()}, stop.get_token()); }

  MemoryJournal journal;
  std::stop_source stop;
};

TEST_F(Explain, tells_every_version_and_every_route) {
  const auto life = this->life("a3");
  ASSERT_TRUE(life.has_value());
  ASSERT_EQ(life->versions.size(), 2U);
  EXPECT_EQ(life->versions[0].kind, RecordKind::created);
  EXPECT_EQ(life->versions[1].kind, RecordKind::updated);
  ASSERT_EQ(life->versions[0].routes.size(), 3U);
  EXPECT_EQ(life->versions[0].routes[0].state, RouteFate::State::delivered);
  EXPECT_EQ(life->versions[0].routes[1].state, RouteFate::State::not_for_this_route);
  EXPECT_EQ(life->versions[1].routes[0].state, RouteFate::State::waiting);
  EXPECT_EQ(life->versions[1].routes[0].records_before, 10U);
  EXPECT_EQ(life->records_searched, 21U);
}

// When, where and in which attempt; what the rule of that day did is not what the rule of today would do.
TEST_F(Explain, receipts_say_when_and_where_and_what_the_rule_of_that_day_did) {
  std::string root = (std::filesystem::temp_directory_path() / "capstan_explain_XXXXXX").string();
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  PosixFileSystem files;
  {
    store::ReceiptWriter writer(files, root);
    store::Receipt receipt;
    receipt.from = MemoryJournal::position(2);
    receipt.to = MemoryJournal::position(6);
    receipt.first_attempt = from_epoch_ms(1'760'000'100'000);
    receipt.last_attempt = receipt.acknowledged = from_epoch_ms(1'760'000'200'000);
    receipt.destination = "syslog tls://siem.example:6514";
    receipt.proof = Sink::Proof::acknowledged_by_kernel;
    receipt.attempts = 4;
    receipt.outcomes = {{MemoryJournal::position(2), store::Outcome::delivered},
                        {MemoryJournal::position(3), store::Outcome::dropped},
                        {MemoryJournal::position(4), store::Outcome::delivered}};
    writer.add("siem", receipt);
    writer.add("picky", receipt);
    ASSERT_TRUE(writer.flush());
  }
  ExplainSource told = source();
  told.receipts = store::Receipts::open(files, root).value();
  const auto fate_of = [&](std::string_view id, std::size_t route) {
    return explain(id, {told}, stop.get_token()).value().versions.at(0).routes.at(route);
  };
  const RouteFate delivered = fate_of("a2", 0);
  EXPECT_EQ(delivered.state, RouteFate::State::delivered);
  ASSERT_EQ(delivered.receipts.size(), 1U);
  EXPECT_EQ(delivered.receipts[0].attempts, 4U);
  EXPECT_EQ(fate_of("a3", 0).state, RouteFate::State::dropped_by_rule);
  // The rule of today drops a4, and sends nothing that can be proved.
  EXPECT_EQ(fate_of("a4", 2).state, RouteFate::State::delivered);
  EXPECT_TRUE(fate_of("a9", 0).receipts.empty());
  const std::string text = to_text(explain("a2", {told}, stop.get_token()).value());
  EXPECT_NE(text.find("acknowledged 2025-10-09T08:56:40.000Z by syslog tls://siem.example:6514, attempt 4"),
            std::string::npos)
      << text;
  std::filesystem::remove_all(root);
}

TEST_F(Explain, names_the_dead_letter_and_the_rule) {
  const auto dead = life("a5");
  ASSERT_TRUE(dead.has_value());
  EXPECT_EQ(dead->versions[0].routes[0].state, RouteFate::State::dead_lettered);
  EXPECT_EQ(dead->versions[0].routes[0].error, "writing: no [E5003]");
  EXPECT_EQ(dead->versions[0].routes[2].state, RouteFate::State::sent);
  const auto dropped = life("a4");
  ASSERT_TRUE(dropped.has_value());
  EXPECT_EQ(dropped->versions[0].routes[2].state, RouteFate::State::dropped_by_rule);
}

TEST_F(Explain, an_unknown_id_is_not_found) {
  const auto life = this->life("nobody");
  ASSERT_FALSE(life.has_value());
  EXPECT_EQ(life.error().code(), ErrorCode::not_found);
  EXPECT_NE(life.error().text().find("nobody"), std::string::npos);
}

TEST_F(Explain, reads_as_text_and_as_json_without_losing_digits) {
  const auto life = this->life("a3");
  ASSERT_TRUE(life.has_value());
  const std::string text = to_text(*life);
  EXPECT_NE(text.find("route siem"), std::string::npos) << text;
  EXPECT_NE(text.find("9007199254740993"), std::string::npos) << text;
  const auto json = boost::json::parse(to_json(*life)).as_object();
  EXPECT_EQ(json.at("versions").as_array().size(), 2U);
  const auto& raw = json.at("versions").as_array().at(0).as_object().at("raw").as_string();
  EXPECT_NE(raw.find("9007199254740993"), std::string::npos);
}

TEST_F(Explain, bytes_that_are_not_utf8_still_give_json) {
  Made made;
  made.id = "\xff\xfe";
  made.raw = "{\"x\":\"\xc3\x28\"";
  made.is_quarantined = true;
  journal.put(made);
  const auto life = this->life("\xff\xfe");
  ASSERT_TRUE(life.has_value());
  EXPECT_NO_THROW(boost::json::parse(to_json(*life)));
}

}  // namespace
}  // namespace capstan::runtime
