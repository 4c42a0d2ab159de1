#include "progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include "table.h"

namespace capstan::app {

namespace {

constexpr std::chrono::milliseconds between_drawings{250};
constexpr std::string_view start_of_line = "\r\x1b[K";

// Of 1000 each, as disks and networks are sold.
std::string sized(double bytes) {
  constexpr std::array<std::string_view, 5> units{"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < units.size(); ++unit) bytes /= 1000;
  return fmt::format("{:.{}f} {}", bytes, unit == 0 || bytes >= 10 ? 0 : 1, units[unit]);
}

}  // namespace

Progress::Progress(std::ostream& out, const Clock& clock, std::optional<std::uint64_t> total_bytes)
    : out_(out), clock_(clock), total_(total_bytes), start_(clock.monotonic()), next_(start_ + between_drawings) {}

void Progress::add_bytes(std::uint64_t bytes) {
  bytes_ += bytes;
  if (!total_ || *total_ == 0) return;
  const MonotonicTime now = clock_.monotonic();
  if (now < next_) return;
  next_ = now + between_drawings;
  out_ << start_of_line << line(std::chrono::duration_cast<Duration>(now - start_)) << std::flush;
  is_drawn_ = true;
}

void Progress::clear() {
  if (!is_drawn_) return;
  out_ << start_of_line << std::flush;
  is_drawn_ = false;
}

std::string Progress::line(Duration since_start) const {
  const auto total = static_cast<double>(*total_);
  const double done = std::min(static_cast<double>(bytes_), total);
  const double seconds = std::max(std::chrono::duration<double>(since_start).count(), 1e-3);
  const double rate = static_cast<double>(bytes_) / seconds;
  std::string text = fmt::format("{:.0f} %  {} of {}  {}/s  {} kept of {} read", 100 * done / total, sized(done),
                                 sized(total), sized(rate), grouped(kept_), grouped(read_));
  if (bytes_ > 0)
    text += fmt::format("  about {} left",
                        roughly(std::chrono::ceil<Duration>(std::chrono::duration<double>((total - done) / rate))));
  return text;
}

}  // namespace capstan::app
