// What systemd wants to hear of a service of Type=notify: datagrams to the socket that NOTIFY_SOCKET names
// (sd_notify(3)). Without the variable everything here does nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace capstan::runtime {

class ServiceNotifier {
public:
  // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  static ServiceNotifier from_environment();
  ServiceNotifier() = default;

  // "READY=1", "STOPPING=1", "WATCHDOG=1", "STATUS=…"; lost silently when nobody listens.
  void tell(std::string_view what) const;
  // How often the watchdog wants to hear from us: half of its patience. Nothing: there is none.
  std::optional<Duration> watchdog_every() const { return watchdog_every_; }

private:
  std::string socket_;
  std::optional<Duration> watchdog_every_;
};

}  // namespace capstan::runtime
