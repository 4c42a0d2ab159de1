#include "prover_healing.h"

#include <algorithm>
#include <map>

#include "proof_schedule.h"

namespace capstan::runtime {

namespace {

using store::DamagedPlace;
using store::Position;
using store::ProofFeed;
using store::ProofLedger;

// Of saved time around a damaged place: sources read the time behind their newest record again, so what was journaled
// next to each other was saved within this.
constexpr Duration margin = std::chrono::hours(2);
constexpr Bytes one_record = 1_B;

struct Span {
  Timestamp from;
  Timestamp to;
};

// Spans that touch become one.
std::vector<Span> joined(std::vector<Span> spans) {
  std::ranges::sort(spans, {}, &Span::from);
  std::vector<Span> result;
  for (const Span& span : spans) {
    if (span.from >= span.to) continue;
    if (!result.empty() && span.from <= result.back().to)
      result.back().to = std::max(result.back().to, span.to);
    else
      result.push_back(span);
  }
  return result;
}

ProofTask task_of(const FeedTraits& traits, Timestamp from, Timestamp to) {
  ProofTask task;
  task.traits = traits;
  task.from = from;
  task.to = to;
  task.heals = true;
  return task;
}

void add_tasks(const FeedTraits& traits, const std::vector<Span>& spans, std::vector<ProofTask>& tasks) {
  for (const Span& span : joined(spans))
    for (Timestamp from = span.from; from < span.to;) {
      const Timestamp to = std::min(span.to, from + ProofSchedule::due_max);
      tasks.push_back(task_of(traits, from, to));
      from = to;
    }
}

bool is_covered(const DamagedPlace& known, const store::Damage& damage) {
  return known.from <= damage.from && damage.to <= known.to;
}

class Planner {
public:
  Planner(const store::Journal& journal, const SealView& seals, const ProofLedger& ledger,
          const std::vector<FeedTraits>& feeds, Timestamp now)
      : journal_(journal), seals_(seals), ledger_(ledger), feeds_(feeds), now_(now) {}

  Result<HealingPlan> plan() {
    for (const DamagedPlace& place : ledger_.damage) {
      if (place.healed_at) continue;
      plan_.places.push_back(place.from);
      plan_.expected += place.records.value_or(0);
      if (TRY(take_from_seals(place))) continue;
      plan_.is_exact = false;
      TRY(look_around(place));
    }
    for (const FeedTraits& traits : feeds_) {
      if (!is_inventory(traits))
        add_tasks(traits, spans_[traits.feed], plan_.tasks);
      else if (!spans_[traits.feed].empty())
        plan_.tasks.push_back(task_of(traits, {}, {}));
    }
    return std::move(plan_);
  }

private:
  // False: not all of it is known.
  Result<bool> take_from_seals(const DamagedPlace& place) {
    std::map<std::string, Span> held;
    const bool is_known = TRY(seals_.held_by(place.from, place.to, [&](const store::SealedRecord& record) {
      const Timestamp behind = record.saved_time + std::chrono::milliseconds(1);
      auto [span, is_new] = held.try_emplace(std::string(record.feed), Span{record.saved_time, behind});
      span->second.from = std::min(span->second.from, record.saved_time);
      span->second.to = std::max(span->second.to, behind);
    }));
    for (const auto& [feed, span] : held) spans_[feed].push_back(span);
    return is_known;
  }

  // Inventories and alerts have times of their own: they come with the wide plan, when something is still missing then.
  Result<> look_around(const DamagedPlace& place) {
    // The journal describes a place when somebody reads there.
    static_cast<void>(journal_.read(place.from, one_record).has_value());
    const auto known = journal_.report().damage;
    const auto described = std::ranges::find_if(
        known, [&](const store::Damage& damage) { return place.from <= damage.from && damage.to <= place.to; });
    for (const FeedTraits& traits : feeds_) {
      const ProofFeed* feed = ledger_.find(traits.feed);
      if (is_inventory(traits) || feed == nullptr) continue;
      Span span{feed->since, now_};
      if (described != known.end() && described->saved_after)
        span.from = std::max(span.from, *described->saved_after - margin);
      if (described != known.end() && described->saved_before)
        span.to = std::min(span.to, *described->saved_before + margin);
      spans_[traits.feed].push_back(span);
    }
    return {};
  }

  const store::Journal& journal_;
  const SealView& seals_;
  const ProofLedger& ledger_;
  const std::vector<FeedTraits>& feeds_;
  const Timestamp now_;
  std::map<std::string, std::vector<Span>> spans_;
  HealingPlan plan_;
};

}  // namespace

bool note_damage(const store::JournalReport& journal, ProofLedger& ledger) {
  bool is_new = false;
  for (const store::Damage& damage : journal.damage) {
    if (std::ranges::any_of(ledger.damage, [&](const auto& known) { return is_covered(known, damage); })) continue;
    DamagedPlace place;
    place.from = damage.from;
    place.to = damage.to;
    place.records = damage.records;
    ledger.damage.push_back(place);
    is_new = true;
  }
  std::ranges::sort(ledger.damage, {}, &DamagedPlace::from);
  return is_new;
}

void forget_damage(ProofLedger& ledger, Timestamp healed_before) {
  std::erase_if(ledger.damage, [&](const auto& place) { return place.healed_at && *place.healed_at < healed_before; });
}

std::uint64_t damaged_records(const ProofLedger& ledger) {
  std::uint64_t records = 0;
  for (const DamagedPlace& place : ledger.damage) records += place.records.value_or(0);
  return records;
}

Result<HealingPlan> plan_healing(const store::Journal& journal, const SealView& seals, const ProofLedger& ledger,
                                 const std::vector<FeedTraits>& feeds, Timestamp now) {
  return Planner(journal, seals, ledger, feeds, now).plan();
}

std::vector<ProofTask> plan_wide_healing(const ProofLedger& ledger, const std::vector<FeedTraits>& feeds,
                                         Timestamp now) {
  std::vector<ProofTask> tasks;
  for (const FeedTraits& traits : feeds) {
    const ProofFeed* feed = ledger.find(traits.feed);
    if (feed == nullptr) continue;
    if (is_inventory(traits))
      tasks.push_back(task_of(traits, {}, {}));
    else
      add_tasks(traits, {{feed->since, now}}, tasks);
  }
  return tasks;
}

void note_healed(ProofLedger& ledger, const std::vector<Position>& places, std::uint64_t repaired, Timestamp now) {
  for (DamagedPlace& place : ledger.damage) {
    if (place.healed_at || std::ranges::find(places, place.from) == places.end()) continue;
    place.healed_at = now;
    place.repaired = std::min(repaired, place.records.value_or(repaired));
    repaired -= place.repaired;
  }
}

}  // namespace capstan::runtime
