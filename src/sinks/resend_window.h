// What was delivered last, kept so that it can be sent again when the connection breaks under the receiver.
#pragma once

#include <deque>
#include <string>

#include "base/bytes.h"
#include "base/time.h"

namespace capstan::sinks {

class ResendWindow {
public:
  struct Entry {
    std::string frames;
    std::uint64_t messages = 0;
    MonotonicTime at{};
  };

  // Keeps entries of at most `size_max` together, but always the newest (unless size_max is 0: then none), and none
  // that is older than `age_max` against the newest: the connection has proved itself since.
  ResendWindow(Bytes size_max, Duration age_max) : size_max_(size_max), age_max_(age_max) {}

  void add(Entry entry) {
    if (size_max_.count == 0) return;
    const MonotonicTime newest = entry.at;
    size_ += entry.frames.size();
    entries_.push_back(std::move(entry));
    while (entries_.size() > 1 && (size_ > size_max_.count || newest - entries_.front().at > age_max_)) drop_oldest();
  }
  void clear() {
    entries_.clear();
    size_ = 0;
  }
  const std::deque<Entry>& entries() const { return entries_; }
  // An empty string with the room of an entry that has left the window, so that steady traffic allocates nothing.
  std::string take_spare() { return std::exchange(spare_, {}); }

private:
  void drop_oldest() {
    size_ -= entries_.front().frames.size();
    spare_ = std::move(entries_.front().frames);
    spare_.clear();
    entries_.pop_front();
  }

  Bytes size_max_;
  Duration age_max_;
  std::deque<Entry> entries_;
  std::uint64_t size_ = 0;
  std::string spare_;
};

}  // namespace capstan::sinks
