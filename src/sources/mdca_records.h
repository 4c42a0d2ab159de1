// From one record's bytes to its envelope: id, times, content hash. An item of a page is a record, whatever it is: what
// cannot be read, and what says nothing ({}, null, 3), is kept and marked, never lost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "event/batch.h"
#include "event/json_record.h"

namespace capstan::mdca {

struct Envelope {
  std::string id;
  std::optional<Timestamp> event_time;  // nothing: the record names none
  std::optional<Timestamp> saved_time;
  std::uint64_t content_hash = 0;
  bool is_quarantined = false;
  bool is_wtf8 = false;    // RecordView::is_wtf8
  bool has_no_id = false;  // the id was made from its content
};

class RecordReader {
public:
  // `raw` is one item of a page of this feed.
  Envelope read(std::string_view feed, std::string_view raw);

private:
  std::optional<std::string> id();
  std::optional<Timestamp> time(std::string_view member);
  JsonReader json_;
};

}  // namespace capstan::mdca
