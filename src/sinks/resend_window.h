// What was delivered last, kept so that it can be sent again when the connection breaks under the receiver.
//
// A message in it is one of these, the oldest first:
//
//   read    The receiver has read it from its socket (an orderly end said so), and may not have stored it yet. After a
//           break it is owed: it is to be repeated, for the receiver may have died. So often at most: repeats_max.
//   unread  Only the receiver's kernel has it for certain. After a break it goes out again, however often.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "frames.h"

namespace capstan::sinks {

class ResendWindow {
public:
  struct Entry {
    Frames frames;
    std::size_t first = 0;  // the frames before it are not part of the window
    MonotonicTime at{};     // when they were acknowledged, read or repeated last
    std::uint32_t repeats = 0;

    std::size_t messages() const { return frames.size() - first; }
    std::size_t size() const { return frames.bytes.size() - frames.begin_of(first); }
  };
  // The messages [from, to) of the window, counted from the oldest.
  struct Range {
    std::size_t from = 0;
    std::size_t to = 0;
    std::size_t size() const { return to - from; }
    bool is_empty() const { return from == to; }
  };
  // The frames [from, to) of one entry. Valid until the window changes.
  struct Slice {
    const Frames* frames = nullptr;
    std::size_t from = 0;
    std::size_t to = 0;
    std::string_view bytes() const { return frames->between(from, to); }
  };

  // systemd starts a service that dies at most five times in a row (DefaultStartLimitBurst); and a receiver that closes
  // again and again gets no message more often than that for having read it.
  static constexpr std::uint32_t repeats_max = 5;

  // Keeps entries of at most `size_max` together, but always the newest (unless size_max is 0: then none), and none
  // that is older than `age_max` against the newest and not owed: the connection has proved itself since.
  ResendWindow(Bytes size_max, Duration age_max) : size_max_(size_max), age_max_(age_max) {}

  // Acknowledged by the kernel.
  void add_unread(Entry entry);
  // Read by the receiver, as everything before it is.
  void add_read(Entry entry);
  // The connection is well at this time.
  void age(MonotonicTime now);
  void clear();

  // A connection broke, or none could be made. What was repeated often enough leaves the window.
  void doubt();
  Range unread() const { return {read_, messages_}; }
  Range owed() const { return {repeated_, owed_}; }
  // The first messages of unread() were read.
  void note_read(std::size_t messages, MonotonicTime now);
  // The first messages of owed() were repeated and read.
  void note_repeated(std::size_t messages, MonotonicTime now);
  // Everything went out again on a connection that lasts. The time for which there was none makes nothing older.
  void note_all_repeated(Duration outage);

  bool is_empty() const { return entries_.empty(); }
  const std::deque<Entry>& entries() const { return entries_; }
  // The first messages of the range: at most so many bytes, but one message at least.
  std::vector<Slice> slices(Range range, std::size_t bytes_max) const;
  // Empty, with the room of an entry that has left the window, so that steady traffic allocates nothing.
  Frames take_spare() { return std::exchange(spare_, {}); }

private:
  void add(Entry entry);
  void drop_oldest();

  Bytes size_max_;
  Duration age_max_;
  std::deque<Entry> entries_;
  std::uint64_t size_ = 0;
  std::size_t messages_ = 0;
  // Counts of messages from the oldest on: repeated_ <= owed_ <= read_ <= messages_.
  std::size_t read_ = 0;
  std::size_t owed_ = 0;      // of those, the ones that a break has put in doubt
  std::size_t repeated_ = 0;  // of those, the ones that were repeated since
  Frames spare_;
};

}  // namespace capstan::sinks
