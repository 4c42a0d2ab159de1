#include "held_records.h"

#include <algorithm>

#include "verify_survey.h"

namespace capstan::runtime {

namespace {

using store::OffsetSpan;
using store::Position;

// A record is journaled after it was saved; this much is left for clocks that differ and jump.
constexpr Duration clock_difference = std::chrono::hours(3);

// Seals know as many records as the journal no longer has.
bool is_all_known(const SealView& seals, const store::JournalReport& report) {
  return seals.records_before(report.first.offset) >= report.first_number;
}

// From when on a record must have been saved to stand at or behind that offset for certain: it was saved after the
// first one there was journaled. Nothing: nothing is there.
Result<std::optional<Timestamp>> saved_from(const store::Journal& journal, const SealView& seals, std::uint64_t offset,
                                            Duration clock_is_ahead) {
  const Position first = journal.report().first;
  std::optional<Timestamp> ingest;
  if (offset < first.offset)
    TRY(seals.held_by({offset, 0}, first, [&](const store::SealedRecord& record) {
      ingest = std::min(ingest.value_or(record.ingest_time), record.ingest_time);
    }));
  if (!ingest) ingest = TRY(first_ingest(journal));
  if (!ingest) return std::optional<Timestamp>();
  return std::optional(*ingest - clock_is_ahead + clock_difference);
}

class Reader {
public:
  Reader(const store::Journal& journal, const SealView& seals, const std::vector<store::DamagedPlace>& damaged,
         const HeldQuestion& question, const std::stop_token& stop, Identities& into)
      : journal_(journal), seals_(seals), damaged_(damaged), question_(question), stop_(stop), into_(into) {}

  Result<Held> read() {
    const store::JournalReport report = journal_.report();
    held_.compared_to = report.durable;
    const auto not_read = TRY(seals_.for_each(question_.feed, question_.from, question_.to,
                                              [&](const store::SealedRecord& record) { add(record); }));
    const std::vector<OffsetSpan> open = open_spans(report, report.durable.offset, not_read);
    TRY(read_frames(open, report.first.offset));
    held_.is_complete = !was_removed_meanwhile(open, report) && TRY(nothing_vanished(open, report));
    into_.sort();
    return held_;
  }

  // Only what is removed already.
  Result<bool> show_removed(FunctionRef<void(const store::SealedRecord&)> see) {
    const store::JournalReport report = journal_.report();
    if (report.removed_to == 0) return true;
    const auto not_read =
        TRY(seals_.for_each(question_.feed, question_.from, question_.to, [&](const store::SealedRecord& record) {
          if (record.position < report.first && !is_damaged(record.position)) see(record);
        }));
    return nothing_vanished(open_spans(report, report.first.offset, not_read), report);
  }

private:
  bool is_full() {
    if (into_.size() >= question_.entries_max) held_.fits = false;
    return !held_.fits;
  }

  bool is_damaged(Position at) const {
    return std::ranges::any_of(damaged_, [&](const auto& place) { return place.from <= at && at < place.to; });
  }

  void add(const store::SealedRecord& record) {
    if (!is_damaged(record.position) && !is_full()) into_.add(record);
  }

  // What seals do not tell of, up to that offset. Segments without records are removed without a seal.
  std::vector<OffsetSpan> open_spans(const store::JournalReport& report, std::uint64_t to,
                                     const store::SealsNotRead& not_read) const {
    std::vector<OffsetSpan> open = seals_.not_covered(0, to);
    if (seals_.records_before(report.first.offset) + healed_records(open) >= report.first_number)
      std::erase_if(open, [&](const OffsetSpan& span) { return span.to <= report.first.offset; });
    open.insert(open.end(), not_read.spans.begin(), not_read.spans.end());
    return open;
  }

  // What stood in damaged places that no seal describes. It was asked for again, so it stands further behind.
  std::uint64_t healed_records(const std::vector<OffsetSpan>& open) const {
    std::uint64_t records = 0;
    for (const store::DamagedPlace& place : damaged_)
      if (place.healed_at && std::ranges::any_of(open, [&](const OffsetSpan& span) {
            return span.from == place.from.offset && span.to == place.to.offset;
          }))
        records += place.records.value_or(0);
    return records;
  }

  // The frames of what no seal describes and the journal still has.
  Result<> read_frames(std::vector<OffsetSpan> open, std::uint64_t first) {
    std::ranges::sort(open, {}, &OffsetSpan::from);
    std::uint64_t read_to = first;
    for (const OffsetSpan& span : open) {
      const std::uint64_t from = std::max(span.from, read_to);
      if (from >= span.to) continue;
      read_to = span.to;
      TRY(scan(journal_, {from, 0}, {span.to, 0}, stop_, [&](const store::Slice::Item& item) {
        const RecordView& record = item.record;
        if (record.feed != question_.feed || record.saved_time < question_.from || record.saved_time >= question_.to)
          return;
        if (!is_full()) into_.add(record, item.next);
      }));
    }
    return {};
  }

  // Retention went on while the frames were read.
  bool was_removed_meanwhile(const std::vector<OffsetSpan>& open, const store::JournalReport& report) const {
    const std::uint64_t first = journal_.report().first.offset;
    return first != report.first.offset && std::ranges::any_of(open, [&](const OffsetSpan& span) {
             return span.from < first && report.first.offset < span.to;
           });
  }

  // Of what retention has removed and no seal describes: only what was journaled before some time, so a window behind
  // that time is complete all the same. A damaged place that was sealed as a gap has been asked for again.
  Result<bool> nothing_vanished(const std::vector<OffsetSpan>& open, const store::JournalReport& report) const {
    if (report.removed_to == 0) return true;
    std::uint64_t vanished_to = 0;
    for (const OffsetSpan& span : open)
      if (span.from < report.first.offset && !is_known_damage(span))
        vanished_to = std::max(vanished_to, std::min(span.to, report.first.offset));
    if (vanished_to == 0) return true;
    const auto from = TRY(saved_from(journal_, seals_, vanished_to, question_.clock_is_ahead));
    return from && question_.from >= *from;
  }

  bool is_known_damage(const OffsetSpan& span) const {
    return std::ranges::any_of(damaged_, [&](const auto& place) {
      return place.from.offset <= span.from && span.to <= place.to.offset && place.healed_at;
    });
  }

  const store::Journal& journal_;
  const SealView& seals_;
  const std::vector<store::DamagedPlace>& damaged_;
  const HeldQuestion& question_;
  const std::stop_token& stop_;
  Identities& into_;
  Held held_;
};

class NoSeals final : public SealView {
public:
  Result<store::SealsNotRead> for_each(std::string_view, Timestamp, Timestamp,
                                       FunctionRef<void(const store::SealedRecord&)>) const override {
    return store::SealsNotRead{};
  }
  std::vector<OffsetSpan> not_covered(std::uint64_t from, std::uint64_t to) const override {
    return from < to ? std::vector<OffsetSpan>{{from, to}} : std::vector<OffsetSpan>{};
  }
  std::uint64_t records_before(std::uint64_t) const override { return 0; }
  Result<bool> held_by(Position, Position, FunctionRef<void(const store::SealedRecord&)>) const override {
    return false;
  }
};

}  // namespace

std::unique_ptr<SealView> no_seals() { return std::make_unique<NoSeals>(); }

Result<bool> for_each_removed(const store::Journal& journal, const SealView& seals,
                              const std::vector<store::DamagedPlace>& damaged, const HeldQuestion& question,
                              FunctionRef<void(const store::SealedRecord&)> see) {
  Identities none;
  const std::stop_token never;
  return Reader(journal, seals, damaged, question, never, none).show_removed(see);
}

Result<std::optional<Timestamp>> complete_from(const store::Journal& journal, const SealView& seals,
                                               Duration clock_is_ahead) {
  const store::JournalReport report = journal.report();
  if (report.removed_to == 0 || is_all_known(seals, report)) return std::optional<Timestamp>();
  std::uint64_t vanished_to = 0;
  for (const OffsetSpan& span : seals.not_covered(0, report.first.offset))
    vanished_to = std::max(vanished_to, std::min(span.to, report.first.offset));
  if (vanished_to == 0) return std::optional<Timestamp>();
  return saved_from(journal, seals, vanished_to, clock_is_ahead);
}

Result<Held> read_held(const store::Journal& journal, const SealView& seals,
                       const std::vector<store::DamagedPlace>& damaged, const HeldQuestion& question,
                       const std::stop_token& stop, Identities& into) {
  return Reader(journal, seals, damaged, question, stop, into).read();
}

}  // namespace capstan::runtime
