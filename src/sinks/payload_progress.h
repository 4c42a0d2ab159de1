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

  // Leading messages of any payload that are delivered and are not sent again.
  std::size_t done_of(const Payload& payload) const;
  // The same of the payload at hand.
  std::size_t done() const;
  // Leading messages that have gone out in this attempt, or were done before it when one has.
  std::size_t sent_in_attempt() const { return sent_in_attempt_; }
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
  // Leading messages of the payload that are known.
  std::size_t matching(const Payload& payload) const;
  std::size_t done_among(std::size_t messages) const;

  std::vector<Message> known_;
  std::size_t size_ = 0;  // messages of the payload at hand
  std::size_t sent_in_attempt_ = 0;
};

}  // namespace capstan::sinks
