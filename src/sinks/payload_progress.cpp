#include "payload_progress.h"

#include <algorithm>

#include "base/digest.h"

namespace capstan::sinks {
namespace {

std::uint64_t hash_of(const Payload& payload, std::size_t i) {
  return hash64(payload.message(i), static_cast<std::uint64_t>(epoch_ms(payload.messages[i].time)));
}

}  // namespace

std::size_t PayloadProgress::matching(const Payload& payload) const {
  const std::size_t both = std::min(known_.size(), payload.messages.size());
  std::size_t i = 0;
  while (i < both && known_[i].hash == hash_of(payload, i)) ++i;
  return i;
}

std::size_t PayloadProgress::done_among(std::size_t messages) const {
  const auto first = std::find_if(known_.begin(), known_.begin() + static_cast<std::ptrdiff_t>(messages),
                                  [](const Message& message) { return !message.is_done; });
  return static_cast<std::size_t>(first - known_.begin());
}

void PayloadProgress::begin(const Payload& payload) {
  size_ = payload.messages.size();
  sent_in_attempt_ = 0;
  const std::size_t same = matching(payload);
  // What lies behind a payload that was cut shorter comes with the next one.
  if (same < size_) known_.resize(same);
}

std::size_t PayloadProgress::done_of(const Payload& payload) const { return done_among(matching(payload)); }

std::size_t PayloadProgress::done() const { return done_among(std::min(known_.size(), size_)); }

std::uint64_t PayloadProgress::sent_before(std::size_t from, std::size_t to) const {
  std::uint64_t count = 0;
  for (std::size_t i = from; i < std::min(to, known_.size()); ++i) count += known_[i].is_sent ? 1 : 0;
  return count;
}

std::uint64_t PayloadProgress::note_sent(const Payload& payload, std::size_t from, std::size_t to) {
  const std::uint64_t again = sent_before(from, to);
  while (known_.size() < to) known_.push_back({hash_of(payload, known_.size()), false, false});
  for (std::size_t i = from; i < to; ++i) known_[i].is_sent = true;
  if (to > from) sent_in_attempt_ = std::max(sent_in_attempt_, to);
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
