// The journal's side of verify: one streaming pass that counts records, and a second one for each stretch that gives
// the identities.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "runtime/verify.h"

namespace capstan::runtime {

// Begin of the hour; nothing: an inventory.
using Hour = std::optional<Timestamp>;
Timestamp hour_of(Timestamp t);
Timestamp minute_of(Timestamp t);

// What a pass over the journal learns about one feed.
struct FeedSurvey {
  FeedTraits traits;
  bool is_inventory = false;
  Timestamp since{};  // saved times that count: [since, until)
  Timestamp until{};
  Duration late_after{};
  // Saved times, of all records that were read.
  std::optional<Timestamp> newest;
  std::optional<Timestamp> oldest;
  std::map<Hour, VerifyRow> rows;
  std::map<Timestamp, std::uint64_t> records_by_minute;

  bool counts(const RecordView& record) const {
    return is_inventory || (record.saved_time >= since && record.saved_time < until);
  }
  Hour hour(Timestamp saved) const { return is_inventory ? Hour{} : Hour{hour_of(saved)}; }
};

struct Survey {
  std::vector<FeedSurvey> feeds;
  store::Position begin;
  store::Position end;
  std::uint64_t damaged_frames = 0;
  FeedSurvey* find(std::string_view feed);
};

// Names findings, at most so many of each kind.
class NamedList {
public:
  explicit NamedList(std::size_t each_max) : each_max_(each_max) {}
  void add(VerifyNamed named);
  std::vector<VerifyNamed> take() { return std::move(all_); }
  std::uint64_t left_out() const { return left_out_; }

private:
  std::size_t each_max_;
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

// The first pass: rows with everything that is counted by record. `feeds` say what counts.
Result<Survey> survey_journal(const VerifySource& source, std::vector<FeedSurvey> feeds, store::Position begin,
                              NamedList& named, const std::stop_token& stop);

// The journaled identities of one feed and stretch, sorted.
struct Journaled {
  Hash128 identity;
  std::uint64_t content_hash = 0;  // of the newest version
  Timestamp saved_time{};          // of the newest version
  std::uint32_t created = 0;       // records of kind created
  bool is_shown = false;
};
class Identities {
public:
  void add(std::string_view feed, const RecordView& record);
  void sort();  // once, after the last add
  Journaled* find(const Hash128& identity);
  std::vector<Journaled>& all() { return all_; }

private:
  std::vector<Journaled> all_;
};

}  // namespace capstan::runtime
