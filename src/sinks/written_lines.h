// Finds in a sink's files what comes again after a restart or a failed attempt. What a sink wrote and did not have
// acknowledged stands there in order, perhaps with lines of somebody else between, perhaps broken off at the end:
//
//   … acknowledged │ line 1 ⏎ somebody's ⏎ line 2 ⏎ lin        comes again: line 1 ⏎ line 2 ⏎ line 3 ⏎ line 4 ⏎
//                  └ from   └ found          └ found └ own tail
//
// A line is found when it stands there whole; any other line is somebody else's and only passed over.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "rotated_files.h"

namespace capstan::sinks {

// How far a file sink got: everything before it is on the disk.
struct FilePosition {
  std::uint64_t rotation = 1;  // number that the file has, or will have when it is rotated away
  std::uint64_t size = 0;      // of that file, unpacked
  bool operator==(const FilePosition&) const = default;
};

class WrittenLines {
public:
  // Reads from `from` on: the rotated files of its number and later, by number, then the current one.
  WrittenLines(FileSystem& files, std::string directory, std::vector<RotatedFile> rotated, std::uint64_t current_number,
               FilePosition from);

  struct Found {
    std::size_t size = 0;  // of the lines, from their front: those that stand there
    FilePosition end;      // behind the last line that was looked at
    bool has_others = false;
    // Where ours stand in the current file: `size` bytes of the lines from `begin`, at `offset`.
    struct Span {
      std::uint64_t offset = 0;
      std::size_t begin = 0;
      std::size_t size = 0;
    };
    std::vector<Span> spans;
    // Only when not all were found, so that everything was looked at. The last line has no line feed …
    std::uint64_t own_tail = 0;     // … and is this much of the line that comes next,
    std::uint64_t empty_tail = 0;   // with so many NUL bytes behind it, which a power cut leaves
    bool has_foreign_tail = false;  // … and is somebody else's.
  };
  // `lines`: those that come next, each with its line feed. Each call goes on behind the last line that was found;
  // after one that did not find all, or an error, the object is used up.
  Result<Found> find(std::string_view lines, const File& current, const std::stop_token& stop);

private:
  bool is_current() const { return file_ == rotated_.size(); }
  Result<> open_file();
  Result<bool> read_more(const File& current);
  void begin_line();
  void look_at(std::string_view piece, std::string_view expected);
  void end_line(std::string_view expected, Found& found);
  void end_file(Found& found) const;

  FileSystem& files_;
  std::string directory_;
  std::vector<RotatedFile> rotated_;
  std::uint64_t current_number_;

  std::size_t file_ = 0;  // of rotated_, or behind them the current one
  FilePosition at_;       // in it: behind what was looked at
  std::unique_ptr<UnpackedReader> reader_;
  std::string chunk_;
  std::string_view unread_;  // of the chunk

  // The line at hand.
  std::uint64_t line_begin_ = 0;
  std::uint64_t equal_ = 0;      // bytes from its front that are those of the line that comes next
  bool differs_ = false;         // behind them …
  bool only_nul_behind_ = true;  // … by NUL bytes alone
};

}  // namespace capstan::sinks
