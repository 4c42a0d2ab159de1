// What was delivered last, kept so that it can be sent again when the connection breaks under the receiver.
#pragma once

#include <deque>
#include <utility>

#include "base/bytes.h"
#include "base/time.h"
#include "frames.h"

namespace capstan::sinks {

class ResendWindow {
public:
  struct Entry {
    Frames frames;
    std::size_t first = 0;  // the frames before it are not in doubt
    MonotonicTime at{};     // when they were acknowledged

    std::size_t messages() const { return frames.size() - first; }
    std::size_t size() const { return frames.bytes.size() - frames.begin_of(first); }
  };

  // Keeps entries of at most `size_max` together, but always the newest (unless size_max is 0: then none), and none
  // that is older than `age_max` against the newest: the connection has proved itself since.
  ResendWindow(Bytes size_max, Duration age_max) : size_max_(size_max), age_max_(age_max) {}

  void add(Entry entry) {
    const MonotonicTime newest = entry.at;
    size_ += entry.size();
    entries_.push_back(std::move(entry));
    while (!entries_.empty() && (size_max_.count == 0 || (entries_.size() > 1 && size_ > size_max_.count)))
      drop_oldest();
    age(newest);
  }
  // The connection is well at this time.
  void age(MonotonicTime now) {
    while (!entries_.empty() && now - entries_.front().at > age_max_) drop_oldest();
  }
  // The oldest messages are not in doubt any more.
  void settle(std::size_t messages) {
    while (messages > 0 && !entries_.empty()) {
      Entry& oldest = entries_.front();
      if (messages < oldest.messages()) {
        size_ -= oldest.size();
        oldest.first += messages;
        size_ += oldest.size();
        return;
      }
      messages -= oldest.messages();
      drop_oldest();
    }
  }
  void clear() {
    entries_.clear();
    size_ = 0;
  }
  bool is_empty() const { return entries_.empty(); }
  const std::deque<Entry>& entries() const { return entries_; }
  // Empty, with the room of an entry that has left the window, so that steady traffic allocates nothing.
  Frames take_spare() { return std::exchange(spare_, {}); }

private:
  void drop_oldest() {
    size_ -= entries_.front().size();
    spare_ = std::move(entries_.front().frames);
    spare_.clear();
    entries_.pop_front();
  }

  Bytes size_max_;
  Duration age_max_;
  std::deque<Entry> entries_;
  std::uint64_t size_ = 0;
  Frames spare_;
};

}  // namespace capstan::sinks
