// One request budget per tenant, shared by everything that asks that tenant (the service allows 30 requests a minute
// per tenant over all of its API, mdca-api-introduction). It does not wait: it says when. Any thread may call.
//
// A sliding window: never more than `requests_per_minute` requests in any 60 s. More urgent callers come first: a
// caller of lower urgency is only let through when nobody more urgent has asked within the last 60 s and been told to
// wait. A quarter of the budget is kept for alerts and activities:
//
//   alerts, activities   all of it
//   inventory, sweep     together (and with proof) three quarters
//   proof                only where the minute, whoever asked in it, leaves a quarter untouched
//
// A pause asked for by the service (Retry-After, "throttled") holds everyone.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>

#include "base/clock.h"

namespace capstan::net {

enum class Urgency : std::uint8_t { alerts = 0, activities = 1, inventory = 2, sweep = 3, proof = 4 };

class Governor {
public:
  Governor(const Clock& clock, unsigned requests_per_minute);

  // Takes a permit and returns zero, or returns how long to wait before asking again (nothing taken).
  Duration acquire(Urgency urgency);
  // What the other one granted and was paused for counts here too: it asked the same tenant.
  void go_on_from(const Governor& other);
  // The service asked for a pause, counted from now; the longest wins.
  void pause(Duration pause);
  unsigned requests_per_minute() const { return requests_per_minute_; }
  // Requests in the last 60 s, pauses so far: for status and metrics.
  unsigned recent() const;
  std::uint64_t pauses() const;

private:
  struct Grant {
    MonotonicTime at;
    Urgency urgency;
  };
  void forget_before(MonotonicTime time);
  // When the budget has room for it; the past: now.
  MonotonicTime room_at(Urgency urgency) const;

  const Clock& clock_;
  unsigned requests_per_minute_;
  mutable std::mutex mutex_;
  std::deque<Grant> granted_;   // in the last 60 s
  std::size_t background_ = 0;  // of them, those of inventory and less
  MonotonicTime paused_until_{};
  MonotonicTime refused_at_[5]{};
  bool was_refused_[5]{};
  std::uint64_t pauses_ = 0;
};

}  // namespace capstan::net
