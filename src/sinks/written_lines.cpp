#include "written_lines.h"

#include <fmt/format.h>

#include <algorithm>

namespace capstan::sinks {
namespace {

constexpr std::size_t chunk_size = 128U << 10;

std::size_t common_prefix(std::string_view a, std::string_view b) {
  const std::size_t size = std::min(a.size(), b.size());
  return static_cast<std::size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(size), b.begin()).first - a.begin());
}

}  // namespace

WrittenLines::WrittenLines(FileSystem& files, std::string directory, std::vector<RotatedFile> rotated,
                           std::uint64_t current_number, FilePosition from)
    : files_(files), directory_(std::move(directory)), current_number_(current_number), at_(from) {
  // A file that lies there both plain and packed is read plain.
  for (auto& file : rotated)
    if (file.number >= from.rotation && (rotated_.empty() || rotated_.back().number != file.number))
      rotated_.push_back(std::move(file));
  const std::uint64_t first = rotated_.empty() ? current_number_ : rotated_.front().number;
  if (at_.rotation != first) at_ = {first, 0};
  begin_line();
}

Result<WrittenLines::Found> WrittenLines::find(std::string_view lines, const File& current,
                                               const std::stop_token& stop) {
  Found found;
  found.end = at_;
  while (found.size < lines.size()) {
    if (stop.stop_requested())
      return Error(ErrorCode::interrupted, "looking for lines that are written already: stopped");
    const std::string_view expected = lines.substr(found.size, lines.find('\n', found.size) + 1 - found.size);
    if (unread_.empty() && !TRY(read_more(current))) {
      if (is_current()) {
        end_file(found);
        return found;
      }
      // At the end of a file that nobody writes any more, the line feed alone may be missing.
      if (!differs_ && equal_ > 0 && equal_ + 1 == expected.size()) found.size += expected.size();
      reader_.reset();
      ++file_;
      at_ = {is_current() ? current_number_ : rotated_[file_].number, 0};
      begin_line();
      continue;
    }
    const std::size_t feed = unread_.find('\n');
    const std::string_view piece = unread_.substr(0, feed == std::string_view::npos ? feed : feed + 1);
    look_at(piece, expected);
    unread_.remove_prefix(piece.size());
    at_.size += piece.size();
    if (feed != std::string_view::npos) end_line(expected, found);
  }
  return found;
}

Result<bool> WrittenLines::read_more(const File& current) {
  chunk_.resize(chunk_size);
  std::size_t size = 0;
  if (is_current()) {
    size = TRY(current.read_at(at_.size, chunk_));
  } else {
    if (!reader_) TRY(open_file());
    size = TRY(reader_->read(chunk_));
  }
  unread_ = std::string_view(chunk_).substr(0, size);
  return size > 0;
}

// Packed files can only be read from their front.
Result<> WrittenLines::open_file() {
  const RotatedFile& file = rotated_[file_];
  reader_ = TRY(open_unpacked(files_, directory_ + "/" + file.name, file.compression));
  for (std::uint64_t passed = 0; passed < at_.size;) {
    const std::size_t wanted = std::min<std::uint64_t>(chunk_.size(), at_.size - passed);
    const std::size_t size = TRY(reader_->read(std::span(chunk_).first(wanted)));
    if (size == 0) break;
    passed += size;
  }
  return {};
}

void WrittenLines::begin_line() {
  line_begin_ = at_.size;
  equal_ = 0;
  differs_ = false;
  only_nul_behind_ = true;
}

void WrittenLines::look_at(std::string_view piece, std::string_view expected) {
  std::size_t same = 0;
  if (!differs_) {
    same = common_prefix(piece, expected.substr(equal_));
    equal_ += same;
    differs_ = same < piece.size();
  }
  only_nul_behind_ = only_nul_behind_ && piece.substr(same).find_first_not_of('\0') == std::string_view::npos;
}

void WrittenLines::end_line(std::string_view expected, Found& found) {
  found.end = at_;
  if (!differs_) {
    if (is_current()) {
      auto& spans = found.spans;
      if (!spans.empty() && spans.back().offset + spans.back().size == line_begin_)
        spans.back().size += expected.size();
      else
        spans.push_back({line_begin_, found.size, expected.size()});
    }
    found.size += expected.size();
  } else {
    found.has_others = true;
  }
  begin_line();
}

void WrittenLines::end_file(Found& found) const {
  found.end = at_;
  const std::uint64_t size = at_.size - line_begin_;
  if (differs_ && !only_nul_behind_) {
    found.has_foreign_tail = true;
    return;
  }
  found.own_tail = equal_;
  found.empty_tail = size - equal_;
  if (equal_ > 0) found.spans.push_back({line_begin_, found.size, static_cast<std::size_t>(equal_)});
}

}  // namespace capstan::sinks
