// Cuts what `capstan query` and `capstan test-rules` read into records. Nothing is passed over: every byte that is no
// blank belongs to a record, to the brackets and commas around records, or to what is told as unreadable.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "byte_source.h"
#include "input_window.h"

namespace capstan::app {

struct InputPiece {
  // The record, or the bytes that are none. Followed by raw_padding readable bytes; valid during the call.
  std::string_view text;
  // From 1. What cannot be read is counted too; 0 for what is no record at all: a comma too few, a file cut off.
  std::size_t number = 0;
  InputPlace place;  // where it begins
};

// Gets every piece of an input, in order. Each call says whether more is wanted.
class InputTaker {
public:
  virtual ~InputTaker() = default;
  virtual bool take(const InputPiece& record) = 0;
  // `trouble` says line and column.
  virtual bool tell(const InputPiece& piece, const Error& trouble) = 0;
};

// Longer ones are told.
constexpr std::size_t record_size_max = 64U << 20;

enum class JsonLayout {
  // Objects one behind the other, with or without line ends or commas between them, on one line or many; of an array
  // its items are the records.
  free,
  // Each record ends in the line that it begins in, and an array is no record.
  lines,
};

// A record is one well-formed object of UTF-8 (halves of surrogate pairs as bytes are mended). What is broken ends with
// its brackets, with its line, or with the indented lines below it, whichever is told apart first.
void each_json_record(ByteSource& source, const std::string& name, JsonLayout layout, InputTaker& taker);

// Lines that are no JSON: their line ends are cut and blank ones passed over; numbers count every line. What is told
// here is what cannot be a line of text.
void each_text_line(ByteSource& source, const std::string& name, InputTaker& taker);

}  // namespace capstan::app
