#include "stream_carrier.h"

#include <fmt/format.h>

#include <algorithm>

#include "unfinished.h"

namespace capstan::sinks {
namespace {

// A call whose time is used up still makes its next step for this long: it then ends with that step's own error.
constexpr Duration step_min{1};
// The first unit to be proved. A receiver reads that much within milliseconds, and a window of 4 MiB is a few of them.
constexpr std::size_t unit_first = 1U << 20;
// How long a receiver may take to read a unit to its end and to close.
constexpr Duration proof_wait_max = std::chrono::seconds(10);
// How long one that closes behind every message takes for that.
constexpr Duration own_end_wait{500};
// How long a receiver may take that is left because its name stands for another one now: it may be dead.
constexpr Duration leave_wait_max = std::chrono::seconds(3);
// How long units are halved at once when they fail one after the other.
constexpr Duration halving_max = std::chrono::seconds(5);
// How long what is owed, and the connection for what comes next, may hold up the next payload.
constexpr Duration afterwards_max = std::chrono::seconds(1);
// As long as units fail, and for this long afterwards, each one has its own connection.
constexpr Duration proving_after_trouble = std::chrono::minutes(1);
// So many breaks within that time, and the window would be sent again too often.
constexpr std::size_t breaks_max = 3;

}  // namespace

StreamCarrier::StreamCarrier(Destination destination, Connect connect, ResendWindow window, const Clock& clock)
    : destination_(std::move(destination)),
      connect_(std::move(connect)),
      window_(std::move(window)),
      clock_(clock),
      unit_max_(unit_first) {}

Result<std::uint64_t> StreamCarrier::carry(const Payload& payload, Frames frames, const Call& call) {
  const MonotonicTime begin = clock_.monotonic();
  progress_.begin(payload);
  leave_moved_address(call);
  bool is_delivered = false;
  while (way_ == Way::lasting && !is_delivered) {
    auto carried = carry_lasting(payload, frames, rest_of(call, begin));
    if (carried) {
      is_delivered = *carried;
      if (!is_delivered) break;
    } else if (carried.error().code() != ErrorCode::destination_closed) {
      return carried.error();
    }
    // A receiver that closed is connected again at once. That connection brings the payload, or proving begins.
  }
  if (!is_delivered) TRY(carry_proving(payload, frames, rest_of(call, begin)));
  progress_.finish(payload);
  return std::exchange(resent_, 0);
}

// --- lasting

// False: nothing was delivered, and the way has become `proving`.
Result<bool> StreamCarrier::carry_lasting(const Payload& payload, Frames& frames, const Call& call) {
  const MonotonicTime begin = clock_.monotonic();
  TRY(ensure_connected(call));
  if (way_ == Way::proving) return false;
  const std::size_t first = progress_.done();
  TRY(tell_again(sent_in_call(first, frames.size())));
  const std::uint64_t before = stream_->written();
  auto written = stream_->write(frames.between(first, frames.size()), rest_of(call, begin));
  if (written) written = stream_->wait_acknowledged(rest_of(call, begin));
  if (!written) {
    const std::size_t begun = frames.begun(first, stream_->written() - before);
    resent_ += progress_.note_sent(payload, first, first + begun);
    note_break(written.error());
    return written.error();
  }
  resent_ += progress_.sent_before(first, frames.size());
  has_accepted_ = true;
  if (frames.size() > first)
    window_.add_unread({std::move(frames), first, clock_.monotonic()});
  else
    window_.age(clock_.monotonic());
  return true;
}

Result<> StreamCarrier::ensure_connected(const Call& call) {
  const MonotonicTime begin = clock_.monotonic();
  // Writing nothing looks at the peer: a receiver that was restarted while nothing was to be sent has closed.
  if (stream_)
    if (const auto looked = stream_->write({}, call); !looked) note_break(looked.error());
  if (way_ == Way::proving) return {};
  if (!stream_) {
    stream_ = TRY(connect(rest_of(call, begin)));
    has_accepted_ = false;
  }
  if (!broken_at_) return {};
  auto sent = resend_window(rest_of(call, begin));
  if (!sent && stream_) note_break(sent.error());
  return sent;
}

Result<> StreamCarrier::resend_window(const Call& call) {
  const MonotonicTime begin = clock_.monotonic();
  for (const auto& entry : window_.entries()) {
    if (auto told = tell_again(entry.messages()); !told) {
      stream_.reset();
      return told;
    }
    const std::uint64_t before = stream_->written();
    auto written = stream_->write(entry.frames.between(entry.first, entry.frames.size()), rest_of(call, begin));
    resent_ += entry.frames.begun(entry.first, stream_->written() - before);
    if (!written) return std::move(written).during("sending the last messages again");
  }
  window_.note_all_repeated(std::chrono::duration_cast<Duration>(clock_.monotonic() - *broken_at_));
  broken_at_.reset();
  return {};
}

// A reset says that bytes were thrown away; a connection that brought nothing new, that sending the same again would
// end the same.
void StreamCarrier::note_break(const Error& error) {
  const bool was_reset = stream_->was_reset();
  stream_.reset();
  doubt();
  if (error.code() == ErrorCode::interrupted) return;
  const MonotonicTime now = clock_.monotonic();
  breaks_.push_back(now);
  while (now - breaks_.front() > proving_after_trouble) breaks_.pop_front();
  if (!has_accepted_) destination_.note_failure(used_);
  if (was_reset || !has_accepted_) begin_proving();
  if (breaks_.size() < breaks_max) return;
  breaks_.clear();
  begin_proving();
  has_trouble_ = true;
  trouble_at_ = now;
}

void StreamCarrier::leave_moved_address(const Call& call) {
  if (!stream_ || !destination_.has_left(used_, call)) return;
  const auto ended = stream_->finish({std::min(call.timeout, leave_wait_max), call.stop});
  stream_.reset();
  if (ended)
    window_.note_read(window_.unread().size(), clock_.monotonic());
  else
    doubt();
}

// --- proving

// The payload is delivered when the receiver has read it; what is owed does not fail it.
Result<> StreamCarrier::carry_proving(const Payload& payload, const Frames& frames, const Call& call) {
  const MonotonicTime begin = clock_.monotonic();
  look_at_next_connection(call);
  TRY(prove_fresh(payload, frames, rest_of(call, begin)));
  Call afterwards = rest_of(call, begin);
  if (!payload.messages.empty()) afterwards.timeout = std::min(afterwards.timeout, afterwards_max);
  const auto repeated = repeat_owed(payload, afterwards);
  if (repeated) {
    broken_at_.reset();
    end_proving();
  }
  const auto connected = make_next_connection({afterwards_max, call.stop});
  if (!payload.messages.empty()) return {};
  return repeated ? connected : repeated;
}

// A unit that the receiver does not read to its end is halved and tried again at once, for the break is the receiver's
// way and not its trouble. When that takes long, a person is told, and the route waits.
Result<> StreamCarrier::prove_fresh(const Payload& payload, const Frames& frames, const Call& call) {
  const MonotonicTime begin = clock_.monotonic();
  for (;;) {
    const Unit unit = next_unit(Part::fresh, frames);
    if (unit.messages() == 0) return {};
    const auto used = clock_.monotonic() - begin;
    if (used >= call.timeout) return unfinished(payload, destination_.name(), progress_.done());
    const auto proved = prove(unit, payload, frames, rest_of(call, begin));
    if (!proved && (!may_halve(unit, proved.error()) || used >= halving_max)) return proved;
  }
}

// With a payload at hand the first failure ends it: everything is owed again then, and the next payload goes first.
Result<> StreamCarrier::repeat_owed(const Payload& payload, const Call& call) {
  const MonotonicTime begin = clock_.monotonic();
  for (;;) {
    const Unit unit = next_unit(Part::owed, {});
    if (unit.messages() == 0) return {};
    const auto used = clock_.monotonic() - begin;
    if (used >= call.timeout) return unfinished(payload, destination_.name(), 0);
    const auto proved = prove(unit, payload, {}, rest_of(call, begin));
    const bool goes_on = payload.messages.empty() && used < halving_max;
    if (!proved && (!goes_on || !may_halve(unit, proved.error()))) return proved;
  }
}

bool StreamCarrier::may_halve(const Unit& unit, const Error& error) const {
  const bool is_broken = way_ == Way::proving && error.code() == ErrorCode::destination_closed;
  return is_broken && (unit.messages() > 1 || single_end_ == SingleEnd::theirs_first);
}

StreamCarrier::Unit StreamCarrier::next_unit(Part part, const Frames& frames) const {
  Unit unit;
  unit.part = part;
  const ResendWindow::Range range = part == Part::owed ? window_.owed() : window_.unread();
  unit.kept = window_.slices(range, unit_max_);
  for (const auto& slice : unit.kept) unit.bytes += slice.bytes().size();
  unit.is_all = unit.from_window() == range.size();
  if (!unit.is_all || part == Part::owed) return unit;
  unit.first = progress_.done();
  const std::size_t room = unit_max_ - std::min(unit_max_, unit.bytes);
  unit.end = frames.fitting(unit.first, frames.size(), room, unit.bytes == 0);
  unit.bytes += frames.between(unit.first, unit.end).size();
  unit.is_all = unit.end == frames.size();
  return unit;
}

std::size_t StreamCarrier::Unit::from_window() const {
  std::size_t messages = 0;
  for (const auto& slice : kept) messages += slice.to - slice.from;
  return messages;
}

// One connection.
Result<> StreamCarrier::prove(const Unit& unit, const Payload& payload, const Frames& frames, const Call& call) {
  const MonotonicTime begin = clock_.monotonic();
  const SingleEnd tried = single_end_;
  TRY(make_next_connection(call));
  TRY(tell_again(unit.from_window() + sent_in_call(unit.first, unit.end)));
  const auto stream = std::exchange(stream_, {});
  Result<> proved;
  std::vector<ResendWindow::Slice> slices = unit.kept;
  if (unit.end > unit.first) slices.push_back({&frames, unit.first, unit.end});
  for (const auto& slice : slices)
    if (proved) proved = stream->write(slice.bytes(), rest_of(call, begin));
  if (proved) proved = end_in_order(*stream, unit, rest_of(call, begin));
  note_sent(unit, payload, frames, stream->written());
  if (proved) {
    note_read(unit, frames);
    return {};
  }
  if (proved.error().code() != ErrorCode::interrupted) note_failed(unit, proved.error(), tried);
  return std::move(proved).during("sending what is in doubt, with the end of the connection as a receipt");
}

// A receiver that closes behind every message does not read our close_notify, and its kernel answers that with a reset
// although the message was read. Every second time a single message fails, it is given the time to close first.
Result<> StreamCarrier::end_in_order(net::Stream& stream, const Unit& unit, const Call& call) {
  const MonotonicTime begin = clock_.monotonic();
  if (single_end_ == SingleEnd::theirs_first && unit.messages() == 1) {
    if (TRY(stream.await_end({std::min(call.timeout, own_end_wait), call.stop}))) return {};
    single_end_ = SingleEnd::ours_first;
  }
  const Call rest = rest_of(call, begin);
  return stream.finish({std::min(rest.timeout, proof_wait_max), rest.stop});
}

void StreamCarrier::note_read(const Unit& unit, const Frames& frames) {
  const MonotonicTime now = clock_.monotonic();
  const std::size_t twice = 2 * std::max(unit_max_, unit.bytes);
  if (!unit.is_all && (failed_unit_ == 0 || twice < failed_unit_)) unit_max_ = std::min(twice, unit_first);
  if (unit.part == Part::owed) return window_.note_repeated(unit.from_window(), now);
  window_.note_read(unit.from_window(), now);
  if (unit.end == unit.first) return;
  window_.add_read({frames.copy_of(unit.first, unit.end), 0, now});
  progress_.note_done(unit.first, unit.end);
}

void StreamCarrier::note_failed(const Unit& unit, const Error& error, SingleEnd tried) {
  destination_.note_failure(used_);
  has_trouble_ = true;
  trouble_at_ = clock_.monotonic();
  failed_unit_ = unit.messages() > 1 ? unit.bytes : 0;
  unit_max_ = unit.messages() > 1 ? unit.bytes / 2 : unit.bytes;
  const bool is_next = unit.messages() == 1 && tried == SingleEnd::ours_first;
  single_end_ = is_next ? SingleEnd::theirs_first : SingleEnd::ours_first;
  // A receiver that does not close after us cannot prove anything: the next attempt is a lasting one again.
  if (error.code() == ErrorCode::destination_slow) way_ = Way::lasting;
  doubt();
}

void StreamCarrier::note_sent(const Unit& unit, const Payload& payload, const Frames& frames, std::uint64_t bytes) {
  for (const auto& slice : unit.kept) {
    const std::uint64_t sent = std::min<std::uint64_t>(bytes, slice.bytes().size());
    resent_ += slice.frames->begun(slice.from, sent);
    bytes -= sent;
  }
  resent_ += progress_.note_sent(payload, unit.first, unit.first + frames.begun(unit.first, bytes));
}

void StreamCarrier::look_at_next_connection(const Call& call) {
  if (!stream_ || stream_->write({}, call)) return;
  stream_.reset();
  doubt();
}

Result<> StreamCarrier::make_next_connection(const Call& call) {
  if (stream_) return {};
  auto made = connect(call);
  if (!made) {
    if (made.error().code() != ErrorCode::interrupted) doubt();
    return made.error();
  }
  stream_ = std::move(*made);
  has_accepted_ = true;
  return {};
}

void StreamCarrier::begin_proving() {
  if (way_ == Way::proving) return;
  way_ = Way::proving;
  has_trouble_ = false;
  failed_unit_ = 0;
}

void StreamCarrier::end_proving() {
  if (has_trouble_ && clock_.monotonic() - trouble_at_ < proving_after_trouble) return;
  way_ = Way::lasting;
  breaks_.clear();
}

// The receiver may have died.
void StreamCarrier::doubt() {
  if (!broken_at_) broken_at_ = clock_.monotonic();
  window_.doubt();
}

// ---

Result<> StreamCarrier::tell_again(std::uint64_t messages) const {
  return messages > 0 && before_resend_ ? before_resend_(messages) : Result<>();
}

std::uint64_t StreamCarrier::sent_in_call(std::size_t first, std::size_t end) const {
  const std::size_t sent = std::min(progress_.sent_in_attempt(), end);
  return sent > first ? sent - first : 0;
}

// Each address gets its share of the time, so that a silent first one does not use up the time of a second that would
// answer.
Result<std::unique_ptr<net::Stream>> StreamCarrier::connect(const Call& call) {
  const MonotonicTime begin = clock_.monotonic();
  const auto candidates = TRY(destination_.candidates(call));
  Error last(ErrorCode::name_not_resolved, fmt::format("resolving \"{}\": no address", destination_.name().host));
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Call rest = rest_of(call, begin);
    const auto share = rest.timeout / static_cast<std::int64_t>(candidates.size() - i);
    auto stream = connect_(candidates[i], {std::max<Duration>(share, step_min), call.stop});
    if (stream) {
      used_ = candidates[i];
      return stream;
    }
    last = candidates[i] == destination_.name() ? stream.error()
                                                : std::move(stream).during(to_string(destination_.name())).error();
    if (last.code() == ErrorCode::interrupted) break;
    destination_.note_failure(candidates[i]);
  }
  return last;
}

Result<> StreamCarrier::probe(const Call& call) {
  TRY(connect(call))->close();
  return {};
}

Result<> StreamCarrier::settle(const Call& call) {
  const MonotonicTime begin = clock_.monotonic();
  for (;;) {
    resent_ += TRY(carry(Payload{}, Frames{}, rest_of(call, begin)));
    const auto ended = stream_->finish(rest_of(call, begin));
    stream_.reset();
    if (ended || ended.error().code() == ErrorCode::destination_slow) {
      window_.clear();
      return {};
    }
    doubt();
    if (clock_.monotonic() - begin >= call.timeout) return ended;
  }
}

void StreamCarrier::close() {
  if (stream_) stream_->close();
  stream_.reset();
}

Call StreamCarrier::rest_of(const Call& call, MonotonicTime begin) const {
  const auto used = std::chrono::duration_cast<Duration>(clock_.monotonic() - begin);
  return {std::max(step_min, call.timeout - used), call.stop};
}

}  // namespace capstan::sinks
