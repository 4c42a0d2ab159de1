// What happened to the first messages of a payload that failed. It comes again, whole or cut shorter, and then goes on
// where it stopped; and each message that goes out once more is counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "component/sink.h"

namespace capstan::sinks {

// Costs nothing while nothing fails. A message is recognised by its place, its bytes and its time.
class PayloadProgress {
public:
  // An attempt begins. What is known of the payload before holds for the leading messages that are the same.
  void begin(const Payload& payload);

  // Leading messages that are delivered and are not sent again.
  std::size_t done(const Payload& payload) const;
  // Messages of [from, to) that have gone out before.
  std::uint64_t sent_before(std::size_t from, std::size_t to) const;

  // The messages [from, to) have gone out (once more). Gives how many of them for the second time or later.
  std::uint64_t note_sent(const Payload& payload, std::size_t from, std::size_t to);
  // The messages [from, to), which were noted as sent, are delivered.
  void note_done(std::size_t from, std::size_t to);
  // What was taken for delivered has not arrived after all.
  void doubt_all();
  // The payload counts as delivered, so that its messages do not come again.
  void finish(const Payload& payload);

private:
  struct Message {
    std::uint64_t hash = 0;
    bool is_sent = false;
    bool is_done = false;
  };
  std::vector<Message> known_;
};

}  // namespace capstan::sinks
