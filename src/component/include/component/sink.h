// A sink makes one attempt to deliver one payload. It may keep a connection or an open file, starts no thread, does not
// retry. It is called by one thread at a time (each route has its own).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "net/http.h"

namespace capstan {

using net::Call;

// Encoded messages one after another, in order.
struct Payload {
  struct Message {
    std::size_t end = 0;     // offset behind the message's last byte in `bytes`
    Timestamp time{};        // event time
    std::size_t record = 0;  // running number of the record in the delivery
  };
  std::string bytes;
  std::vector<Message> messages;
  std::string id;  // stable: the same records give the same id after a restart

  std::string_view message(std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : messages[i - 1].end;
    return std::string_view(bytes).substr(begin, messages[i].end - begin);
  }
};

struct Delivery {
  std::uint64_t accepted = 0;  // messages
  std::uint64_t cut = 0;       // of those: shortened by rule (message_too_long)
  // Sent in this call though they may have arrived before. The sink's own view, for its tests: a route's cursor counts
  // them before they are sent (Sink::before_resend, Sink::may_have_arrived).
  std::uint64_t resent = 0;
  struct Rejected {
    std::size_t message = 0;
    Error error;
  };
  std::vector<Rejected> rejected;  // dead letters: will not be tried again
  // What the sink needs to know after a restart so that it does not write twice (a file and its size); stored with the
  // cursor.
  std::string receipt;
};

class Sink {
public:
  virtual ~Sink() = default;
  // Called once before the first deliver with the receipt stored last (empty: none). The same route's payloads follow
  // from there.
  virtual Result<> resume(std::string_view receipt) = 0;
  // What shows that a message which counts as delivered has arrived. Does not change while the sink lives; any thread
  // may ask.
  enum class Proof : std::uint8_t {
    acknowledged_by_application,  // the receiving program said so, or we stored it ourselves and synced
    acknowledged_by_kernel,       // the receiving machine has it; whether a program has read it is not known
    not_provable,                 // handed to the network; nothing comes back (UDP): "sent", never "delivered"
  };
  virtual Proof proof() const = 0;
  // A payload without messages only looks after the connection.
  // One attempt, whole: an Error means that nothing of it counts as delivered and all of it will come again.
  virtual Result<Delivery> deliver(const Payload& payload, const Call& call) = 0;
  // After deliver() ended with an error: how many of the payload's messages, from the first on, that attempt may have
  // brought to the destination all the same. In doubt all of them; they count as resent when they come again.
  virtual std::size_t may_have_arrived() const { return std::numeric_limits<std::size_t>::max(); }
  // How many of the payload's messages, from the first on, an earlier attempt has delivered although it failed: they
  // are not sent again.
  virtual std::size_t has_delivered(const Payload&) const { return 0; }
  // The destination holds a message once however often it is delivered (a file is compared with what comes again), so
  // that nothing counts as resent.
  virtual bool recognizes_repeats() const { return false; }
  // Given once, before the first deliver. A sink that sends messages again by itself, of earlier payloads or of this
  // one for the second time in a call, calls it with their number before it sends them; with an error it sends none,
  // and the attempt ends with that error.
  using BeforeResend = std::function<Result<>(std::uint64_t messages)>;
  virtual void before_resend(BeforeResend) {}
  // What was acknowledged last and may not be stored yet, should both ends die together: so many bytes, none older than
  // that. It is delivered again, counted as resent, after Capstan ended uncleanly. Nothing: an acknowledgement is for
  // good.
  struct Doubt {
    Bytes bytes;
    Duration age{};
  };
  virtual Doubt doubt() const { return {}; }
  // Before close() at a clean end: makes sure, within the call, that nothing which was delivered is in doubt any more.
  // An error: the doubt stays, and what was acknowledged last is delivered again after the next start.
  virtual Result<> settle(const Call&) { return {}; }
  // Paths of files that nobody else may write: two routes that own one file are refused when they are planned. Touches
  // no disk.
  virtual std::vector<std::string> owned_files() const { return {}; }
  // The connectivity test of `check --live`; sends nothing that a SIEM would store.
  virtual Result<> probe(const Call& call) = 0;
  virtual void close() = 0;
};

// "acknowledged_by_application", "acknowledged_by_kernel", "not_provable": as status and verify write it in JSON.
constexpr std::string_view to_string(Sink::Proof proof) {
  switch (proof) {
    case Sink::Proof::acknowledged_by_application:
      return "acknowledged_by_application";
    case Sink::Proof::acknowledged_by_kernel:
      return "acknowledged_by_kernel";
    case Sink::Proof::not_provable:
      return "not_provable";
  }
  return "not_provable";
}
// Nothing for any other text.
constexpr std::optional<Sink::Proof> parse_proof(std::string_view text) {
  for (const auto proof :
       {Sink::Proof::acknowledged_by_application, Sink::Proof::acknowledged_by_kernel, Sink::Proof::not_provable})
    if (text == to_string(proof)) return proof;
  return std::nullopt;
}
// How people read a count of messages that counts as delivered but cannot be shown to have arrived.
constexpr std::string_view sent_not_provable = "sent, not provable";

}  // namespace capstan
