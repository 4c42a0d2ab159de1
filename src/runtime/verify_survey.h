// The journal's side of verify: one streaming pass that counts records hour by hour and route by route, and a second
// one for each stretch that gives the identities.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "comparison.h"
#include "runtime/verify.h"

namespace capstan::runtime {

// Begin of the hour; nothing: an inventory.
using Hour = std::optional<Timestamp>;
Timestamp hour_of(Timestamp t);
Timestamp minute_of(Timestamp t);

// One feed, and what a pass over the journal learns about it.
struct FeedSurvey {
  FeedTraits traits;
  bool is_inventory = false;
  Timestamp since{};  // saved times that count: [since, until)
  Timestamp until{};
  // Saved times, of all records that were read.
  std::optional<Timestamp> newest;
  std::optional<Timestamp> oldest;
  std::map<Hour, VerifyRow> rows;
  std::map<Timestamp, std::uint64_t> records_by_minute;

  bool counts(Timestamp saved) const { return is_inventory || (saved >= since && saved < until); }
  Hour hour(Timestamp saved) const { return is_inventory ? Hour{} : Hour{hour_of(saved)}; }
  VerifyRow& row(Timestamp saved) { return rows[hour(saved)]; }
};

struct Survey {
  std::vector<FeedSurvey> feeds;
  store::Position begin;
  store::Position end;
  std::uint64_t damaged_frames = 0;
  FeedSurvey* find(std::string_view feed);
};

// Names findings, at most so many of each kind. Any thread.
class NamedList {
public:
  explicit NamedList(std::size_t each_max) : each_max_(each_max) {}
  void add(VerifyNamed named);
  // So many more of which nobody kept the name.
  void leave_out(std::uint64_t count);
  void take_over(NamedList& other);
  std::vector<VerifyNamed> take() { return std::move(all_); }
  std::uint64_t left_out() const { return left_out_; }
  std::size_t each_max() const { return each_max_; }

private:
  const std::size_t each_max_;
  std::mutex mutex_;
  std::map<VerifyNamed::Kind, std::size_t> count_;
  std::vector<VerifyNamed> all_;
  std::uint64_t left_out_ = 0;
};

// Calls `see` for every record in [from, to). Reads on from the oldest record where retention has removed `from`.
// Returns where reading ended and the damaged frames that were passed over. Bytes in memory: one slice.
struct Scanned {
  store::Position end;
  std::uint64_t damaged_frames = 0;
};
Result<Scanned> scan(const store::Journal& journal, store::Position from, store::Position to,
                     const std::stop_token& stop, const std::function<void(const store::Slice::Item&)>& see);

// When the oldest record that can be read was journaled; nothing: there is none.
Result<std::optional<Timestamp>> first_ingest(const store::Journal& journal);

// The first pass: rows with everything that is counted by record. `feeds` say what counts.
Result<Survey> survey_journal(const VerifySource& source, std::vector<FeedSurvey> feeds, store::Position begin,
                              Duration clock_is_ahead, NamedList& named, const std::stop_token& stop);

}  // namespace capstan::runtime
