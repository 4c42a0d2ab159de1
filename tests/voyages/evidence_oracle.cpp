#include "evidence_oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "store/receipts.h"
#include "store/seal.h"

namespace capstan::voyages {

namespace {

struct Journaled {
  std::string feed;
  std::string id;
  std::string raw;
  store::Position position;
};

class EvidenceJudge {
public:
  EvidenceJudge(const EvidencePlace& place, const Harbour& harbour, runtime::Program& program, Logbook& logbook)
      : place_(place), harbour_(harbour), program_(program), logbook_(logbook) {}

  bool read_journal() {
    const store::Journal& journal = *program_.committer().journal(0);
    for (store::Position at = journal.report().first; at < journal.report().durable;) {
      const auto slice = journal.read(at, 1_MiB);
      if (!slice) return complain("the journal cannot be read: " + slice.error().text());
      for (const auto& item : slice->items)
        journaled_.push_back(
            {std::string(item.record.feed), std::string(item.record.id), std::string(item.record.raw), item.position});
      if (slice->end <= at) break;
      at = slice->end;
    }
    return true;
  }

  void seals_say_what_the_journal_holds() {
    while (program_.seal()) {
    }
    const auto seals = store::Seals::open(place_.files, place_.directory);
    if (!seals) return void(complain("the seals cannot be opened: " + seals.error().text()));
    const std::vector<std::uint64_t> bases = store::list_segments(place_.files, place_.directory).value();
    // A removal that a crash cut short may have left a segment that the journal has given up.
    const std::uint64_t first = program_.committer().journal(0)->report().first.offset;
    const std::uint64_t newest = bases.back();
    for (const store::OffsetSpan& span : (*seals)->not_covered(first, newest))
      if (!is_damaged({span.from, 0})) complain("a closed segment has no seal");
    std::size_t seen = 0;
    const auto not_read = (*seals)->for_each(
        store::Position{first, 0}, store::Position{newest, 0}, [&](const store::SealedRecord& record) {
          const auto known = std::ranges::lower_bound(journaled_, record.position, {}, &Journaled::position);
          if (known == journaled_.end() || known->position != record.position) {
            if (!is_damaged(record.position)) complain("a seal has a record that the journal has not");
            return;
          }
          ++seen;
          if (record.feed != known->feed || record.identity != store::sealed_identity(known->feed, known->id))
            complain("a seal says of " + store::to_string(record.position) + " what the journal does not");
        });
    if (!not_read) complain("a seal cannot be read");
    const auto closed =
        std::ranges::count_if(journaled_, [&](const Journaled& record) { return record.position.offset < newest; });
    if (seen != static_cast<std::size_t>(closed)) complain("a seal leaves records out");
    // Where a seal is gone by age, or a segment before it was ever sealed, the chain goes on but nobody can follow it.
    const store::SealHead* before = nullptr;
    for (const store::SealHead& head : (*seals)->heads()) {
      if (before != nullptr && before->end == head.base && head.previous != before->chain)
        complain("the chain is broken at " + std::to_string(head.base));
      before = &head;
      ++logbook_.seals;
    }
  }

  void receipts_say_what_arrived(const RouteTruth& route) {
    const auto receipts = store::Receipts::open(place_.files, place_.directory);
    if (!receipts) return void(complain("the receipts cannot be opened: " + receipts.error().text()));
    std::set<std::tuple<std::string, std::string, std::string>> arrived;
    if (const auto found = harbour_.receivers().find(route.receiver); found != harbour_.receivers().end())
      for (const Arrival& arrival : found->second.arrivals()) arrived.insert({arrival.feed, arrival.id, arrival.raw});
    for (const Journaled& record : journaled_) {
      const auto all = (*receipts)->find(route.route, record.position);
      if (!all) return void(complain("the receipts cannot be read: " + all.error().text()));
      if (all->empty() && !place_.may_lack_receipts)
        complain(fmt::format("{}: there is no receipt of {} {}", route.route, record.feed, record.id));
      for (const store::Receipt& receipt : *all) judge(route, record, receipt, arrived);
      logbook_.receipts += all->size();
    }
  }

private:
  void judge(const RouteTruth& route, const Journaled& record, const store::Receipt& receipt,
             const std::set<std::tuple<std::string, std::string, std::string>>& arrived) {
    const auto outcome = receipt.outcome(record.position);
    const bool is_taken = route.feeds.empty() || std::ranges::find(route.feeds, record.feed) != route.feeds.end();
    const auto wrong = [&](std::string_view why) {
      complain(fmt::format("{}: a receipt says that {} {} was {}, and {}", route.route, record.feed, record.id,
                           outcome ? to_string(*outcome) : "something", why));
    };
    if (!outcome) return wrong("it has to say what");
    if ((*outcome == store::Outcome::not_selected) == is_taken) wrong("the route takes other feeds");
    if (*outcome == store::Outcome::delivered && !arrived.contains({record.feed, record.id, record.raw}))
      wrong("it never arrived");
    if (*outcome == store::Outcome::rejected && !harbour_.refuses(record.id)) wrong("nobody refuses it");
    if (*outcome == store::Outcome::dropped || *outcome == store::Outcome::lost) wrong("nothing drops it here");
    if (receipt.first_attempt > receipt.last_attempt && receipt.attempts < 2) wrong("its times do not fit");
  }

  // Then a seal that was made before still knows what was there.
  bool is_damaged(store::Position at) const {
    return std::ranges::any_of(program_.committer().journal(0)->report().damage,
                               [&](const store::Damage& damage) { return damage.from <= at && at < damage.to; });
  }

  bool complain(std::string sentence) {
    logbook_.complaints.push_back("evidence: " + std::move(sentence));
    return false;
  }

  const EvidencePlace& place_;
  const Harbour& harbour_;
  runtime::Program& program_;
  Logbook& logbook_;
  std::vector<Journaled> journaled_;
};

}  // namespace

void judge_evidence(const EvidencePlace& place, const Harbour& harbour, runtime::Program& program,
                    const std::vector<RouteTruth>& routes, Logbook& logbook) {
  EvidenceJudge judge(place, harbour, program, logbook);
  if (!judge.read_journal()) return;
  // Those of the last second wait for the cursors.
  if (const auto written = program.committer().write_cursors_of(0); !written)
    logbook.complaints.push_back("evidence: " + written.error().text());
  judge.seals_say_what_the_journal_holds();
  for (const RouteTruth& route : routes) judge.receipts_say_what_arrived(route);
}

}  // namespace capstan::voyages
