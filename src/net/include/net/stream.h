// Byte streams and datagrams to a receiver, blocking, bounded by a Call. One object is used by one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http.h"

namespace capstan::net {

// "siem.example:6514", "[::1]:514"
struct Address {
  std::string host;
  std::uint16_t port = 0;
};
std::optional<Address> parse_address(std::string_view text);
std::string to_string(const Address& address);

struct TlsOptions {
  std::string ca_file;      // empty: the system's
  std::string server_name;  // name to verify and to send (SNI); empty: the host of the address
  bool verify = true;       // false is said loudly in check and status
  Secret certificate_pem;   // client certificate with its key; empty: none
};

// Errors: name_not_resolved, destination_unreachable, destination_closed, destination_slow (timed out while writing),
// destination_tls_failed.
class Stream {
public:
  virtual ~Stream() = default;
  // Writes all of it or fails; after a failure the stream is dead.
  virtual Result<> write(std::string_view bytes, const Call& call) = 0;
  // Waits until the peer's kernel has acknowledged everything that was written (SIOCOUTQ is 0), or fails.
  // A peer that closed its side is detected here and in write (destination_closed).
  virtual Result<> wait_acknowledged(const Call& call) = 0;
  // Bytes written so far that the peer's kernel has acknowledged for certain, counted in the bytes given to write. Over
  // TLS this can only be all or what was acknowledged at the last full wait.
  virtual std::uint64_t acknowledged() const = 0;
  // TLS close_notify, half-close, read to the end (bounded); errors do not matter any more.
  virtual void close() = 0;
};

Result<std::unique_ptr<Stream>> connect_tcp(const Address& to, const Call& call);
Result<std::unique_ptr<Stream>> connect_tls(const Address& to, const TlsOptions& options, const Call& call);

class Datagrams {
public:
  virtual ~Datagrams() = default;
  // One message, one datagram, at most 65,507 bytes. An ICMP refusal of an earlier one shows here as
  // destination_unreachable.
  virtual Result<> send(std::string_view message) = 0;
};
Result<std::unique_ptr<Datagrams>> open_udp(const Address& to, const Call& call);

}  // namespace capstan::net
