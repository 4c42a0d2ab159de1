#include "input_window.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "event/record.h"

namespace capstan::app {

namespace {

constexpr std::size_t chunk = 128U << 10;

}  // namespace

bool InputWindow::grow() {
  if (is_ended_) return false;
  if (begin_ > 0) {
    count_lines();
    std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    before_ += begin_;
    counted_ -= begin_;
    begin_ = 0;
  }
  if (bytes_.size() < end_ + chunk + raw_padding)
    bytes_.resize(std::max(2 * bytes_.size(), end_ + chunk + raw_padding));
  Result<std::size_t> size = source_.read(std::span(bytes_).subspan(end_, bytes_.size() - end_ - raw_padding));
  if (!size) failure_ = size.error();
  is_ended_ = !size || *size == 0;
  if (!is_ended_) end_ += *size;
  return !is_ended_;
}

void InputWindow::grow_to(std::size_t size) {
  while (text().size() < size && grow()) {
  }
}

std::optional<std::size_t> InputWindow::line_end(std::size_t from, std::size_t size_max) {
  if (offset() + from >= line_known_from_ && offset() + from < line_known_end_)
    return static_cast<std::size_t>(line_known_end_ - offset());
  line_known_from_ = offset() + from;
  while (true) {
    const std::size_t found = text().find('\n', from);
    if (found != std::string_view::npos) {
      line_known_end_ = offset() + found;
      return found;
    }
    from = text().size();
    if (from > size_max) return std::nullopt;
    if (!grow()) {
      line_known_end_ = offset() + from;
      return from;
    }
  }
}

void InputWindow::discard_line() {
  while (true) {
    const std::size_t found = text().find('\n');
    take(std::min(found, text().size()));
    if (found != std::string_view::npos || !grow()) return;
  }
}

void InputWindow::count_lines() {
  while (counted_ < begin_) {
    const void* const found = std::memchr(bytes_.data() + counted_, '\n', begin_ - counted_);
    if (found == nullptr) {
      counted_ = begin_;
      return;
    }
    counted_ = static_cast<std::size_t>(static_cast<const char*>(found) - bytes_.data()) + 1;
    ++line_;
    line_begin_ = before_ + counted_;
  }
}

InputPlace InputWindow::place(std::size_t at) {
  count_lines();
  const std::string_view passed(bytes_.data() + counted_, begin_ + at - counted_);
  const auto lines = static_cast<std::size_t>(std::ranges::count(passed, '\n'));
  const std::size_t last = passed.rfind('\n');
  const std::uint64_t line_begin = last == std::string_view::npos ? line_begin_ : before_ + counted_ + last + 1;
  return {line_ + lines, static_cast<std::size_t>(offset() + at - line_begin) + 1};
}

}  // namespace capstan::app
