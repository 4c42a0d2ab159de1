// A batch: records one after another in one buffer, in the order they came, in the form the journal stores
// (docs/formats/journal.md, "record"). Building one and reading one back never copies a record twice.
//
//   record = u32 size of what follows | u8 version=1 | u8 flags (bit 0 updated, bit 1 quarantined, bit 2 WTF-8)
//          | u8 feed size | u8 0
//          | u16 id size | u16 0 | i64 event time | i64 saved time | u64 content hash | feed | id | raw (little endian)
//
// Not shared between threads while it is built.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "event/record.h"

namespace capstan {

class Batch {
public:
  // Copies the record in. Fails with not_encodable when a part is longer than its field can say.
  Result<> add(const RecordView& record);
  std::size_t size() const { return offsets_.size(); }
  bool is_empty() const { return offsets_.empty(); }
  RecordView operator[](std::size_t i) const;
  // The stored form of records [first, last): contiguous, without padding.
  std::string_view stored(std::size_t first, std::size_t last) const;
  std::size_t stored_size() const { return bytes_.size(); }
  void clear();

private:
  std::string bytes_;  // always reserves raw_padding behind its end
  std::vector<std::size_t> offsets_;
};

// Reads the record that starts at `offset` of stored bytes; `end` becomes the offset behind it.
// Fails with journal_corrupt when the sizes do not fit. `stored` must have raw_padding readable bytes behind it.
struct StoredRecord {
  RecordView record;
  std::size_t end = 0;
};
Result<StoredRecord> read_stored(std::string_view stored, std::size_t offset);

}  // namespace capstan
