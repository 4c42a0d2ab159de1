// The file `cursors` of a journal: how far the journal is durable and how far retention got, then one line a route.
// Replaced as a whole. docs/formats/journal.md names every field.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/journal.h"

namespace capstan::store {

// A place of the journal with the number of records before it.
struct Mark {
  std::uint64_t offset = 0;
  std::uint64_t records = 0;
  bool operator==(const Mark&) const = default;
};

struct CursorFile {
  // Written by version 2. A journal that ends before `durable`, or begins behind `removed`, is damaged.
  struct Marks {
    Mark durable;
    Mark removed;  // by retention: written before a segment is removed
  };
  std::optional<Marks> marks;
  // Those of version 1 come without number, began_at and attempted_to.
  std::vector<Cursor> cursors;
};

std::string write_cursors(const CursorFile::Marks& marks, const std::vector<Cursor>& cursors);
// Nothing when the text is damaged in any way: the routes then begin at the oldest record, which repeats and loses
// nothing. Fields that this version does not know are passed over.
std::optional<CursorFile> read_cursors(std::string_view text);

}  // namespace capstan::store
