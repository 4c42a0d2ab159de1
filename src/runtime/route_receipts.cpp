// What a route's runner leaves as evidence of each payload (store/receipts.h).
#include <algorithm>
#include <set>

#include "route_lane.h"
#include "runtime/route_identity.h"
#include "runtime/route_runner.h"
#include "store/receipts.h"

namespace capstan::runtime {

namespace {

using store::Outcome;
using store::Receipt;

// Of each record of the payload in turn, as runs of the same.
class Outcomes {
public:
  explicit Outcomes(Receipt& receipt) : receipt_(receipt) {}

  void add(store::Position at, Outcome outcome) {
    if (receipt_.outcomes.empty()) at = receipt_.from;
    if (receipt_.outcomes.empty() || receipt_.outcomes.back().outcome != outcome)
      receipt_.outcomes.push_back({at, outcome});
    ++(outcome == Outcome::delivered  ? receipt_.delivered
       : outcome == Outcome::rejected ? receipt_.rejected
                                      : receipt_.dropped);
  }

private:
  Receipt& receipt_;
};

}  // namespace

void RouteRunner::name_evidence() {
  lane_->destination = destination_of(route_);
  lane_->rule = rule_digest(route_);
}

void RouteRunner::note_attempt() {
  Lane& lane = *lane_;
  lane.last_attempt = clock_.now();
  if (lane.attempts++ == 0) lane.first_attempt = lane.last_attempt;
}

// Of the payload at hand, whose range begins at `from`; the cursor stands behind it already. With mutex_ held.
void RouteRunner::leave_receipt(Draw& draw, store::Position from, const Delivery& delivery) {
  Lane& lane = *lane_;
  const Built& built = *lane.built;
  store::Cursor& cursor = draw.from.cursor;
  Receipt receipt;
  receipt.from = from;
  receipt.to = cursor.position;
  receipt.rule = lane.rule;
  receipt.acknowledged = clock_.now();
  receipt.attempts = std::exchange(lane.attempts, 0);
  receipt.first_attempt = receipt.attempts == 0 ? receipt.acknowledged : lane.first_attempt;
  receipt.last_attempt = receipt.attempts == 0 ? receipt.acknowledged : lane.last_attempt;
  if (!built.payload.messages.empty()) receipt.destination = lane.destination;
  receipt.proof = route_.sink->proof();
  receipt.resent = cursor.resent - std::min(draw.resent_told, cursor.resent);
  draw.resent_told = cursor.resent;

  std::set<std::size_t> refused;
  for (const Built::Rejected& rejected : built.rejected) refused.insert(rejected.item);
  for (const Delivery::Rejected& rejected : delivery.rejected)
    refused.insert(built.payload.messages.at(rejected.message).record);
  Outcomes outcomes(receipt);
  auto message = built.payload.messages.begin();
  for (std::size_t item = built.first; item < built.end; ++item) {
    const auto first = message;
    while (message != built.payload.messages.end() && message->record == item) ++message;
    const store::Slice::Item& at = lane.slice.items[item];
    outcomes.add(at.position, refused.contains(item)               ? Outcome::rejected
                              : message != first                   ? Outcome::delivered
                              : lane.builder.wants(at.record.feed) ? Outcome::dropped
                                                                   : Outcome::not_selected);
  }
  if (!is_fenced_) committer_.add_receipt(draw.from.number, route_.name, receipt);
}

// What retention took from before the route. With mutex_ held.
void RouteRunner::leave_receipt_of_loss(const Draw& draw, store::Position from) const {
  Receipt receipt;
  receipt.from = from;
  receipt.to = draw.from.cursor.position;
  receipt.acknowledged = receipt.first_attempt = receipt.last_attempt = clock_.now();
  receipt.attempts = 0;
  receipt.outcomes = {{from, Outcome::lost}};
  if (!is_fenced_) committer_.add_receipt(draw.from.number, route_.name, receipt);
}

}  // namespace capstan::runtime
