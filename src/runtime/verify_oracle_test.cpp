// Verify against an oracle: a seed makes records and befalls them with everything that verify has to tell apart. The
// oracle knows what was made and looks nowhere else.
//
// CAPSTAN_VERIFY_ORACLE=N  how many seeds (default: 400)
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "runtime/verify.h"
#include "verify_equipment.h"

namespace capstan::runtime {
namespace {

using equipment::Made;
using equipment::MemoryJournal;
using equipment::MemoryTenant;
using namespace std::chrono_literals;

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t hour_ms = 60 * minute_ms;
constexpr std::int64_t start_ms = 1'760'000'400'000 / hour_ms * hour_ms;

// One record and all that befell it.
struct Fate {
  std::string id;
  std::int64_t saved_ms = 0;
  bool is_shown = true;
  std::vector<std::size_t> at;  // in the journal; empty: never collected
  bool is_dropped = false;      // by the route's rule
};

class World {
public:
  explicit World(std::uint64_t seed) : random_(seed) {
    hours_ = between(4, 30);
    now_ms_ = start_ms + hours_ * hour_ms + below(hour_ms);
    wrong_clock_ = chance(0.2) ? Duration(std::chrono::hours(between(0, 60) - 30)) : Duration{};
    make();
    befall();
  }

  VerifyReport run(bool repairs) {
    VerifyOptions options;
    options.since = from_epoch_ms(start_ms);
    options.repair = repairs;
    options.named_max = 100'000;
    options.entries_max = chance(0.3) ? static_cast<std::size_t>(between(3, 40)) : 500'000;
    auto report = verify(options, {source()}, world());
    EXPECT_TRUE(report.has_value()) << (report ? "" : report.error().text());
    return report ? std::move(*report) : VerifyReport{};
  }

  void judge(const VerifyReport& report) const;
  void judge_after_repair(const VerifyReport& repaired, const VerifyReport& after) const;

private:
  std::int64_t below(std::int64_t bound) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(bound));
  }
  std::int64_t between(std::int64_t least, std::int64_t most) { return least + below(most - least + 1); }
  bool chance(double p) { return static_cast<double>(random_() >> 11) * 0x1.0p-53 < p; }

  void make() {
    const bool hides = chance(0.3);
    const bool loses = chance(0.5);
    const bool delays = chance(0.5);
    const bool doubles = chance(0.3);
    std::multimap<std::int64_t, std::size_t> order;  // by time of journaling
    const auto count = static_cast<std::size_t>(between(0, hours_ * 12));
    for (std::size_t i = 0; i < count; ++i) {
      Fate fate;
      fate.id = "r" + std::to_string(i);
      fate.saved_ms = start_ms + below(now_ms_ - start_ms);
      fate.is_shown = !(hides && chance(0.1));
      fate.is_dropped = chance(0.2);
      const bool is_late = delays && chance(0.1);
      const std::int64_t journaled_ms = fate.saved_ms + 1000 + (is_late ? below(6 * hour_ms) : below(2 * minute_ms));
      if (journaled_ms < now_ms_ && !(loses && chance(0.1))) order.emplace(journaled_ms, i);
      fates_.push_back(std::move(fate));
    }
    if (doubles)
      for (std::size_t n = 0; n < 3 && !fates_.empty(); ++n) {
        const auto i = static_cast<std::size_t>(below(static_cast<std::int64_t>(fates_.size())));
        order.emplace(fates_[i].saved_ms + 3 * minute_ms, i);
      }
    for (const auto& [journaled_ms, i] : order) {
      if (journaled_ms >= now_ms_) continue;
      fates_[i].at.push_back(ingest_ms_.size());
      ingest_ms_.push_back(journaled_ms);
      journal.put(made(fates_[i]), journaled_ms + wrong_clock_.count());
    }
    for (const Fate& fate : fates_)
      if (fate.is_shown) tenant.shown.push_back(made(fate));
  }

  void befall() {
    const std::size_t size = ingest_ms_.size();
    if (size == 0) return;
    const auto somewhere = [&] { return static_cast<std::size_t>(below(static_cast<std::int64_t>(size))); };
    cursor_ = chance(0.5) ? size : somewhere();
    if (chance(0.4)) {
      removed_ = somewhere() / 2;
      journal.lose_first(removed_);
      is_sealed_ = chance(0.5);
      // drop_oldest: what the route had not had is lost.
      if (cursor_ < removed_) {
        lost_to_retention_ = removed_ - cursor_;
        cursor_ = removed_;
      }
    }
    if (chance(0.4))
      for (std::int64_t places = between(1, 3); places > 0; --places) {
        const std::size_t where = chance(0.3) ? removed_ : chance(0.4) ? size - 1 : somewhere();
        for (std::size_t i = where; i < std::min(size, where + static_cast<std::size_t>(between(1, 5))); ++i)
          if (i >= removed_ && damaged_.insert(i).second) journal.damage(i);
      }
    is_held_ = chance(0.1);
    is_dead_ = wrong_clock_ == Duration{} && chance(0.05);  // nobody else knows the time then
    if (is_dead_) tenant.trouble.emplace("activities", Error(ErrorCode::connection_failed, "connecting: refused"));
    tenant.wait = 5s;
  }

  static Made made(const Fate& fate) {
    Made m;
    m.id = fate.id;
    m.saved_ms = fate.saved_ms;
    m.raw = fate.is_dropped ? R"({"drop":1})" : "{}";
    return m;
  }

  VerifySource source() {
    VerifySource s;
    s.name = "mdca";
    s.tenant = "contoso";
    s.source = &tenant;
    s.journal = &journal;
    VerifyRoute route;
    route.name = "siem";
    route.cursor.position = MemoryJournal::position(cursor_);
    route.drops = [](const store::Slice::Item& item) { return item.record.raw != "{}"; };
    route.became = [this](store::Position at) -> std::optional<store::Outcome> {
      const std::size_t i = at.offset / 100;
      if (i + lost_to_retention_ >= removed_) return store::Outcome::lost;
      return is_dropped_at(i) ? store::Outcome::dropped : store::Outcome::delivered;
    };
    s.routes = {std::move(route)};
    s.begins["activities"] = from_epoch_ms(start_ms);
    if (is_held_) s.held["activities"] = "the secret has expired";
    if (is_sealed_) s.removed = journal.seals();
    s.append = [this](const Batch& batch, store::Position) -> Result<VerifyAppended> {
      for (std::size_t i = 0; i < batch.size(); ++i) appended_.emplace_back(batch[i].id);
      TRY(journal.append(batch, {}));
      return VerifyAppended{.appended = batch.size(), .known = 0};
    };
    return s;
  }

  VerifyWorld world() {
    clock.wall = from_epoch_ms(now_ms_) + wrong_clock_;
    tenant.service_clock = [this] { return clock.now() - wrong_clock_; };
    return {.clock = &clock,
            .wait =
                [this](Duration d, const std::stop_token&) {
                  clock.passed += is_dead_ ? d : Duration{};
                  return true;
                },
            .stop = {},
            .progress = {}};
  }

  // --- the truth ---

  bool is_dropped_at(std::size_t i) const {
    return std::ranges::any_of(
        fates_, [&](const Fate& fate) { return fate.is_dropped && std::ranges::find(fate.at, i) != fate.at.end(); });
  }
  bool is_readable(std::size_t i) const { return i >= removed_ && !damaged_.contains(i); }
  bool is_journaled(const Fate& fate) const {
    return std::ranges::any_of(fate.at, [&](std::size_t i) { return is_readable(i) || (is_sealed_ && i < removed_); });
  }
  bool was_removed(const Fate& fate) const {
    return std::ranges::any_of(fate.at, [&](std::size_t i) { return i < removed_; });
  }
  bool is_young(const Fate& fate) const { return fate.saved_ms > now_ms_ - 15 * minute_ms; }
  std::int64_t hour_of(const Fate& fate) const { return fate.saved_ms / hour_ms * hour_ms; }
  // Without seals an hour may be unclear because of what retention removed: certainly clear are those that began two
  // hours after the oldest record that is left was journaled (and, by a wrong clock, as much more).
  bool may_be_unclear(std::int64_t hour) const {
    if (removed_ == 0 || is_sealed_) return false;
    std::size_t oldest = removed_;
    while (oldest < ingest_ms_.size() && damaged_.contains(oldest)) ++oldest;
    if (oldest >= ingest_ms_.size()) return true;
    return hour < ingest_ms_[oldest] + wrong_clock_.count() + std::chrono::abs(wrong_clock_).count() + 2 * hour_ms;
  }

  std::mt19937_64 random_;
  std::int64_t hours_ = 0;
  std::int64_t now_ms_ = 0;
  Duration wrong_clock_{};
  std::vector<Fate> fates_;
  std::vector<std::int64_t> ingest_ms_;  // by place in the journal
  std::size_t removed_ = 0;
  bool is_sealed_ = false;
  std::set<std::size_t> damaged_;
  std::size_t cursor_ = 0;
  std::size_t lost_to_retention_ = 0;
  bool is_held_ = false;
  bool is_dead_ = false;
  std::vector<std::string> appended_;
  equipment::StepClock clock;
  MemoryJournal journal;
  MemoryTenant tenant;
};

void World::judge(const VerifyReport& report) const {
  std::map<std::int64_t, std::set<std::string>> missing;
  std::map<std::int64_t, std::uint64_t> shown;
  std::map<std::int64_t, std::uint64_t> waiting;
  std::map<std::int64_t, bool> is_old;  // of what waits
  std::map<std::int64_t, std::uint64_t> young;
  std::map<std::int64_t, bool> is_lost;
  for (const Fate& fate : fates_) {
    const std::int64_t hour = hour_of(fate);
    if (fate.is_shown && !is_dead_) {
      ++shown[hour];
      if (!is_journaled(fate)) (is_young(fate) ? void(++young[hour]) : void(missing[hour].insert(fate.id)));
    }
    for (const std::size_t i : fate.at) {
      is_lost[hour] |= is_sealed_ && i < removed_ && i + lost_to_retention_ >= removed_;
      if (is_readable(i) && i >= cursor_) {
        ++waiting[hour];
        is_old[hour] |= std::min(ingest_ms_[i], fate.saved_ms) < now_ms_ - 15 * minute_ms;
      }
    }
  }
  std::set<std::string> named;
  for (const VerifyNamed& one : report.named)
    if (one.kind == VerifyNamed::Kind::missing) named.insert(one.id);

  bool all_are_well = true;
  // While a dead tenant is waited for another hour may begin.
  if (!is_dead_) {
    ASSERT_EQ(report.rows.size(), static_cast<std::size_t>((now_ms_ - start_ms + hour_ms - 1) / hour_ms));
  }
  for (const VerifyRow& row : report.rows) {
    const std::int64_t hour = epoch_ms(row.hour.value_or(Timestamp{}));
    SCOPED_TRACE(to_iso8601(*row.hour) + " " + std::string(to_string(row.outcome)) + " " + row.why);
    // What retention removed is never called missing, whatever seals there are.
    for (const Fate& fate : fates_)
      if (hour_of(fate) == hour && was_removed(fate) && is_sealed_) {
        EXPECT_FALSE(named.contains(fate.id)) << fate.id;
      }
    if (may_be_unclear(hour)) {
      // Sound: what it calls missing was never journaled before the place up to which retention removed.
      for (const Fate& fate : fates_)
        if (hour_of(fate) == hour && was_removed(fate)) {
          EXPECT_FALSE(named.contains(fate.id)) << fate.id;
        }
      EXPECT_TRUE(row.outcome != Proof::proved || missing[hour].empty());
      all_are_well &= row.outcome == Proof::proved || (row.outcome == Proof::waiting && row.is_young);
      continue;
    }
    std::set<std::string> said;
    for (const VerifyNamed& one : report.named)
      if (one.kind == VerifyNamed::Kind::missing && epoch_ms(one.saved_time) / hour_ms * hour_ms == hour)
        said.insert(one.id);
    EXPECT_EQ(said, missing[hour]);
    EXPECT_EQ(row.figures.missing, missing[hour].size());
    EXPECT_EQ(row.figures.shown, shown[hour]);
    std::uint64_t waits = 0;
    for (const VerifyRouteFigures& route : row.routes) waits += route.waiting;
    EXPECT_EQ(waits, waiting[hour]);
    const Proof expected = !missing[hour].empty()                  ? Proof::missing
                           : is_dead_ || is_held_ || is_lost[hour] ? Proof::not_comparable
                           : waiting[hour] > 0 || young[hour] > 0  ? Proof::waiting
                                                                   : Proof::proved;
    EXPECT_EQ(row.outcome, expected);
    if (expected == Proof::waiting) {
      EXPECT_EQ(row.is_young, !is_old[hour]);
    }
    all_are_well &= expected == Proof::proved || (expected == Proof::waiting && !is_old[hour]);
  }
  EXPECT_EQ(report.is_proved(), all_are_well);
  // Records of the route are conserved.
  std::uint64_t records = 0;
  for (const Fate& fate : fates_)
    for (const std::size_t i : fate.at) records += is_readable(i) || (is_sealed_ && i < removed_) ? 1U : 0U;
  const VerifyRouteFigures& route = report.routes.at(0);
  EXPECT_EQ(route.delivered + route.dropped + route.dead_lettered + route.lost_to_retention + route.waiting, records);
  EXPECT_EQ(route.lost_to_retention, is_sealed_ ? lost_to_retention_ : 0U);
}

void World::judge_after_repair(const VerifyReport& repaired, const VerifyReport& after) const {
  std::set<std::string> expected;
  for (const VerifyNamed& one : repaired.named)
    if (one.kind == VerifyNamed::Kind::missing) expected.insert(one.id);
  EXPECT_EQ(std::set<std::string>(appended_.begin(), appended_.end()), expected);
  EXPECT_EQ(appended_.size(), expected.size()) << "something was appended twice";
  EXPECT_EQ(repaired.repaired, expected.size());
  EXPECT_EQ(repaired.windows(Proof::missing), 0U);
  EXPECT_EQ(after.totals.missing, 0U);
  // Nothing was sent again that retention had only removed.
  for (const Fate& fate : fates_)
    if (was_removed(fate) && (is_sealed_ || may_be_unclear(hour_of(fate)))) {
      EXPECT_FALSE(expected.contains(fate.id));
    }
}

TEST(VerifyOracle, says_what_is_true_whatever_befell) {
  const char* wanted = std::getenv("CAPSTAN_VERIFY_ORACLE");
  const std::uint64_t seeds = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 400;
  std::uint64_t windows = 0;
  std::uint64_t missing = 0;
  std::map<Proof, std::uint64_t> outcomes;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    const VerifyReport report = world.run(false);
    world.judge(report);
    windows += report.rows.size();
    missing += report.totals.missing;
    for (const VerifyRow& row : report.rows) ++outcomes[row.outcome];
    const VerifyReport repaired = world.run(true);
    world.judge_after_repair(repaired, world.run(false));
    if (testing::Test::HasFailure()) return;
  }
  std::printf(
      "verify oracle: %llu seeds, %llu windows (%llu proved, %llu missing, %llu waiting, %llu not comparable), "
      "%llu records missing\n",
      static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(windows),
      static_cast<unsigned long long>(outcomes[Proof::proved]),
      static_cast<unsigned long long>(outcomes[Proof::missing]),
      static_cast<unsigned long long>(outcomes[Proof::waiting]),
      static_cast<unsigned long long>(outcomes[Proof::not_comparable]), static_cast<unsigned long long>(missing));
  for (const Proof outcome : {Proof::proved, Proof::missing, Proof::waiting, Proof::not_comparable})
    EXPECT_GT(outcomes[outcome], 0U) << to_string(outcome);
}

}  // namespace
}  // namespace capstan::runtime
