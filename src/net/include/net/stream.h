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
  bool operator==(const Address&) const = default;
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
  // Bytes handed to the kernel so far, also by a write that failed: what lies behind them has not left this process.
  virtual std::uint64_t written() const = 0;
  // Bytes written so far that the peer's kernel has acknowledged for certain, counted in the bytes given to write. Over
  // TLS this can only be all or what was acknowledged at the last full wait.
  virtual std::uint64_t acknowledged() const = 0;
  // Whether the connection ended with a reset (or another error of the network): the peer threw away bytes that its
  // program had not read, or the program was gone when they came.
  virtual bool was_reset() const = 0;
  // Waits for the peer to close by itself. True: it has, without a reset and with every byte acknowledged, so that its
  // kernel holds nothing unread (over TLS its program may have left a part of the last record, 16 KiB at most). False:
  // it had not at the end of the call. Nothing but finish() may follow. Errors: destination_closed, interrupted.
  virtual Result<bool> await_end(const Call& call) = 0;
  // Tells the peer that nothing more comes (TLS close_notify, half-close) and waits until it has closed in its turn,
  // without a reset and with every byte acknowledged: its program has then read to the end (a kernel that closes a
  // socket with unread bytes sends a reset, RFC 2525, 2.17). The stream is dead afterwards. Errors: destination_closed
  // (it had not read everything), destination_slow (it goes on reading, or does not close), interrupted.
  virtual Result<> finish(const Call& call) = 0;
  // finish() for one second at most, when its outcome does not matter any more.
  virtual void close() = 0;
};

Result<std::unique_ptr<Stream>> connect_tcp(const Address& to, const Call& call);
Result<std::unique_ptr<Stream>> connect_tls(const Address& to, const TlsOptions& options, const Call& call);

class Datagrams {
public:
  virtual ~Datagrams() = default;
  // One message, one datagram, at most 65,507 bytes. Errors: destination_unreachable (an ICMP message says that an
  // earlier one was not taken, and this one was not sent), destination_slow (this machine's own queues stayed full, for
  // two seconds or until the call ended), message_too_long, interrupted.
  virtual Result<> send(std::string_view message, const Call& call) = 0;
  // Waits until the end of the call whether the network refuses what was sent: destination_unreachable. Not stopped:
  // the call is meant to be short.
  virtual Result<> await_refusal(const Call& call) = 0;
};
Result<std::unique_ptr<Datagrams>> open_udp(const Address& to, const Call& call);

}  // namespace capstan::net
