// The demo's SIEM: takes syslog over TCP (RFC 6587, octet counting or line ends, found out per connection by the first
// byte) and remembers which events came. It reads the externalId of CEF lines with a scan of its own, so that what it
// says about Capstan does not come from Capstan's parser.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace capstan::simulator {

struct ReceiverCounts {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t events = 0;      // distinct externalId
  std::uint64_t doubles = 0;     // messages whose externalId had come before
  std::uint64_t without_id = 0;  // messages without an externalId
  std::uint64_t broken = 0;      // connections ended because their framing was wrong
};

class Receiver {
public:
  // Listens until destroyed; port 0: any. port_in_use when the address cannot be had.
  static Result<Receiver> start(const std::string& address, std::uint16_t port);
  Receiver(Receiver&&) noexcept;
  Receiver& operator=(Receiver&&) noexcept;
  ~Receiver();

  std::uint16_t port() const;
  // Any thread may call these.
  ReceiverCounts counts() const;
  bool has(const std::string& external_id) const;
  std::vector<std::string> external_ids() const;  // distinct, in no order

private:
  struct Impl;
  explicit Receiver(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace capstan::simulator
