// The addresses that a receiver's name stands for: which one is tried next, and whether the one in use is still among
// them. A name moves to another machine while the old one stays reachable and silent, so it is looked up again while
// everything seems well.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "component/sink.h"
#include "net/resolve.h"

namespace capstan::sinks {

// Used by one thread at a time.
class Destination {
public:
  // net::resolve, or a test's own.
  using LookUp = std::function<Result<std::vector<net::Address>>(const net::Address& name, const Call& call)>;

  // The clock outlives it.
  Destination(net::Address name, Duration look_up_every, const Clock& clock, LookUp look_up);

  const net::Address& name() const { return name_; }
  // The addresses to try, in this order: the system's, but beginning behind the one that failed last. Looked up when
  // the last time is `look_up_every` ago or an address has failed since; when that gives none, those known before.
  // Errors: those of the look-up when none is known.
  Result<std::vector<net::Address>> candidates(const Call& call);
  // The address takes no connection, or loses what it is sent.
  void note_failure(const net::Address& address);
  // Looks the name up when it is time to; then, whether it stands for other addresses than this one. False when the
  // look-up fails: the old address may still be right.
  bool has_left(const net::Address& used, const Call& call);

private:
  bool is_due() const;
  Result<> look_up(const Call& call);

  net::Address name_;
  Duration look_up_every_;
  const Clock& clock_;
  LookUp look_up_;
  std::vector<net::Address> known_;
  std::optional<net::Address> failed_;
  bool is_stale_ = true;
  MonotonicTime looked_up_at_{};
};

}  // namespace capstan::sinks
