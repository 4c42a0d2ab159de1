#include "evidence.h"

#include <algorithm>

#include "held_records.h"
#include "receipt_track.h"

namespace capstan::runtime {

namespace {

// Of the journal whose receipts are in memory at once.
constexpr std::uint64_t track_span = 64U << 20;
// Of saved time: what was journaled next to each other was saved within this.
constexpr Duration neighbours_differ = std::chrono::hours(2);

class SealsOnDisk final : public SealView {
public:
  explicit SealsOnDisk(std::unique_ptr<store::Seals> seals) : seals_(std::move(seals)) {}

  Result<store::SealsNotRead> for_each(std::string_view feed, Timestamp from, Timestamp to,
                                       FunctionRef<void(const store::SealedRecord&)> see) const override {
    return seals_->for_each(feed, from, to, see);
  }
  std::vector<store::OffsetSpan> not_covered(std::uint64_t from, std::uint64_t to) const override {
    return seals_->not_covered(from, to);
  }
  std::uint64_t records_before(std::uint64_t offset) const override {
    std::uint64_t records = 0;
    for (const store::SealHead& head : seals_->heads())
      if (head.end <= offset) records += head.records;
    return records;
  }
  Result<bool> held_by(store::Position from, store::Position to,
                       FunctionRef<void(const store::SealedRecord&)> see) const override {
    const store::SealsNotRead not_read = TRY(seals_->for_each(from, to, see));
    return not_read.is_complete() && seals_->not_covered(from.offset, to.offset).empty();
  }

private:
  std::unique_ptr<store::Seals> seals_;
};

// The receipts of one route, a piece of the journal at a time.
class Track {
public:
  static Result<std::unique_ptr<Track>> open(FileSystem& files, const std::string& directory, std::string route) {
    auto receipts = TRY(store::Receipts::open(files, directory));
    return std::make_unique<Track>(std::move(receipts), std::move(route));
  }
  Track(std::unique_ptr<store::Receipts> receipts, std::string route)
      : receipts_(std::move(receipts)), track_(*receipts_, std::move(route)) {}

  std::optional<store::Outcome> best(store::Position at) {
    if (at < last_ || at.offset >= loaded_to_) {
      loaded_to_ = at.offset + track_span;
      if (!track_.load({at.offset, 0}, {loaded_to_, 0})) return std::nullopt;
    }
    last_ = at;
    std::optional<store::Outcome> outcome;
    for (const ReceiptTrack::Step& step : track_.steps_at(at)) {
      if (step.outcome == store::Outcome::delivered) return step.outcome;
      if (step.outcome) outcome = step.outcome;
    }
    return outcome;
  }

private:
  std::unique_ptr<store::Receipts> receipts_;
  ReceiptTrack track_;
  store::Position last_;
  std::uint64_t loaded_to_ = 0;
};

}  // namespace

Result<std::unique_ptr<SealView>> Evidence::seals() const {
  std::unique_ptr<SealView> view = std::make_unique<SealsOnDisk>(TRY(store::Seals::open(files_, directory_)));
  return view;
}

Result<bool> Evidence::removed(const store::ProofLedger& ledger, std::string_view feed, Timestamp from, Timestamp to,
                               Duration clock_is_ahead,
                               const std::function<void(const store::SealedRecord&)>& see) const {
  HeldQuestion question;
  question.feed = feed;
  question.from = from;
  question.to = to;
  question.clock_is_ahead = clock_is_ahead;
  return for_each_removed(journal_, *TRY(seals()), ledger.damage, question, see);
}

Result<> Evidence::damaged(const std::function<void(const store::SealedRecord&)>& see) const {
  const auto view = TRY(seals());
  for (const store::Damage& place : journal_.report().damage) TRY(view->held_by(place.from, place.to, see));
  return {};
}

std::function<std::optional<store::Outcome>(store::Position)> Evidence::became(std::string route) const {
  auto opened = Track::open(files_, directory_, std::move(route));
  if (!opened) return {};
  return [track = std::shared_ptr<Track>(std::move(*opened))](store::Position at) { return track->best(at); };
}

DamagedRecords Evidence::damaged_records() const {
  DamagedRecords records;
  const store::JournalReport report = journal_.report();
  if (report.damage.empty()) return records;
  const auto view = seals();
  for (const store::Damage& place : report.damage) {
    const Result<bool> is_known = view
                                      ? (*view)->held_by(place.from, place.to,
                                                         [&](const store::SealedRecord& record) {
                                                           records.sealed.try_emplace(record.identity, record.position);
                                                         })
                                      : Result<bool>(false);
    if (!is_known || !*is_known) records.unsealed.push_back(place);
  }
  return records;
}

std::optional<store::Position> DamagedRecords::find(const RecordView& record) const {
  if (const auto known = sealed.find(identity(record.feed, record.id).low); known != sealed.end()) return known->second;
  for (const store::Damage& place : unsealed)
    if ((!place.saved_after || record.saved_time >= *place.saved_after - neighbours_differ) &&
        (!place.saved_before || record.saved_time <= *place.saved_before + neighbours_differ))
      return place.from;
  return std::nullopt;
}

std::uint64_t Evidence::delivered_before(const store::Cursor& cursor,
                                         const std::vector<store::Position>& places) const {
  const auto receipts = store::Receipts::open(files_, directory_);
  const auto may_have = [&](store::Position at) {
    if (cursor.position <= at) return false;
    if (!receipts) return true;
    const auto found = (*receipts)->find(cursor.route, at);
    if (!found || found->empty()) return true;
    return std::ranges::any_of(*found, [&](const store::Receipt& receipt) {
      const std::uint64_t had = receipt.delivered + receipt.dropped + receipt.rejected;
      const std::uint64_t held = journal_.number_of(receipt.to) - journal_.number_of(receipt.from);
      // Fewer than its range held: the route passed over the damaged place.
      return receipt.outcome(at) == store::Outcome::delivered && had >= held;
    });
  };
  return static_cast<std::uint64_t>(std::ranges::count_if(places, may_have));
}

}  // namespace capstan::runtime
