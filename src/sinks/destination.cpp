#include "destination.h"

#include <algorithm>

namespace capstan::sinks {
namespace {

// Long enough for a system that asks a second name server after five seconds of silence (resolv.conf(5), timeout), and
// short beside `look_up_every`: a dead name server slows a delivery that can go on without it, but does not stop it.
constexpr Duration look_up_wait_max = std::chrono::seconds(6);

// After a failure a name is looked up again at once, but not more often than this.
constexpr Duration look_up_pause = std::chrono::seconds(1);

}  // namespace

Destination::Destination(net::Address name, Duration look_up_every, const Clock& clock, LookUp look_up)
    : name_(std::move(name)), look_up_every_(look_up_every), clock_(clock), look_up_(std::move(look_up)) {}

Result<std::vector<net::Address>> Destination::candidates(const Call& call) {
  if (known_.empty() || is_due() || (is_stale_ && clock_.monotonic() - looked_up_at_ >= look_up_pause))
    if (auto looked_up = look_up(call);
        !looked_up && (known_.empty() || looked_up.error().code() == ErrorCode::interrupted))
      return looked_up.error();
  std::vector<net::Address> ordered = known_;
  if (!failed_) return ordered;
  const auto failed = std::ranges::find(ordered, *failed_);
  if (failed != ordered.end()) std::ranges::rotate(ordered, failed + 1);
  return ordered;
}

void Destination::note_failure(const net::Address& address) {
  failed_ = address;
  is_stale_ = true;
}

bool Destination::has_left(const net::Address& used, const Call& call) {
  if (!is_due()) return false;
  if (!look_up(call)) return false;
  return std::ranges::find(known_, used) == known_.end();
}

bool Destination::is_due() const { return clock_.monotonic() - looked_up_at_ >= look_up_every_; }

// A look-up that fails is tried again when the next one is due.
Result<> Destination::look_up(const Call& call) {
  looked_up_at_ = clock_.monotonic();
  const Duration wait_max = known_.empty() ? call.timeout : std::min(call.timeout, look_up_wait_max);
  known_ = TRY(look_up_(name_, {wait_max, call.stop}));
  looked_up_at_ = clock_.monotonic();
  is_stale_ = false;
  return {};
}

}  // namespace capstan::sinks
