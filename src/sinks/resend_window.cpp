#include "resend_window.h"

#include <algorithm>

namespace capstan::sinks {

void ResendWindow::add_unread(Entry entry) { add(std::move(entry)); }

void ResendWindow::add_read(Entry entry) {
  add(std::move(entry));
  read_ = messages_;
}

void ResendWindow::add(Entry entry) {
  const MonotonicTime newest = entry.at;
  size_ += entry.size();
  messages_ += entry.messages();
  entries_.push_back(std::move(entry));
  while (!entries_.empty() && (size_max_.count == 0 || (entries_.size() > 1 && size_ > size_max_.count))) drop_oldest();
  age(newest);
}

void ResendWindow::age(MonotonicTime now) {
  const auto is_owed = [&] { return repeated_ < std::min(owed_, entries_.front().messages()); };
  while (!entries_.empty() && now - entries_.front().at > age_max_ && !is_owed()) drop_oldest();
}

void ResendWindow::clear() {
  while (!entries_.empty()) drop_oldest();
}

void ResendWindow::doubt() {
  owed_ = read_;
  repeated_ = 0;
  while (!entries_.empty() && entries_.front().messages() <= read_ && entries_.front().repeats >= repeats_max)
    drop_oldest();
}

void ResendWindow::note_read(std::size_t messages, MonotonicTime now) {
  std::size_t end = 0;
  for (Entry& entry : entries_) {
    end += entry.messages();
    if (end > read_ && end <= read_ + messages) entry.at = now;
  }
  read_ += messages;
}

// Of an entry that goes out in parts, the last part counts.
void ResendWindow::note_repeated(std::size_t messages, MonotonicTime now) {
  std::size_t end = 0;
  for (Entry& entry : entries_) {
    end += entry.messages();
    if (end <= repeated_ || end > repeated_ + messages) continue;
    ++entry.repeats;
    entry.at = now;
  }
  repeated_ += messages;
}

void ResendWindow::note_all_repeated(Duration outage) {
  for (Entry& entry : entries_) entry.at += outage;
  repeated_ = owed_;
}

std::vector<ResendWindow::Slice> ResendWindow::slices(Range range, std::size_t bytes_max) const {
  std::vector<Slice> slices;
  if (range.is_empty()) return slices;
  std::size_t begin = 0;
  for (const Entry& entry : entries_) {
    const std::size_t end = begin + entry.messages();
    if (begin >= range.to) break;
    if (end > range.from) {
      const std::size_t from = entry.first + std::max(range.from, begin) - begin;
      const std::size_t to = entry.first + std::min(range.to, end) - begin;
      const std::size_t fits = entry.frames.fitting(from, to, bytes_max, slices.empty());
      if (fits > from) slices.push_back({&entry.frames, from, fits});
      if (fits < to) break;
      bytes_max -= std::min(bytes_max, slices.back().bytes().size());
    }
    begin = end;
  }
  return slices;
}

void ResendWindow::drop_oldest() {
  Entry& oldest = entries_.front();
  size_ -= oldest.size();
  for (std::size_t* count : {&messages_, &read_, &owed_, &repeated_}) *count -= std::min(*count, oldest.messages());
  spare_ = std::move(oldest.frames);
  spare_.clear();
  entries_.pop_front();
}

}  // namespace capstan::sinks
