// Tables that change while rules run: files that people edit, ranges that the journal brings.
#include "runtime/table_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "engine_equipment.h"
#include "kql/subnets.h"

namespace capstan::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class TableKeeperTest : public testing::Test {
protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "capstan_tables_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    data_dir_ = name;
    std::filesystem::create_directories(name + "/sources/mdca");
    reopen_journal();
  }
  void TearDown() override {
    journal_.reset();
    std::filesystem::remove_all(data_dir_);
  }

  void reopen_journal() {
    journal_.reset();
    store::JournalOptions options;
    options.reserve = 0_B;
    auto opened = store::Journal::open(disk_, clock_, data_dir_ + "/sources/mdca/journal", options);
    ASSERT_TRUE(opened) << opened.error().text();
    journal_ = std::move(*opened);
  }
  void write(const std::string& name, std::string_view text) const { std::ofstream(data_dir_ + "/" + name) << text; }
  std::string read(const std::string& name) const {
    std::ifstream in(data_dir_ + "/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  // A file of the configuration; the error's text when it is refused.
  std::string add_file(const std::string& name, std::string schema = {}) {
    FileTableOptions options;
    options.file = data_dir_ + "/" + name;
    options.schema = std::move(schema);
    auto table = FileTable::open(disk_, "offices", options, clock_.now());
    if (!table) return table.error().text();
    tables_.files.push_back(std::move(*table));
    return {};
  }
  void add_subnets() {
    tables_.subnets.push_back(
        {{"mdca"}, std::make_shared<kql::LiveTable>("subnets", kql::TableBuilder(kql::subnet_columns()).finish())});
  }
  void open(TableKeeper::Writes writes = TableKeeper::Writes::yes) {
    keeper_ = TableKeeper::open(data_dir_, disk_, clock_, tables_, journals(), writes);
  }
  void step() { keeper_->step(tables_, journals()); }
  std::vector<TableKeeper::JournalOfSource> journals() const { return {{"mdca", "contoso", journal_}}; }

  void append(std::string_view feed, std::string_view id, const std::string& raw) const {
    Batch batch;
    ASSERT_TRUE(batch.add({.feed = feed, .id = id, .raw = raw}).has_value());
    ASSERT_TRUE(journal_->append(batch, {"next"}).has_value());
    ASSERT_TRUE(journal_->sync().has_value());
  }
  void append_range(std::string_view id, std::string_view range, std::string_view name) const {
    append(
        "subnets", id,
        "{\"name\":\"" + std::string(name) + "\",\n\"subnets\":[{\"originalString\":\"" + std::string(range) + "\"}]}");
  }

  // "range name" of every row.
  static std::vector<std::string> rows(const kql::LiveTable& table) {
    std::vector<std::string> all;
    const kql::TablePtr now = table.now();
    for (std::size_t i = 0; i < now->size(); ++i)
      all.push_back(std::string(now->row(i)[0].text) + " " + std::string(now->row(i)[1].text));
    return all;
  }
  std::vector<std::string> offices() const { return rows(*tables_.files.at(0)->live()); }
  std::vector<std::string> ranges() const { return rows(*tables_.subnets.at(0).live); }
  TableStatus status() const { return keeper_->status().at(0); }

  equipment::ManualClock clock_;
  equipment::RoomyDisk disk_;
  std::string data_dir_;
  TablesInUse tables_;
  std::shared_ptr<store::Journal> journal_;
  std::unique_ptr<TableKeeper> keeper_;
};

TEST_F(TableKeeperTest, a_changed_file_is_read_again_and_not_before_its_time) {
  write("offices.csv", "range,office\n10.0.0.0/8,Bern\n");
  ASSERT_EQ(add_file("offices.csv"), "");
  open();
  EXPECT_THAT(offices(), ElementsAre("10.0.0.0/8 Bern"));
  write("offices.csv", "office,note,range\nOslo,new,192.0.2.0/24\n");
  clock_.advance(std::chrono::seconds(59));
  step();
  EXPECT_THAT(offices(), ElementsAre("10.0.0.0/8 Bern"));
  clock_.advance(std::chrono::seconds(1));
  step();
  EXPECT_THAT(offices(), ElementsAre("192.0.2.0/24 Oslo")) << "columns are found by their names";
  EXPECT_EQ(status().rows, 1U);
  EXPECT_EQ(status().reloads, 1U);
  EXPECT_EQ(status().loaded, clock_.now());
}

TEST_F(TableKeeperTest, a_broken_file_leaves_the_table_that_was) {
  write("offices.csv", "range,office\n10.0.0.0/8,Bern\n");
  ASSERT_EQ(add_file("offices.csv"), "");
  open();
  const auto step_after = [&](std::string_view text) {
    if (text.empty()) {
      std::filesystem::remove(data_dir_ + "/offices.csv");
    } else {
      write("offices.csv", text);
    }
    clock_.advance(std::chrono::minutes(1));
    step();
  };
  step_after("range,office\n10.0.0.0/8\n");
  EXPECT_THAT(offices(), ElementsAre("10.0.0.0/8 Bern"));
  EXPECT_EQ(status().code, ErrorCode::table_refused);
  EXPECT_THAT(status().error, HasSubstr("offices.csv:2: expected 2 cells, got 1 [E6005]"));
  step_after("range\n10.0.0.0/8\n");
  EXPECT_THAT(status().error, HasSubstr("expected a column \"office\""));
  step_after("");
  EXPECT_EQ(status().code, ErrorCode::unreadable_file);
  EXPECT_THAT(offices(), ElementsAre("10.0.0.0/8 Bern"));
  step_after("range,office\n10.0.0.0/8,Bern\n");
  EXPECT_EQ(status().code, std::nullopt);
  EXPECT_EQ(status().error, "");
  EXPECT_THAT(offices(), ElementsAre("10.0.0.0/8 Bern"));
}

TEST_F(TableKeeperTest, the_same_mistake_is_an_error_once) {
  write("offices.csv", "range,office\n");
  ASSERT_EQ(add_file("offices.csv"), "");
  FileTable& table = *tables_.files[0];
  write("offices.csv", "range,office\n\"\n");
  EXPECT_FALSE(table.reload(clock_.now()).has_value());
  EXPECT_FALSE(table.reload(clock_.now()).value());
  EXPECT_EQ(table.status().code, ErrorCode::table_refused);
  std::filesystem::remove(data_dir_ + "/offices.csv");
  EXPECT_FALSE(table.reload(clock_.now()).has_value());
  EXPECT_FALSE(table.reload(clock_.now()).value());
}

TEST_F(TableKeeperTest, a_file_that_cannot_be_read_is_refused_at_the_start) {
  EXPECT_THAT(add_file("none.csv"), HasSubstr("E1002"));
  write("offices.txt", "a\n");
  EXPECT_THAT(add_file("offices.txt"), HasSubstr("expected a file that ends with .csv, .json, .ndjson or .jsonl"));
  write("offices.csv", "range\nx\n");
  EXPECT_THAT(add_file("offices.csv", "range:long"), HasSubstr("offices.csv:2: range: expected long, got \"x\""));
  EXPECT_THAT(add_file("offices.csv", "range:lang"), HasSubstr("got \"lang\""));
}

TEST_F(TableKeeperTest, ranges_come_from_the_journal_newest_first_of_an_id) {
  append_range("1", "10.0.0.0/8", "old");
  append("activities", "1", R"({"subnets":[{"originalString":"192.0.2.0/24"}]})");
  append_range("2", "10.2.0.0/16", "two");
  append_range("1", "10.0.0.0/8", "new");
  add_subnets();
  open();
  EXPECT_THAT(ranges(), ElementsAre("10.0.0.0/8 new", "10.2.0.0/16 two"));
  append_range("3", "10.3.0.0/16", "three");
  step();
  EXPECT_THAT(ranges(), ElementsAre("10.0.0.0/8 new", "10.2.0.0/16 two", "10.3.0.0/16 three"));
  EXPECT_EQ(status().rows, 3U);
  EXPECT_EQ(status().from, "feed subnets of mdca");
}

TEST_F(TableKeeperTest, what_the_journal_has_forgotten_is_still_known_after_a_restart) {
  append_range("1", "10.0.0.0/8", "kept");
  for (int i = 0; i < 50; ++i) append("activities", std::to_string(i), "{}");
  add_subnets();
  open();
  step();
  keeper_->close();
  keeper_.reset();
  // The journal forgets by losing its segments.
  journal_.reset();
  tables_.subnets.clear();
  std::filesystem::remove_all(data_dir_ + "/sources/mdca/journal");
  reopen_journal();
  append_range("2", "10.2.0.0/16", "fresh");
  add_subnets();
  open();
  EXPECT_THAT(ranges(), ElementsAre("10.0.0.0/8 kept", "10.2.0.0/16 fresh"));
}

TEST_F(TableKeeperTest, a_damaged_file_of_ranges_costs_reading_the_journal) {
  append_range("1", "10.0.0.0/8", "one");
  add_subnets();
  open();
  keeper_->close();
  for (const std::string& damage : {std::string("{\"format\":2,\"offset\":0,\"index\":0}\n"), std::string("\xFF"),
                                    read("sources/mdca/subnets").substr(0, 70), std::string("{}")}) {
    write("sources/mdca/subnets", damage);
    tables_.subnets.clear();
    add_subnets();
    open();
    EXPECT_THAT(ranges(), ElementsAre("10.0.0.0/8 one")) << damage;
  }
}

TEST_F(TableKeeperTest, somebody_who_only_looks_writes_nothing) {
  append_range("1", "10.0.0.0/8", "one");
  add_subnets();
  open(TableKeeper::Writes::no);
  step();
  keeper_->close();
  EXPECT_THAT(ranges(), ElementsAre("10.0.0.0/8 one"));
  EXPECT_FALSE(std::filesystem::exists(data_dir_ + "/sources/mdca/subnets"));
}

TEST_F(TableKeeperTest, more_ranges_than_fit_are_refused_and_said) {
  add_subnets();
  const std::string wide(1U << 20, 'x');
  for (int i = 0; i < 33; ++i) append_range(std::to_string(100 + i), "10.0.0.0/8", wide);
  append_range("1", "10.1.0.0/16", "small");
  open();
  EXPECT_EQ(tables_.subnets[0].live->now()->size(), 32U);
  EXPECT_EQ(status().code, ErrorCode::table_refused);
  EXPECT_THAT(status().error, HasSubstr("keeping the ranges of mdca: expected at most 32MiB"));
}

TEST_F(TableKeeperTest, a_route_that_looks_up_in_ranges_waits_for_the_first_of_them) {
  add_subnets();
  RoutePlan route;
  route.tables = tables_;
  const RoutePlan other;
  open();
  EXPECT_TRUE(keeper_->is_ready(other));
  EXPECT_FALSE(keeper_->is_ready(route));
  keeper_->note_read("mdca");
  step();
  EXPECT_FALSE(keeper_->is_ready(route));
  EXPECT_TRUE(keeper_->waits_for("mdca"));
  keeper_->note_read("mdca");
  step();
  EXPECT_FALSE(keeper_->waits_for("mdca"));
  EXPECT_TRUE(keeper_->is_ready(route));
  // Not for ever, and not again once ranges were kept.
  keeper_->close();
  std::filesystem::remove(data_dir_ + "/sources/mdca/subnets");
  open();
  EXPECT_FALSE(keeper_->is_ready(route));
  clock_.advance(TableKeeper::patience + std::chrono::seconds(1));
  step();
  EXPECT_TRUE(keeper_->is_ready(route));
  append_range("1", "10.0.0.0/8", "one");
  step();
  keeper_->close();
  open();
  EXPECT_TRUE(keeper_->is_ready(route));
}

TEST_F(TableKeeperTest, what_a_reload_brings_is_kept_and_what_it_takes_away_is_let_go) {
  write("offices.csv", "range,office\n10.0.0.0/8,Bern\n");
  append_range("1", "10.0.0.0/8", "one");
  open();
  EXPECT_THAT(keeper_->status(), IsEmpty());
  ASSERT_EQ(add_file("offices.csv"), "");
  ASSERT_EQ(add_file("offices.csv"), "") << "one of a route that is kept, one of a route that is new";
  add_subnets();
  RoutePlan route;
  route.tables = tables_;
  EXPECT_FALSE(keeper_->is_ready(route)) << "nobody has looked at its ranges yet";
  step();
  EXPECT_THAT(ranges(), ElementsAre("10.0.0.0/8 one"));
  EXPECT_EQ(keeper_->status().size(), 2U) << "one file, and ranges";
  write("offices.csv", "range,office\n10.0.0.0/8,Oslo\n");
  clock_.advance(std::chrono::minutes(1));
  step();
  for (const auto& file : tables_.files) EXPECT_THAT(rows(*file->live()), ElementsAre("10.0.0.0/8 Oslo"));
  tables_ = {};
  step();
  EXPECT_THAT(keeper_->status(), IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(data_dir_ + "/sources/mdca/subnets"));
}

}  // namespace
}  // namespace capstan::runtime
