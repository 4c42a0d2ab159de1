// A sink makes one attempt to deliver one payload. It may keep a connection or an open file, starts no thread, does not
// retry. It is called by one thread at a time (each route has its own).
#pragma once

#include <cstdint>
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
  std::uint64_t resent = 0;    // of those: may have arrived before (sent again after a broken connection)
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
  // A payload without messages only looks after the connection.
  // One attempt, whole: an Error means that nothing of it counts as delivered and all of it will come again.
  virtual Result<Delivery> deliver(const Payload& payload, const Call& call) = 0;
  // What was acknowledged last and may not be stored yet, should both ends die together: so many bytes, none older than
  // that. It is delivered again, counted as resent, after Capstan ended uncleanly. Nothing: an acknowledgement is for
  // good.
  struct Doubt {
    Bytes bytes;
    Duration age{};
  };
  virtual Doubt doubt() const { return {}; }
  // Paths of files that nobody else may write: two routes that own one file are refused when they are planned. Touches
  // no disk.
  virtual std::vector<std::string> owned_files() const { return {}; }
  // The connectivity test of `check --live`; sends nothing that a SIEM would store.
  virtual Result<> probe(const Call& call) = 0;
  virtual void close() = 0;
};

}  // namespace capstan
