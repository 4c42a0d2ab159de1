#include "runtime/route_runner.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

#include "base/log.h"
#include "fmt/format.h"
#include "payload_builder.h"
#include "rate_meter.h"

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

struct RouteRunner::Lane {
  explicit Lane(const RoutePlan& route)
      : builder(route.name, route.feeds, route.transform), message_limit(route.batch.max_events) {}

  PayloadBuilder builder;
  RateMeter meter;
  bool is_resumed = false;
  std::uint64_t receipt_number = 0;
  std::size_t turn = 0;             // the source that is looked at first next time
  std::optional<std::size_t> draw;  // whose slice is in hand
  store::Slice slice;
  std::size_t next_item = 0;
  std::optional<Built> built;        // not acknowledged yet
  std::optional<Delivery> delivery;  // the sink has it; what it rejected may not be buried yet
  std::size_t message_limit;
  MonotonicTime retry_at{};
  MonotonicTime tended_at{};
  Payload spare;  // keeps its buffer

  void let_go() {
    draw.reset();
    slice = {};
    next_item = 0;
    built.reset();
    delivery.reset();
  }
};

RouteRunner::RouteRunner(RoutePlan& route, std::vector<From> from, Committer& committer, DeadLetterBox& dead_letters,
                         const Clock& clock, std::uint64_t seed)
    : route_(route),
      committer_(committer),
      dead_letters_(dead_letters),
      clock_(clock),
      backoff_(limits, seed),
      lane_(std::make_unique<Lane>(route)),
      progressed_at_(clock.monotonic()) {
  for (From& one : from) {
    Draw draw;
    draw.from = std::move(one);
    draw.journal = committer.journal(draw.from.number);
    draws_.push_back(std::move(draw));
  }
  begin_where_it_is_sure();
}

RouteRunner::~RouteRunner() = default;

// A cursor that still has a doubt is one of a process that ended uncleanly, or of a destination that a reload left when
// it did not answer: what that may have lost is delivered again.
void RouteRunner::begin_where_it_is_sure() {
  const bool is_ever_unsure = route_.sink->doubt().bytes != Bytes{};
  for (Draw& draw : draws_) {
    store::Cursor& cursor = draw.from.cursor;
    if (cursor.unsure_from && *cursor.unsure_from < cursor.position)
      draw.resend_to = std::exchange(cursor.position, *cursor.unsure_from);
    // The doubt was of another sink, which the route had before: this one takes it up once and has none of its own.
    if (!is_ever_unsure) cursor.unsure_from.reset();
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
  draw.from.cursor.unsure_from = draw.lately.empty() ? std::nullopt : std::optional(draw.lately.front().from);
}

void RouteRunner::remember_delivery(Draw& draw, std::uint64_t bytes, MonotonicTime now) {
  if (route_.sink->doubt().bytes == Bytes{}) return;
  draw.lately.push_back({lane_->slice.items[lane_->built->first].position, bytes, now});
  draw.lately_bytes += bytes;
  forget_old_deliveries(draw, now);
}

// What the payload at hand adds to the cursor. What an earlier process had delivered before it ended uncleanly was
// counted by it: it only counts as resent.
void RouteRunner::count(Draw& draw, const Delivery& delivery) const {
  const Built& built = *lane_->built;
  const auto is_fresh = [&](std::size_t item) { return lane_->slice.items[item].position >= draw.resend_to; };
  std::uint64_t items = 0;
  for (std::size_t item = built.first; item < built.end; ++item) items += is_fresh(item) ? 1 : 0;
  std::set<std::size_t> refused;  // by the encoder or by the destination
  for (const Built::Rejected& rejected : built.rejected)
    if (is_fresh(rejected.item)) refused.insert(rejected.item);
  for (const Delivery::Rejected& rejected : delivery.rejected)
    if (const std::size_t item = built.payload.messages.at(rejected.message).record; is_fresh(item))
      refused.insert(item);
  std::uint64_t delivered = 0;
  std::uint64_t again = 0;
  std::optional<std::size_t> before;
  for (const Payload::Message& message : built.payload.messages) {
    if (!is_fresh(message.record)) ++again;
    // A rule may make several messages of one record.
    const bool is_new = before != message.record && is_fresh(message.record) && !refused.contains(message.record);
    before = message.record;
    delivered += is_new ? 1 : 0;
  }
  store::Cursor& cursor = draw.from.cursor;
  cursor.delivered += delivered;
  cursor.rejected += refused.size();
  cursor.dropped += items - delivered - refused.size();
  cursor.resent += delivery.resent + again;
}

// Looks after an idle destination. True when it is well, so that nothing is in doubt any more once it is closed.
bool RouteRunner::tend(const std::stop_token& stop, MonotonicTime now) {
  if (route_.sink->doubt().bytes == Bytes{}) return true;
  lane_->tended_at = now;
  const Result<Delivery> looked = route_.sink->deliver(Payload{}, Call{tend_at_end, stop});
  const std::lock_guard lock(mutex_);
  for (Draw& draw : draws_) {
    forget_old_deliveries(draw, now);
    if (looked) draw.from.cursor.resent += draws_.size() == 1 ? looked->resent : 0;
    tell(draw);
  }
  return looked.has_value();
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
    {
      const std::lock_guard lock(mutex_);
      ++figures_.attempts;
    }
    Result<Delivery> delivery = route_.sink->deliver(lane.built->payload, Call{route_.batch.timeout, stop});
    now = clock_.monotonic();
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

void RouteRunner::pass_over(Draw& draw) const {
  if (!draw.is_passing_over || draw.from.cursor.position < draw.pass_from) return;
  draw.from.cursor.position = std::max(draw.from.cursor.position, draw.pass_to);
  draw.is_passing_over = false;
}

Result<bool> RouteRunner::fetch_from(std::size_t number) {
  Draw& draw = draws_[number];
  const store::Journal& journal = *draw.journal;
  {
    const std::lock_guard lock(mutex_);
    pass_over(draw);
  }
  const store::JournalReport report = journal.report();
  if (report.durable <= draw.from.cursor.position) return false;
  Result<store::Slice> slice = journal.read(draw.from.cursor.position, slice_max);
  if (!slice && slice.error().code() == ErrorCode::position_gone) {
    log::repeating(
        "gone " + route_.name,
        Error(ErrorCode::position_gone,
              fmt::format("reading {} for route {}: the cursor {} lies before the oldest event {}", draw.from.source,
                          route_.name, store::to_string(draw.from.cursor.position), store::to_string(report.first))));
    const std::lock_guard lock(mutex_);
    draw.from.cursor.position = std::max(draw.from.cursor.position, report.first);
    slice = journal.read(draw.from.cursor.position, slice_max);
  }
  if (!slice) return std::move(slice).during("reading the journal of " + draw.from.source).error();
  if (draw.is_passing_over) {
    const auto beyond =
        std::ranges::find_if(slice->items, [&](const auto& item) { return item.position >= draw.pass_from; });
    slice->items.erase(beyond, slice->items.end());
    slice->end = std::min(slice->end, draw.pass_from);
  }
  if (slice->items.empty()) {
    if (slice->end <= draw.from.cursor.position) return false;
    const std::lock_guard lock(mutex_);
    draw.from.cursor.position = slice->end;
    tell(draw);
    return false;
  }
  lane_->draw = number;
  lane_->slice = std::move(*slice);
  lane_->next_item = 0;
  return true;
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
  const bool is_whole = built.end == lane.slice.items.size();
  {
    const std::lock_guard lock(mutex_);
    Draw& draw = draws_[*lane.draw];
    store::Cursor& cursor = draw.from.cursor;
    cursor.position = is_whole ? lane.slice.end : lane.slice.items[built.end].position;
    count(draw, delivery);
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
  }
  lane.next_item = built.end;
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
  return Step{lane_->retry_at};
}

void RouteRunner::apply_rewinds() {
  const std::lock_guard lock(mutex_);
  for (const Rewind& rewind : std::exchange(rewinds_, {})) {
    Draw& draw = draws_.at(rewind.from);
    store::Position& position = draw.from.cursor.position;
    const store::Position reached = draw.is_passing_over ? std::max(position, draw.pass_to) : position;
    draw.is_passing_over = rewind.until && *rewind.until < reached;
    draw.pass_from = std::max(rewind.until.value_or(reached), rewind.since);
    draw.pass_to = reached;
    position = std::min(position, rewind.since);
    draw.lately.clear();
    draw.lately_bytes = 0;
    draw.from.cursor.unsure_from.reset();
    tell(draw);
    lane_->let_go();
  }
}

void RouteRunner::close() {
  const bool is_well = !is_fenced() && lane_->is_resumed && tend({}, clock_.monotonic());
  const Result<Delivery> settled = is_well ? route_.sink->settle(Call{tend_at_end, {}}) : Delivery{};
  route_.sink->close();
  if (!is_well || !settled) return;
  // The other side has read to the end, or is alive to do so: a clean end leaves no doubt.
  const std::lock_guard lock(mutex_);
  if (draws_.size() == 1) draws_.front().from.cursor.resent += settled->resent;
  for (Draw& draw : draws_) {
    if (!draw.from.cursor.unsure_from) continue;
    draw.from.cursor.unsure_from.reset();
    tell(draw);
  }
}

RouteStatus RouteRunner::status() const {
  const std::lock_guard lock(mutex_);
  RouteStatus status = figures_;
  status.name = route_.name;
  status.sink = route_.sink_name;
  status.sink_kind = route_.sink_kind;
  status.proof = route_.sink->proof();
  status.feeds = route_.feeds;
  for (const Draw& draw : draws_) {
    const store::JournalReport report = draw.journal->report();
    RouteCursor cursor{draw.from.source, draw.from.cursor, 0, 0};
    if (report.durable > draw.from.cursor.position) {
      cursor.backlog_bytes = std::max<std::uint64_t>(report.durable.offset - draw.from.cursor.position.offset, 1);
      const std::uint64_t ever_written = std::max<std::uint64_t>(report.durable.offset, 1);
      const double records_a_byte = static_cast<double>(report.records) / static_cast<double>(ever_written);
      cursor.backlog_records = std::max<std::uint64_t>(
          static_cast<std::uint64_t>(static_cast<double>(cursor.backlog_bytes) * records_a_byte), 1);
    }
    status.backlog_bytes += cursor.backlog_bytes;
    status.backlog_records += cursor.backlog_records;
    status.delivered += cursor.cursor.delivered;
    status.dropped += cursor.cursor.dropped;
    status.rejected += cursor.cursor.rejected;
    status.resent += cursor.cursor.resent;
    status.lost_to_retention += cursor.cursor.lost_to_retention;
    status.cursors.push_back(std::move(cursor));
  }
  if (status.backlog_bytes == 0) {
    status.lag = Duration::zero();
  } else if (oldest_waiting_) {
    status.lag = std::max(clock_.now() - *oldest_waiting_, Duration::zero());
  }
  status.rates = lane_->meter.rates(clock_.monotonic());
  status.state = status.backlog_bytes == 0 ? RouteState::idle : RouteState::delivering;
  if (error_) {
    status.code = error_->code();
    status.error = error_->text();
    const ErrorClass error_class = error_->error_class();
    status.state = error_class == ErrorClass::fault  ? RouteState::stopped
                   : waits_for_a_person(error_class) ? RouteState::held
                                                     : RouteState::retrying;
  }
  return status;
}

}  // namespace capstan::runtime
