// A record: the bytes of one event exactly as the service sent them, and a small envelope.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/time.h"

namespace capstan {

// What a record tells about the thing it describes.
enum class RecordKind : std::uint8_t {
  created = 0,  // first time this id is seen
  updated = 1,  // the id was seen before with other content (alert changed, inventory item changed)
};

// A view: the bytes belong to the Batch or Slice it was taken from and die with it.
// `raw` is followed by at least raw_padding readable bytes (simdjson reads past the end).
struct RecordView {
  std::string_view feed;   // "activities", "alerts", …; at most 255 bytes
  std::string_view id;     // the service's id; at most 65,535 bytes
  std::string_view raw;    // one JSON value as it came; an object unless it is quarantined
  Timestamp event_time{};  // when it happened, as the record says
  Timestamp saved_time{};  // when the service saved it (activities: `created`); event_time where there is none
  std::uint64_t content_hash =
      0;  // of the content, independent of member order; tells a changed record from a repeated one
  RecordKind kind = RecordKind::created;
  bool is_quarantined = false;  // not a well-formed object of UTF-8 with members: kept, marked, never parsed
  // Halves of surrogate pairs stand in `raw` as bytes (WTF-8): it is read, and made UTF-8 wherever it is written.
  bool is_wtf8 = false;
};

constexpr std::size_t raw_padding = 64;

// The key of de-duplication: feed and id.
Hash128 identity(std::string_view feed, std::string_view id);

}  // namespace capstan
