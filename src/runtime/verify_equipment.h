// A tenant and a journal in memory, for the tests of verify and explain. They share no code with what they judge.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "component/source.h"
#include "runtime/verify.h"

namespace capstan::runtime::equipment {

struct Made {
  std::string feed = "activities";
  std::string id;
  std::int64_t saved_ms = 0;
  std::string raw = "{}";
  RecordKind kind = RecordKind::created;
  bool is_quarantined = false;

  RecordView view() const {
    return {.feed = feed,
            .id = id,
            .raw = raw,
            .event_time = from_epoch_ms(saved_ms - 1000),
            .saved_time = from_epoch_ms(saved_ms),
            .content_hash = hash64(raw),
            .kind = kind,
            .is_quarantined = is_quarantined};
  }
};

// Record i stands at offset 100·i; ingested when it was saved plus a second unless told.
class MemoryJournal final : public store::Journal {
public:
  void put(const Made& made, std::optional<std::int64_t> ingest_ms = {}) {
    entries_.push_back({made, ingest_ms.value_or(made.saved_ms + 1000)});
  }
  void lose_first(std::size_t count) { first_ = count; }
  void damage(std::size_t index) { damaged_.push_back(index); }
  void fail_reads(Error error) { read_error_ = std::move(error); }
  // What seals would say of the records that are lost to retention: all but the first `unsealed` ones.
  auto seals(std::size_t unsealed = 0) const {
    return [this, unsealed](std::string_view feed, Timestamp from, Timestamp to, Duration,
                            const std::function<void(const store::SealedRecord&)>& see) -> Result<bool> {
      bool is_complete = true;
      for (std::size_t i = 0; i < first_; ++i) {
        const RecordView record = entries_[i].made.view();
        if (record.feed != feed || record.saved_time < from || record.saved_time >= to) continue;
        if (i < unsealed)
          is_complete = false;
        else
          see(sealed(i));
      }
      return is_complete;
    };
  }
  // What seals would say of the damaged places.
  auto seal_of_damage() const {
    return [this](const std::function<void(const store::SealedRecord&)>& see) -> Result<> {
      for (const std::size_t i : damaged_) see(sealed(i));
      return {};
    };
  }
  std::size_t size() const { return entries_.size(); }
  static store::Position position(std::size_t index) { return {100 * index, 0}; }

  Result<> append(const Batch& batch, const Checkpoint&) override {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const RecordView r = batch[i];
      put({std::string(r.feed), std::string(r.id), epoch_ms(r.saved_time), std::string(r.raw), r.kind,
           r.is_quarantined});
    }
    return {};
  }
  Result<> sync() override { return {}; }
  bool has_unsynced() const override { return false; }
  Checkpoint checkpoint() const override { return {}; }
  Result<store::Slice> read(store::Position from, Bytes) const override {
    if (read_error_) return *read_error_;
    if (from < position(first_)) return Error(ErrorCode::position_gone, "reading the journal: gone");
    store::Slice slice;
    std::size_t i = from.offset / 100;
    for (const std::size_t end = std::min(entries_.size(), i + 3); i < end; ++i) {
      if (is_damaged(i)) {
        ++slice.damaged_frames;
        continue;
      }
      slice.items.push_back(
          {entries_[i].made.view(), position(i), position(i + 1), from_epoch_ms(entries_[i].ingest_ms), i});
    }
    slice.end = position(i);
    slice.end_number = i;
    return slice;
  }
  store::JournalReport report() const override {
    store::JournalReport report;
    report.first = position(first_);
    report.durable = position(entries_.size());
    report.records = entries_.size();
    report.first_number = report.removed_to = first_;
    report.damaged_frames = damaged_.size();
    for (const std::size_t i : damaged_) report.damage.push_back(damage_of(i));
    return report;
  }
  std::uint64_t number_of(store::Position at) const override { return at.offset / 100; }
  using store::Journal::behind;
  store::Behind behind(store::Position, std::uint64_t number) const override {
    const std::size_t readable = std::max<std::size_t>(first_, number);
    return {.records = entries_.size() - readable,
            .bytes = 100 * (entries_.size() - readable),
            .lost_to_retention = readable - number};
  }
  std::vector<store::Cursor> cursors() const override { return {}; }
  Result<store::Cursor> cursor(std::string_view) override { return store::Cursor{}; }
  Result<> acknowledge(const store::Cursor&) override { return {}; }
  Result<> flush_cursors() override { return {}; }
  std::uint64_t attempts_written(std::string_view) const override { return 0; }
  Result<> forget_cursor(std::string_view) override { return {}; }
  Result<store::Position> position_at(Timestamp time) const override {
    for (std::size_t i = first_; i < entries_.size(); ++i)
      if (entries_[i].ingest_ms >= epoch_ms(time)) return position(i);
    return position(entries_.size());
  }
  Result<> enforce_retention() override { return {}; }

private:
  struct Entry {
    Made made;
    std::int64_t ingest_ms;
  };

  bool is_damaged(std::size_t i) const { return std::ranges::find(damaged_, i) != damaged_.end(); }
  store::Damage damage_of(std::size_t i) const {
    store::Damage damage;
    damage.from = position(i);
    damage.to = position(i + 1);
    damage.number = i;
    damage.records = 1;
    std::size_t before = i;
    while (before > first_ && is_damaged(before)) --before;
    std::size_t after = i;
    while (after + 1 < entries_.size() && is_damaged(after)) ++after;
    if (!is_damaged(before)) damage.saved_after = from_epoch_ms(entries_[before].made.saved_ms);
    if (!is_damaged(after)) damage.saved_before = from_epoch_ms(entries_[after].made.saved_ms);
    return damage;
  }
  store::SealedRecord sealed(std::size_t i) const {
    const RecordView record = entries_[i].made.view();
    store::SealedRecord result;
    result.identity = identity(record.feed, record.id).low;
    result.content_hash = record.content_hash;
    result.saved_time = record.saved_time;
    result.feed = record.feed;
    result.kind = record.kind;
    result.is_quarantined = record.is_quarantined;
    result.position = position(i);
    result.ingest_time = from_epoch_ms(entries_[i].ingest_ms);
    return result;
  }
  std::deque<Entry> entries_;
  std::size_t first_ = 0;
  std::vector<std::size_t> damaged_;
  std::optional<Error> read_error_;
};

// Shows what it is given, two records a poll.
class MemoryTenant final : public Source {
public:
  std::vector<FeedTraits> traits{{"activities", Repetition::by_id, std::chrono::hours(72)}};
  std::vector<Made> shown;
  std::map<std::string, Error> trouble;  // by feed, for as long as it stands here
  std::map<std::string, std::uint64_t> passed_over;
  std::uint64_t polls = 0;
  std::vector<Window> windows;
  bool is_deaf_to_time = false;  // window() gives nothing
  bool never_drains = false;
  Duration wait{};
  // What time it is there; nothing: it does not say.
  std::function<Timestamp()> service_clock;

  Result<Poll> poll(const Checkpoint& from, const Call&) override {
    ++polls;
    const std::size_t bar = from.text.find('|');
    const Window& window = windows.at(std::stoul(from.text.substr(0, bar)));
    std::size_t offset = std::stoul(from.text.substr(bar + 1));
    Poll poll;
    FeedReport report;
    report.feed = window.feed;
    if (const auto at = trouble.find(window.feed); at != trouble.end()) {
      report.error = at->second;
      poll.next = from;
    } else {
      const std::vector<const Made*> wanted = in(window);
      for (std::size_t end = offset + 2; offset < end && offset < wanted.size(); ++offset)
        if (auto added = poll.batch.add(wanted[offset]->view()); !added) return added.error();
      poll.is_drained = offset >= wanted.size() && !never_drains;
      if (poll.is_drained) report.records_passed_over = passed_over[window.feed];
      poll.next.text = from.text.substr(0, bar + 1) + std::to_string(offset);
    }
    poll.wait = wait;
    if (service_clock && !report.error) poll.service_time = service_clock();
    poll.feeds.push_back(std::move(report));
    return poll;
  }
  std::vector<FeedTraits> feeds() const override { return traits; }
  std::optional<Checkpoint> window(const Window& window) const override {
    if (is_deaf_to_time) return {};
    auto& remembered = const_cast<MemoryTenant*>(this)->windows;
    remembered.push_back(window);
    return Checkpoint{std::to_string(remembered.size() - 1) + "|0"};
  }
  std::vector<FeedReport> probe(const Call&) override { return {}; }

private:
  std::vector<const Made*> in(const Window& window) const {
    bool is_inventory = false;
    for (const auto& t : traits)
      is_inventory |= t.feed == window.feed && t.repetition == Repetition::by_content && !t.remember;
    std::vector<const Made*> result;
    for (const auto& made : shown)
      if (made.feed == window.feed &&
          (is_inventory || (from_epoch_ms(made.saved_ms) >= window.from && from_epoch_ms(made.saved_ms) < window.to)))
        result.push_back(&made);
    return result;
  }
};

class StepClock final : public Clock {
public:
  Timestamp wall{};
  Duration passed{};
  Timestamp now() const override { return wall + passed; }
  MonotonicTime monotonic() const override { return MonotonicTime{passed}; }
};

}  // namespace capstan::runtime::equipment
