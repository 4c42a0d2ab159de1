#include "payload_progress.h"

#include <algorithm>

#include "base/digest.h"

namespace capstan::sinks {
namespace {

std::uint64_t hash_of(const Payload& payload, std::size_t i) {
  return hash64(payload.message(i), static_cast<std::uint64_t>(epoch_ms(payload.messages[i].time)));
}

}  // namespace

void PayloadProgress::begin(const Payload& payload) {
  const std::size_t both = std::min(known_.size(), payload.messages.size());
  for (std::size_t i = 0; i < both; ++i)
    if (known_[i].hash != hash_of(payload, i)) return known_.resize(i);
}

std::size_t PayloadProgress::done(const Payload& payload) const {
  const std::size_t both = std::min(known_.size(), payload.messages.size());
  const auto first = std::find_if(known_.begin(), known_.begin() + static_cast<std::ptrdiff_t>(both),
                                  [](const Message& message) { return !message.is_done; });
  return static_cast<std::size_t>(first - known_.begin());
}

std::uint64_t PayloadProgress::sent_before(std::size_t from, std::size_t to) const {
  std::uint64_t count = 0;
  for (std::size_t i = from; i < std::min(to, known_.size()); ++i) count += known_[i].is_sent ? 1 : 0;
  return count;
}

std::uint64_t PayloadProgress::note_sent(const Payload& payload, std::size_t from, std::size_t to) {
  const std::uint64_t again = sent_before(from, to);
  while (known_.size() < to) known_.push_back({hash_of(payload, known_.size()), false, false});
  for (std::size_t i = from; i < to; ++i) known_[i].is_sent = true;
  return again;
}

void PayloadProgress::note_done(std::size_t from, std::size_t to) {
  for (std::size_t i = from; i < to; ++i) known_[i].is_done = true;
}

void PayloadProgress::doubt_all() {
  for (Message& message : known_) message.is_done = false;
}

void PayloadProgress::finish(const Payload& payload) {
  const std::size_t both = std::min(known_.size(), payload.messages.size());
  known_.erase(known_.begin(), known_.begin() + static_cast<std::ptrdiff_t>(both));
}

}  // namespace capstan::sinks
