// A program over records of the journal: their raw JSON is walked once for the members that the program looks at,
// values stay views, and a record that a filter drops costs nothing else.
//
// One RecordRun is one thread's. A warm filter over scalar members takes nothing from the heap, nor do warm cells.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/function_ref.h"
#include "base/result.h"
#include "base/time.h"
#include "event/record.h"
#include "kql/program.h"

namespace capstan::kql {

// What the meta columns say besides the record's own envelope (_Feed, _Id, _Time). A record without an event time has
// no _Time.
struct Envelope {
  std::string_view tenant;  // _Tenant
  std::string_view source;  // _Source
  Timestamp ingest_time{};  // _IngestTime
};

// A rule that makes more rows of one record (mv-expand behind mv-expand) fails for it with not_encodable.
constexpr std::size_t rows_of_record_max = 10'000;

class RecordRun {
public:
  explicit RecordRun(std::shared_ptr<const Program> program);
  ~RecordRun();
  RecordRun(RecordRun&&) noexcept;
  RecordRun& operator=(RecordRun&&) noexcept;

  // What now() is until it is set again.
  void set_now(Timestamp now);
  // Whether what comes out is the record as it is, or nothing: then keeps() is enough.
  bool is_filter() const;

  // Whether any row comes out. Fails with broken_record where the record cannot be read.
  Result<bool> keeps(const RecordView& record, const Envelope& envelope);
  // The rows that come out, each one JSON object; valid until the next call. Fails with broken_record, or not_encodable
  // beyond rows_of_record_max.
  // With an open schema the members that no operator touched are copied as the service sent them, in their order; new
  // columns stand behind them. What is written anew has U+FFFD for half a surrogate pair, and all of it is UTF-8.
  Result<std::span<const std::string_view>> rows(const RecordView& record, const Envelope& envelope);
  // Of a program with shapes (kql/wanted.h): calls `each` with every row that comes out, with the number of the shape
  // that fits (shape_none: none does, and there are no cells). Cells are valid during the call; an object may be its
  // JSON (Datum::is_json). Fails with broken_record, then `each` was not called; otherwise with what `each` says, or as
  // rows() does.
  static constexpr std::size_t shape_none = static_cast<std::size_t>(-1);
  Result<> cells(const RecordView& record, const Envelope& envelope,
                 FunctionRef<Result<>(std::size_t shape, std::span<const Datum> cells)> each);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace capstan::kql
