#include "runtime/route_runner.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/log.h"
#include "fmt/format.h"
#include "route_lane.h"

namespace capstan::runtime {

namespace {

// Read at once: enough for several payloads, little enough that a thousand routes fit into memory.
constexpr Bytes slice_max = 1_MiB;
// An idle destination is looked after so often: a receiver that died meanwhile is noticed and gets again what it may
// have lost.
constexpr Duration tend_every = std::chrono::seconds(30);
// And once more before the end, for at most so long.
constexpr Duration tend_at_end = std::chrono::seconds(3);
// An attempt at a destination that came back costs a second of its time, so it is made more often than a tenant's.
constexpr BackoffLimits limits{std::chrono::seconds(1), std::chrono::minutes(1), std::chrono::seconds(30)};

// A route that draws from several sources has a cursor in each of their journals, written one after another. Numbering
// the receipts tells which is the sink's newest, whatever was written last before a crash.
//   "17 the sink's own text"
struct NumberedReceipt {
  std::uint64_t number = 0;
  std::string_view text;
};

NumberedReceipt parse_receipt(std::string_view stored) {
  NumberedReceipt receipt;
  const std::size_t blank = stored.find(' ');
  if (blank == std::string_view::npos) return receipt;
  std::from_chars(stored.data(), stored.data() + blank, receipt.number);
  receipt.text = stored.substr(blank + 1);
  return receipt;
}

std::string number_receipt(std::uint64_t number, std::string_view text) { return fmt::format("{} {}", number, text); }

Result<> check_conserved(const Built& built, const Delivery& delivery) {
  const Tally tally{built.payload.messages.size(), delivery.accepted, 0, delivery.rejected.size()};
  if (tally.is_conserved()) return {};
  return Error(ErrorCode::internal, fmt::format("delivering {}: {} messages are not {} accepted + {} rejected",
                                                built.payload.id, tally.received, tally.kept, tally.rejected));
}

}  // namespace

RouteRunner::RouteRunner(RoutePlan& route, std::vector<From> from, Committer& committer, DeadLetterBox& dead_letters,
                         const Clock& clock, std::uint64_t seed)
    : route_(route),
      committer_(committer),
      dead_letters_(dead_letters),
      clock_(clock),
      backoff_(limits, seed),
      lane_(std::make_unique<Lane>(route)),
      reserve_(route.reserve.least),
      progressed_at_(clock.monotonic()) {
  for (From& one : from) {
    Draw draw;
    draw.from = std::move(one);
    draw.journal = committer.journal(draw.from.number);
    const store::Cursor& cursor = draw.from.cursor;
    draw.sent_to = std::max({cursor.attempted_to, cursor.number, cursor.counted()});
    draw.resent_settled = draw.resent_told = cursor.resent;
    draws_.push_back(std::move(draw));
  }
  begin_where_it_is_sure();
  name_evidence();
  route_.sink->before_resend([this](std::uint64_t messages) { return count_resent(messages); });
}

RouteRunner::~RouteRunner() = default;

// A cursor that still has a doubt is one of a process that ended uncleanly, or of a destination that a reload left when
// it did not answer: what that may have lost is delivered again. It was counted then: now it only counts as resent.
void RouteRunner::begin_where_it_is_sure() {
  for (Draw& draw : draws_) {
    store::Cursor& cursor = draw.from.cursor;
    if (cursor.unsure_from && *cursor.unsure_from < cursor.position) {
      cursor.position = *cursor.unsure_from;
      // Where retention has removed it, the cursor's own number tells what is lost.
      cursor.number = std::min(cursor.number, draw.journal->number_of(cursor.position));
    }
    // From here on the position covers it.
    cursor.unsure_from.reset();
  }
}

void RouteRunner::forget_old_deliveries(Draw& draw, MonotonicTime now) const {
  const Sink::Doubt doubt = route_.sink->doubt();
  while (!draw.lately.empty()) {
    const Draw::Delivered& oldest = draw.lately.front();
    if (now - oldest.at <= doubt.age && draw.lately_bytes - oldest.bytes < doubt.bytes.count) break;
    draw.lately_bytes -= oldest.bytes;
    draw.lately.pop_front();
  }
  // After a replay the newest is not the furthest.
  const auto earliest = std::ranges::min_element(draw.lately, {}, &Draw::Delivered::from);
  draw.from.cursor.unsure_from = earliest == draw.lately.end() ? std::nullopt : std::optional(earliest->from);
}

void RouteRunner::remember_delivery(Draw& draw, std::uint64_t bytes, MonotonicTime now) {
  if (route_.sink->doubt().bytes == Bytes{}) return;
  draw.lately.push_back({lane_->slice.items[lane_->built->first].position, bytes, now});
  draw.lately_bytes += bytes;
  forget_old_deliveries(draw, now);
}

// Looks after an idle destination. True when it is well, so that nothing is in doubt any more once it is closed.
bool RouteRunner::tend(const std::stop_token& stop, MonotonicTime now) {
  if (route_.sink->doubt().bytes == Bytes{}) return true;
  lane_->tended_at = now;
  const Result<Delivery> looked = route_.sink->deliver(Payload{}, Call{tend_at_end, stop});
  // What a broken connection left in doubt does not get older: it is sent again with the next one.
  if (!looked) return false;
  const std::lock_guard lock(mutex_);
  for (Draw& draw : draws_) {
    forget_old_deliveries(draw, now);
    tell(draw);
  }
  return true;
}

Result<> RouteRunner::resume_sink() {
  if (lane_->is_resumed) return {};
  NumberedReceipt newest;
  for (const Draw& draw : draws_) {
    const NumberedReceipt receipt = parse_receipt(draw.from.cursor.receipt);
    if (receipt.number >= newest.number) newest = receipt;
  }
  TRY(route_.sink->resume(newest.text).during("resuming " + route_.sink_name));
  lane_->receipt_number = newest.number;
  lane_->is_resumed = true;
  return {};
}

Step RouteRunner::step(const std::stop_token& stop) {
  apply_rewinds();
  const MonotonicTime now = clock_.monotonic();
  if (now < lane_->retry_at) return Step{lane_->retry_at};
  if (Result<> resumed = resume_sink(); !resumed) return fail(resumed.error(), now);
  if (!lane_->built) {
    const Result<bool> fetched = fetch();
    if (!fetched) return fail(fetched.error(), now);
    if (!*fetched) {
      {
        const std::lock_guard lock(mutex_);
        error_.reset();
        progressed_at_ = now;
        is_idle_ = true;
        reserve_ = route_.reserve.least;
        oldest_waiting_.reset();
      }
      const bool has_doubt = std::ranges::any_of(draws_, [](const Draw& draw) { return !draw.lately.empty(); });
      if (!has_doubt) return Step{};
      if (now - lane_->tended_at >= tend_every) tend(stop, now);
      return Step{lane_->tended_at + tend_every};
    }
    if (Result<> made = build(); !made) return fail(made.error(), now);
  }
  return attempt(stop, now);
}

Step RouteRunner::attempt(const std::stop_token& stop, MonotonicTime now) {
  Lane& lane = *lane_;
  if (!lane.delivery && lane.built->payload.messages.empty()) {
    lane.delivery.emplace();
    lane.delivery->receipt.clear();
  } else if (!lane.delivery) {
    if (Result<> marked = begin_attempt(now); !marked) return fail(marked.error(), now);
    note_attempt();
    Result<Delivery> delivery = route_.sink->deliver(lane.built->payload, Call{route_.batch.timeout, stop});
    now = clock_.monotonic();
    end_attempt(delivery ? lane.built->payload.messages.size() : route_.sink->may_have_arrived());
    if (!delivery) {
      if (halve(delivery.error())) return Step{now};
      return fail(std::move(delivery).during("delivering to " + route_.sink_name).error(), now);
    }
    if (Result<> conserved = check_conserved(*lane.built, *delivery); !conserved) return fail(conserved.error(), now);
    lane.delivery = std::move(*delivery);
  }
  if (Result<> buried = bury(); !buried) return fail(buried.error(), now);
  acknowledge();
  backoff_.reset();
  return Step{now};
}

Result<bool> RouteRunner::fetch() {
  Lane& lane = *lane_;
  if (lane.draw && lane.next_item < lane.slice.items.size()) return true;
  lane.let_go();
  for (std::size_t i = 0; i < draws_.size(); ++i) {
    const std::size_t draw = (lane.turn + i) % draws_.size();
    if (!TRY(fetch_from(draw))) continue;
    lane.turn = (draw + 1) % draws_.size();
    return true;
  }
  return false;
}

// False when there is nothing to pass over yet.
bool RouteRunner::pass_over(Draw& draw) const {
  if (!draw.pass_over || draw.from.cursor.position < draw.pass_over->from) return false;
  store::Cursor& cursor = draw.from.cursor;
  cursor.position = std::max(cursor.position, draw.pass_over->to);
  cursor.number = std::max(cursor.number, draw.pass_over->to_number);
  draw.pass_over.reset();
  return true;
}

// Until there is something to deliver. Each turn moves the cursor on, so it ends where the journal does.
Result<bool> RouteRunner::fetch_from(std::size_t number) {
  Draw& draw = draws_[number];
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (pass_over(draw)) tell(draw);
    }
    if (draw.journal->report().durable <= draw.from.cursor.position) return false;
    store::Slice slice = TRY(read_on(draw));
    if (slice.items.empty() && slice.end <= draw.from.cursor.position) return false;
    lane_->draw = number;
    lane_->slice = std::move(slice);
    lane_->next_item = 0;
    const std::lock_guard lock(mutex_);
    if (!lane_->slice.items.empty()) {
      take_in_hand(draw);
      return true;
    }
    // Nothing to deliver: checkpoints, and what damage took.
    lane_->built.emplace();
    count(draw, {});
    tell(draw);
    lane_->let_go();
  }
}

// What follows the cursor, up to where a replay passes over.
Result<store::Slice> RouteRunner::read_on(Draw& draw) {
  const store::Journal& journal = *draw.journal;
  Result<store::Slice> slice = journal.read(draw.from.cursor.position, slice_max);
  if (!slice && slice.error().code() == ErrorCode::position_gone) {
    const std::lock_guard lock(mutex_);
    catch_up_with_retention(draw);
    tell_losses(draw);
    slice = journal.read(draw.from.cursor.position, slice_max);
  }
  if (!slice) return std::move(slice).during("reading the journal of " + draw.from.source).error();
  if (draw.pass_over && slice->end > draw.pass_over->from) {
    const auto beyond =
        std::ranges::find_if(slice->items, [&](const auto& item) { return item.position >= draw.pass_over->from; });
    slice->items.erase(beyond, slice->items.end());
    slice->end = draw.pass_over->from;
    slice->end_number = draw.pass_over->from_number;
  }
  return slice;
}

Result<> RouteRunner::build() {
  Lane& lane = *lane_;
  const From& from = draws_[*lane.draw].from;
  const PayloadBuilder::Limits payload_limits{route_.batch.max_bytes, lane.message_limit};
  lane.built = TRY(lane.builder.build(lane.slice, lane.next_item, from.source, from.tenant, payload_limits,
                                      std::exchange(lane.spare, Payload{})));
  const std::lock_guard lock(mutex_);
  oldest_waiting_ = lane.slice.items[lane.built->first].ingest_time;
  return {};
}

bool RouteRunner::halve(const Error& error) {
  if (error.error_class() != ErrorClass::split && error.error_class() != ErrorClass::dead_letter) return false;
  Lane& lane = *lane_;
  Built& built = *lane.built;
  // The messages of one record stay together.
  if (built.tally.kept > 1) {
    lane.message_limit = built.tally.kept / 2;
    lane.spare = std::move(built.payload);
    lane.built.reset();
    return true;
  }
  built.rejected.push_back({built.payload.messages.front().record, error});
  built.payload.messages.clear();
  built.payload.bytes.clear();
  --built.tally.kept;
  ++built.tally.rejected;
  return true;
}

Result<> RouteRunner::bury() {
  if (is_fenced()) return {};  // its successor will
  Lane& lane = *lane_;
  const From& from = draws_[*lane.draw].from;
  const auto add = [&](std::size_t item, const Error& error) {
    const store::Slice::Item& at = lane.slice.items[item];
    return dead_letters_.add({route_.name, from.source, at.position, at.record, error})
        .during("keeping a dead letter of route " + route_.name);
  };
  for (const Built::Rejected& rejected : lane.built->rejected) TRY(add(rejected.item, rejected.error));
  for (const Delivery::Rejected& rejected : lane.delivery->rejected)
    TRY(add(lane.built->payload.messages.at(rejected.message).record, rejected.error));
  return {};
}

void RouteRunner::acknowledge() {
  Lane& lane = *lane_;
  const Built& built = *lane.built;
  const Delivery& delivery = *lane.delivery;
  const MonotonicTime now = clock_.monotonic();
  {
    const std::lock_guard lock(mutex_);
    Draw& draw = draws_[*lane.draw];
    store::Cursor& cursor = draw.from.cursor;
    const store::Position begin = cursor.position;
    count(draw, delivery);
    leave_receipt(draw, begin, delivery);
    renew_mark(draw);
    remember_delivery(draw, built.payload.bytes.size(), now);
    lane.tended_at = now;
    if (!built.payload.messages.empty()) cursor.receipt = number_receipt(++lane.receipt_number, delivery.receipt);
    tell(draw);
    figures_.cut += delivery.cut;
    figures_.delivered_bytes += built.payload.bytes.size();
    if (delivery.accepted > 0) figures_.last_delivery = clock_.now();
    lane.meter.add(now, delivery.accepted, built.payload.bytes.size());
    error_.reset();
    progressed_at_ = now;
    oldest_waiting_.reset();
    lane.next_item = built.end;
    take_in_hand(draw);
  }
  // After a split the payloads grow again by themselves.
  lane.message_limit = std::min<std::size_t>(lane.message_limit * 2, route_.batch.max_events);
  lane.spare = std::move(lane.built->payload);
  lane.built.reset();
  lane.delivery.reset();
}

Step RouteRunner::fail(const Error& error, MonotonicTime now) {
  if (error.code() != ErrorCode::interrupted)
    log::repeating("route " + route_.name, Error(error).during("route " + route_.name));
  lane_->retry_at = now + backoff_.next(error);
  const std::lock_guard lock(mutex_);
  ++figures_.errors;
  error_ = error;
  // While it waits for the destination, retention may take what it has not had.
  for (Draw& draw : draws_) tell_losses(draw);
  return Step{lane_->retry_at};
}

void RouteRunner::apply_rewinds() {
  const std::lock_guard lock(mutex_);
  for (const Rewind& rewind : std::exchange(rewinds_, {})) {
    Draw& draw = draws_.at(rewind.from);
    store::Cursor& cursor = draw.from.cursor;
    Draw::PassOver rest{cursor.position, cursor.position, cursor.number, cursor.number};
    if (draw.pass_over && draw.pass_over->to > cursor.position) rest.to = draw.pass_over->to;
    if (rest.to != cursor.position) rest.to_number = draw.pass_over->to_number;
    rest.from = std::max(rewind.until.value_or(rest.to), rewind.since);
    rest.from_number = draw.journal->number_of(rest.from);
    draw.pass_over = rest.from < rest.to ? std::optional(rest) : std::nullopt;
    if (rewind.since < cursor.position) {
      cursor.position = rewind.since;
      cursor.number = std::min(cursor.number, draw.journal->number_of(cursor.position));
    }
    for (Draw& other : draws_) other.in_hand.reset();
    lane_->let_go();
    tell(draw);
  }
}

void RouteRunner::close() {
  const bool is_well = !is_fenced() && lane_->is_resumed && tend({}, clock_.monotonic());
  const bool is_settled = is_well && route_.sink->settle(Call{tend_at_end, {}});
  route_.sink->close();
  const std::lock_guard lock(mutex_);
  for (Draw& draw : draws_) {
    // The other side has read to the end, or is alive to do so: a clean end leaves no doubt.
    if (is_settled) draw.from.cursor.unsure_from.reset();
    draw.from.cursor.attempted_to = std::max(draw.sent_to, draw.from.cursor.number);
    draw.resent_promised = 0;
    tell(draw);
  }
}

}  // namespace capstan::runtime
