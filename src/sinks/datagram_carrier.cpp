#include "datagram_carrier.h"

#include <fmt/format.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "unfinished.h"

namespace capstan::sinks {
namespace {

constexpr Duration step_min{1};
constexpr std::size_t token_bytes = 1536;
// Waking up for every message would cost more than sending it.
constexpr std::chrono::milliseconds pause_min{5};

// An ICMP refusal comes within a round trip of the local network. The pace makes up for the time.
constexpr Duration refusal_wait{20};

double tokens_for(std::size_t bytes) { return static_cast<double>(bytes / token_bytes + 1); }

// False when stopped meanwhile.
bool sleep_for(std::chrono::nanoseconds span, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, span, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace

DatagramCarrier::DatagramCarrier(Destination destination, TokenBucket pace, const Clock& clock)
    : destination_(std::move(destination)), pace_(pace), clock_(clock) {}

Result<std::uint64_t> DatagramCarrier::carry(const Payload& payload, Frames frames, const Call& call) {
  progress_.begin(payload);
  auto sent = send_all(payload, frames, call);
  frames.clear();
  spare_ = std::move(frames);
  if (!sent) {
    if (sent.error().code() == ErrorCode::destination_unreachable) {
      // Which of them was refused is not known.
      progress_.doubt_all();
      destination_.note_failure(used_);
      datagrams_.reset();
    }
    return sent.error();
  }
  progress_.finish(payload);
  return std::exchange(resent_, 0);
}

Result<> DatagramCarrier::send_all(const Payload& payload, const Frames& frames, const Call& call) {
  const MonotonicTime begin = clock_.monotonic();
  // A receiver's machine that is gone does not refuse anything: only its name tells that it has moved.
  if (datagrams_ && destination_.has_left(used_, call)) datagrams_.reset();
  if (!datagrams_) TRY(open(rest_of(call, begin)));
  std::chrono::nanoseconds waited{};
  for (std::size_t i = progress_.done(); i < frames.size(); ++i) {
    const std::string_view frame = frames.between(i, i + 1);
    for (auto wait = pace_.wait(tokens_for(frame.size()), clock_.monotonic()); wait > wait.zero();
         wait = pace_.wait(tokens_for(frame.size()), clock_.monotonic())) {
      wait = std::max<std::chrono::nanoseconds>(wait, pause_min);
      if (waited + wait > call.timeout) return unfinished(payload, destination_.name(), i);
      waited += wait;
      if (!sleep_for(wait, call.stop))
        return Error(ErrorCode::interrupted, fmt::format("sending to {}: stopped", to_string(destination_.name())));
    }
    TRY(datagrams_->send(frame, rest_of(call, begin)));
    pace_.take(tokens_for(frame.size()));
    resent_ += progress_.note_sent(payload, i, i + 1);
    progress_.note_done(i, i + 1);
  }
  return datagrams_->await_refusal({refusal_wait, call.stop});
}

Result<> DatagramCarrier::open(const Call& call) {
  const MonotonicTime begin = clock_.monotonic();
  Error last(ErrorCode::name_not_resolved, fmt::format("resolving \"{}\": no address", destination_.name().host));
  for (const net::Address& candidate : TRY(destination_.candidates(call))) {
    auto opened = net::open_udp(candidate, rest_of(call, begin));
    if (opened) {
      datagrams_ = std::move(*opened);
      used_ = candidate;
      return {};
    }
    last = opened.error();
  }
  return last;
}

Result<> DatagramCarrier::probe(const Call& call) {
  TRY(open(call));
  close();
  return {};
}

Call DatagramCarrier::rest_of(const Call& call, MonotonicTime begin) const {
  const auto used = std::chrono::duration_cast<Duration>(clock_.monotonic() - begin);
  return {std::max(step_min, call.timeout - used), call.stop};
}

}  // namespace capstan::sinks
