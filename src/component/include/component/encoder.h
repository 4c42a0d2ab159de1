// An encoder turns a row of a rule into the bytes of one message. What it needs of a row it says as KQL expressions;
// they are compiled together with the rule, so that a record is walked once. Pure: no state, any number of threads.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "config/node.h"
#include "event/record.h"
#include "kql/wanted.h"

namespace capstan {

// What an encoder sees of one event.
struct Row {
  // Of an encoder that wants nothing, `raw` is the row as JSON. A record that cannot be read is quarantined: it has no
  // cells.
  const RecordView& record;
  std::size_t shape = 0;                   // of wanted(feed)
  std::span<const kql::Datum> cells = {};  // of that shape
  std::string_view tenant;
  std::string_view source;
  Timestamp ingest_time{};
};

// Where an expression that an encoder wants has been written, for messages about it.
struct WantedOrigin {
  config::Place place;
  std::string what;  // "extension: suser"
};

class Encoder {
public:
  virtual ~Encoder() = default;
  // What it wants of rows of this feed, with a last shape that always fits; nullptr: the row's JSON is enough. Lives as
  // long as the encoder.
  virtual const kql::Wanted* wanted(std::string_view feed) const = 0;
  virtual WantedOrigin origin(std::string_view feed, const kql::WantedPlace& place) const = 0;
  // Appends one message without a line end. On an error `out` is as it was. A quarantined record is encoded too (reason
  // and raw bytes, made valid UTF-8). Errors: not_encodable.
  virtual Result<> encode(const Row& row, std::string& out) const = 0;
};

}  // namespace capstan
