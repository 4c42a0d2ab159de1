// The records of one source that were saved on one day, and what each route did with them: counted while seals and
// segments are walked once.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "receipt_track.h"
#include "runtime/day_report.h"
#include "store/seal.h"

namespace capstan::runtime {

class DayWalk {
public:
  // All of them outlive the walk.
  DayWalk(FileSystem& files, const ReportSource& source, Timestamp from, Timestamp to, const std::stop_token& stop)
      : files_(files), source_(source), from_(from), to_(to), stop_(stop) {}

  Result<SourceDay> run();

private:
  // A part of the journal that may hold records of the day.
  struct Piece {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    bool is_sealed = false;  // else it is read from the segments
  };
  struct Route {
    const ReportRoute* configured = nullptr;  // null: it has only receipts
    ReceiptTrack track;
    RouteNames names;
  };
  struct Found {
    std::string_view feed;
    Timestamp saved_time;
    store::Position position;
    RecordKind kind;
    bool is_quarantined;
  };

  Result<> open();
  Result<> find_pieces();
  Result<> note_unknown(std::uint64_t from, std::uint64_t to);
  Result<std::optional<Timestamp>> ingested_behind(std::uint64_t offset) const;
  Result<> walk_pieces();
  Result<> walk(const Piece& piece);
  Result<> walk_segments(std::uint64_t from, std::uint64_t to);
  void take(const Found& record);
  void judge(Route& route, const Found& record, RouteDay& figures);
  FeedHour& hour_of(std::string_view feed, std::size_t hour);
  Result<> add_segments();

  FileSystem& files_;
  const ReportSource& source_;
  Timestamp from_;
  Timestamp to_;
  const std::stop_token& stop_;
  std::unique_ptr<store::Seals> seals_;
  std::unique_ptr<store::Receipts> receipts_;
  std::vector<Route> routes_;
  std::vector<Piece> pieces_;
  std::map<std::string, std::vector<std::optional<FeedHour>>, std::less<>> hours_;  // by feed, then by hour of the day
  std::optional<store::OffsetSpan> touched_;  // from the first to the last segment with a record of the day
  SourceDay result_;
};

}  // namespace capstan::runtime
