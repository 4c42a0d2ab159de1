// Services that misbehave in every way at once, made from a seed, and an oracle that knows what they have:
//
//   what an answer showed is in the batches             nothing that was seen is let go
//   what the tenant has is in the batches, at the end   nothing is skipped
//   questions stay within a bound                       nothing turns for ever
//   a window that ends without an error is whole        nothing is proved that was not read
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "fake_tenant.h"

namespace capstan::mdca {
namespace {

constexpr std::int64_t minute = 60'000;
constexpr int minutes_of_storm = 60;
constexpr int minutes_of_calm = 70;  // a deep look and a look into the archive belong to it

class Hostile {
public:
  explicit Hostile(std::uint64_t seed) : random_(seed) {
    choose_habits();
    tenant_.mishear = [this](const std::string&, json::object& question) { mishear(question); };
    tenant_.bend = [this](const std::string& path, const json::object&) { return bend(path); };
    tenant_.twist = [this](const std::string& path, const json::object& question, json::object& answer) {
      twist(path, question, answer);
    };
    tenant_.sent = [this](const std::string& path, const net::Response& response) { note_shown(path, response); };
    tenant_.next_date_ahead = [this] { return date_ahead(); };
  }

  void run() {
    for (int i = 0; i < 300; ++i) add_activity(tenant_.server_now() - 40 * 3'600'000 + i * 7 * minute, 0);
    Collector collector(tenant_, clock_, "feeds: [alerts, activities, entities]\ninventory_interval: 20m\n");
    for (int i = 0; i < 150; ++i)
      tenant_.lists["entities/"].push_back({fmt::format(R"({{"_id":"e{:04}","type":1}})", i), i, i, 0});
    for (int i = 0; i < minutes_of_storm; ++i) pass_a_minute(collector, chance(6));
    is_calm_ = true;
    for (int i = 0; i < minutes_of_calm; ++i) pass_a_minute(collector, false);
    judge(collector);
    ask_for_windows();
  }

  std::string habits() const { return habits_; }
  std::size_t made() const { return static_cast<std::size_t>(ids_); }
  std::size_t asked() const { return asked_; }

private:
  // At most one of skip, filters and order is always ignored: without two of them a list cannot be read.
  enum class Ignored { nothing, skip, filters, sort };
  enum class End { true_one, always_last, never_last };
  enum class Total { true_one, missing, huge, zero, text };
  enum class Dates { right, none, one_of_three, behind, ahead };

  bool chance(int one_in) { return random_() % static_cast<unsigned>(one_in) == 0; }
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n)); }

  void choose_habits() {
    constexpr std::size_t caps[] = {50, 100, 250, 500, 1000, 5000};
    tenant_.page_cap = caps[below(3)];
    tenant_.scan_cap = caps[below(6)];
    tenant_.refuses_larger_pages = chance(3);
    tenant_.ignores_limit = !tenant_.refuses_larger_pages && chance(6);
    ignored_ = chance(2) ? Ignored::nothing : static_cast<Ignored>(below(4));
    end_ = chance(2) ? End::true_one : static_cast<End>(below(3));
    // A last page that is denied and skip that is ignored leave no end at all.
    if (ignored_ == Ignored::skip && end_ == End::always_last) end_ = End::true_one;
    total_ = chance(2) ? Total::true_one : static_cast<Total>(below(5));
    dates_ = chance(2) ? Dates::right : static_cast<Dates>(below(5));
    clock_.wall = from_epoch_ms(tenant_.server_now());
    habits_ = fmt::format("caps {} and {}{}{}, ignores {}, end {}, total {}, dates {}", tenant_.page_cap,
                          tenant_.scan_cap, tenant_.refuses_larger_pages ? " refuses" : "",
                          tenant_.ignores_limit ? " ignores limit" : "", static_cast<int>(ignored_),
                          static_cast<int>(end_), static_cast<int>(total_), static_cast<int>(dates_));
  }

  std::optional<std::chrono::hours> date_ahead() {
    constexpr int year = 24 * 365;
    const std::uint64_t n = answers_++;
    if (!is_calm_ && chance(10)) return std::chrono::hours(below(2 * year) - year);
    switch (dates_) {
      case Dates::none:
        return std::nullopt;
      case Dates::one_of_three:
        return std::chrono::hours(n % 3 == 1 ? 3 * year : 0);
      case Dates::behind:
        return std::chrono::hours(-2 * year);
      case Dates::ahead:
        return std::chrono::hours(2 * year);
      case Dates::right:
        break;
    }
    return std::chrono::hours(0);
  }

  void mishear(json::object& question) {
    const int slip = is_calm_ || !chance(8) ? -1 : static_cast<int>(below(3));
    if ((ignored_ == Ignored::skip || slip == 0) && question.contains("skip")) question["skip"] = 0;
    if (ignored_ == Ignored::filters || slip == 1) question["filters"] = json::object();
    if (ignored_ != Ignored::sort && slip != 2) return;
    question.erase("sortField");
    question["sortDirection"] = "desc";
  }

  std::optional<net::Response> bend(const std::string& path) {
    if (is_calm_ || !chance(8)) return std::nullopt;
    if (path == "archived_activities/" && chance(2)) return FakeTenant::json_answer(404, R"({"detail":"Not found."})");
    constexpr int statuses[] = {401, 403, 404, 408, 429, 500, 502, 503, 504};
    constexpr const char* bodies[] = {R"({"data":null,"hasNext":false,"total":0})",
                                      R"({"hasNext":true})",
                                      R"({"data":[{"_id":"cut)",
                                      "<html>Sign in</html>",
                                      "",
                                      "[]"};
    switch (below(3)) {
      case 0:
        return FakeTenant::json_answer(statuses[below(std::size(statuses))], R"({"detail":"passing"})");
      case 1:
        return FakeTenant::json_answer(204, "");
      default:
        return FakeTenant::json_answer(200, bodies[below(std::size(bodies))]);
    }
  }

  void twist(const std::string&, const json::object& question, json::object& answer) {
    if (end_ == End::never_last) answer["hasNext"] = true;
    if (end_ == End::always_last) {
      answer["hasNext"] = false;
      answer.erase("nextQueryFilters");
    }
    if (total_ == Total::missing) answer.erase("total");
    if (total_ == Total::huge) answer["total"] = 1'000'000;
    if (total_ == Total::zero) answer["total"] = 0;
    if (total_ == Total::text) answer["total"] = "about a thousand";
    if (is_calm_ || !chance(6)) return;
    switch (below(5)) {
      case 0:  // an empty page whose pointer moved
        answer["data"] = json::array();
        answer["hasNext"] = true;
        answer["nextQueryFilters"] = json::object{{"created", json::object{{"gte", tenant_.server_now()}}}};
        break;
      case 1:
        answer["hasNext"] = !answer.at("hasNext").as_bool();
        break;
      case 2:
        answer["nextQueryFilters"] = question.at("filters");
        break;
      case 3:
        answer.erase("nextQueryFilters");
        break;
      default:
        answer["total"] = below(3) - 1;
        break;
    }
  }

  void note_shown(const std::string& path, const net::Response& response) {
    boost::system::error_code error;
    const json::value answer = json::parse(response.body, error);
    const auto* object = error || response.status != 200 ? nullptr : answer.if_object();
    const auto* data = object == nullptr ? nullptr : object->if_contains("data");
    if (data == nullptr || !data->is_array()) return;
    const std::string feed = path == "archived_activities/" ? "activities/" : path;
    for (const auto& record : data->as_array()) shown_.insert(feed + std::string(record.at("_id").as_string()));
  }

  void add_activity(std::int64_t created, std::int64_t late) {
    tenant_.lists["activities/"].push_back(activity(fmt::format("a{:06}", ids_++), created, late));
  }

  void happen() {
    const std::int64_t now = tenant_.server_now();
    // A crowd that no page shows as a whole needs skip.
    const std::int64_t crowd_max = ignored_ == Ignored::skip ? 20 : 300;
    const std::int64_t n = chance(8) ? below(crowd_max) : below(12);
    const bool is_crowd = chance(2);
    // As if they had come during the last second, in order.
    for (std::int64_t i = 0; i < n; ++i)
      add_activity(is_crowd ? now - 500 : now - 900 + i * 800 / n, chance(5) ? below(8 * minute) : 0);
    if (chance(3)) tenant_.lists["alerts/"].push_back(alert(fmt::format("l{:06}", ids_++), now - 700));
    if (!chance(20)) return;
    FakeRecord old = activity(fmt::format("old{:06}", ids_++), now - 300);
    old.date = now - 45 * 24 * 60 * minute;
    old.raw = fmt::format(R"({{"_id":"old{:06}","timestamp":{},"created":{}}})", ids_ - 1, old.date, old.created);
    tenant_.lists["archived_activities/"].push_back(old);
  }

  void pass_a_minute(Collector& collector, bool is_killed) {
    happen();
    const auto end = clock_.passed + std::chrono::minutes(1);
    if (is_killed) collector.restart();
    while (clock_.passed < end) {
      const auto poll = collector.poll();
      const Duration wait = poll ? poll->wait : poll.error().pause().value_or(std::chrono::seconds(1));
      const auto pass = std::min<std::chrono::milliseconds>(std::max(wait, Duration(20)), end - clock_.passed);
      clock_.passed += pass;
      clock_.wall += pass;
    }
  }

  void judge(const Collector& collector) {
    asked_ = tenant_.asked.size();
    for (const auto& id : shown_) EXPECT_TRUE(collector.seen.contains(id)) << id << " was shown and let go";
    std::size_t lost = 0;
    std::string first;
    for (const auto& [path, feed] :
         {std::pair("activities/", "activities/"), std::pair("alerts/", "alerts/"),
          std::pair("archived_activities/", "activities/"), std::pair("entities/", "entities/")})
      for (const auto& record : tenant_.lists[path]) {
        const auto id = feed + std::string(json::parse(record.raw).as_object().at("_id").as_string());
        // The archive is asked every hour, and what lies behind a last page every ten minutes.
        const std::int64_t patience = (path[1] == 'r' ? 65 : end_ == End::always_last ? 14 : 3) * minute;
        // Without skip a list without times shows its two ends.
        if (path[0] == 'e' && ignored_ == Ignored::skip && tenant_.page_cap < 75) continue;
        if (record.visible > tenant_.server_now() - patience || collector.seen.contains(id)) continue;
        if (lost++ == 0) first = id;
      }
    EXPECT_EQ(lost, 0U) << "the first is " << first;
    EXPECT_LE(asked_, static_cast<std::size_t>(minutes_of_storm + minutes_of_calm) * 100);
  }

  void ask_for_windows() {
    const std::int64_t now = tenant_.server_now();
    for (const auto manner : {Manner::usual, Manner::otherwise})
      for (const std::int64_t from : {now - 2 * 60 * minute, now - 45 * 60 * minute}) {
        const std::int64_t to = from + 61 * minute;
        Collector asker(tenant_, clock_, "feeds: [activities]\n");
        asker.checkpoint = *asker.source().window({"activities", from_epoch_ms(from), from_epoch_ms(to), manner});
        const std::size_t before = tenant_.asked.size();
        bool is_whole = false;
        for (int i = 0; i < 2'000 && !is_whole; ++i) {
          const auto poll = asker.poll();
          clock_.passed += poll ? poll->wait : poll.error().pause().value_or(std::chrono::seconds(1));
          if (!poll) break;
          const bool is_in_trouble = !poll->feeds.empty() && poll->feeds.front().error;
          is_whole = poll->is_drained && !is_in_trouble;
        }
        EXPECT_LE(tenant_.asked.size() - before, 300U);
        windows_ += 1;
        whole_ += is_whole ? 1 : 0;
        if (is_whole) expect_whole(asker, from, to);
      }
  }

  void expect_whole(const Collector& asker, std::int64_t from, std::int64_t to) {
    std::set<std::string> expected;
    for (const auto* path : {"activities/", "archived_activities/"})
      for (const auto& record : tenant_.lists[path])
        if (record.created >= from && record.created < to && record.visible <= tenant_.server_now())
          expected.insert("activities/" + std::string(json::parse(record.raw).as_object().at("_id").as_string()));
    std::set<std::string> given;
    for (const auto& [id, count] : asker.seen) given.insert(id);
    EXPECT_EQ(given.size(), expected.size());
    EXPECT_EQ(given, expected);
  }

public:
  int windows_ = 0;
  int whole_ = 0;

private:
  std::mt19937_64 random_;
  HandClock clock_;
  FakeTenant tenant_{clock_};
  Ignored ignored_ = Ignored::nothing;
  End end_ = End::true_one;
  Total total_ = Total::true_one;
  Dates dates_ = Dates::right;
  std::string habits_;
  bool is_calm_ = false;
  std::uint64_t answers_ = 0;
  int ids_ = 0;
  std::size_t asked_ = 0;
  std::set<std::string> shown_;
};

TEST(Hostile, WhatItShowsArrivesWithinABoundedNumberOfQuestions) {
  // More seeds for a night: CAPSTAN_STORM_SEEDS=10000.
  const char* more = std::getenv("CAPSTAN_STORM_SEEDS");
  const char* from = std::getenv("CAPSTAN_STORM_FIRST_SEED");
  const std::uint64_t first = from == nullptr ? 1 : std::strtoull(from, nullptr, 10);
  const std::uint64_t seeds = more == nullptr ? 15 : std::strtoull(more, nullptr, 10);
  std::size_t made = 0;
  std::size_t asked = 0;
  int windows = 0;
  int whole = 0;
  for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
    Hostile service(seed);
    SCOPED_TRACE(fmt::format("seed {}: {}", seed, service.habits()));
    service.run();
    made += service.made();
    asked += service.asked();
    windows += service.windows_;
    whole += service.whole_;
  }
  fmt::print("{} services, {} records, {} questions, {} of {} windows whole\n", seeds, made, asked, whole, windows);
  EXPECT_GT(made, seeds * 500);
  EXPECT_GT(10 * whole, 7 * windows) << "most windows can be read";
}

}  // namespace
}  // namespace capstan::mdca
