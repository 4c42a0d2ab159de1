// How the whole program is doing: a snapshot in plain values, for `capstan status`, /metrics, /readyz and the log.
// Figures that only grow count since the process started, except where it is said that they are stored with the cursor.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "component/sink.h"
#include "store/journal.h"

namespace capstan::runtime {

// Of a source. The limits are measured from the last poll that went well (or from the start).
enum class SourceState : std::uint8_t {
  created,           // no poll has gone well yet
  connected,         // the last poll went well, or the last good one is less than two hours ago
  connection_error,  // none has gone well for two hours
  disconnected,      // none for twelve hours
};
std::string_view to_string(SourceState state);  // "Created", "Connected", "Connection error", "Disconnected"
constexpr Duration connection_error_after = std::chrono::hours(2);
constexpr Duration disconnected_after = std::chrono::hours(12);

// Whether the tenant's request budget lets through what the tenant makes.
struct FeedPace {
  std::optional<std::int64_t> page_size;      // the most that the service was seen to give at once
  std::optional<double> arriving_per_second;  // records that the tenant makes
  std::optional<double> possible_per_second;  // what the budget lets through in pages of that size
  bool is_outpaced = false;                   // behind, and more comes than can be read: it never catches up so
  std::optional<Timestamp> caught_up_at;      // while it is behind by more than some minutes: when it will not be
};

struct FeedStatus {
  std::string name;
  SourceState state = SourceState::created;
  std::optional<Timestamp> newest;           // saved time of the newest record seen
  std::optional<Duration> lag;               // now − newest while the feed is not drained; zero when it is
  std::optional<Duration> lateness;          // saved − event time, 99th percentile
  std::optional<Timestamp> last_ok;          // when it was last asked without an error
  std::optional<ErrorCode> code;             // of what stopped it last; nothing: it goes well
  std::string error;                         // text with code
  bool is_held = false;                      // it will not go on until a person acts
  bool is_drained = false;                   // nothing more to ask for at the moment
  std::string note;                          // what a person should know
  std::uint64_t records = 0;                 // read from the service, before de-duplication
  std::uint64_t journaled = 0;               // kept: records = journaled + duplicates
  std::uint64_t duplicates = 0;              // seen before, left out
  std::uint64_t updates = 0;                 // of the journaled: an id that came again with other content
  std::uint64_t quarantined = 0;             // of the journaled: not well-formed JSON
  std::uint64_t passed_over = 0;             // that the service could not show (poisoned)
  std::optional<Duration> time_to_catch_up;  // at the speed of the last minutes; zero when drained
  FeedPace pace;
};

// What continuous proof says of one feed (runtime/prover.h). Times are the service's.
struct ProofFeedStatus {
  std::string feed;
  std::optional<Timestamp> proved_until;  // all that was saved before it and is shown is journaled
  std::string why_not_later;              // one sentence
  std::optional<Timestamp> checked_at;    // the newest comparison
  // Of the windows that the ledger holds (a month).
  std::uint64_t proved = 0;
  std::uint64_t missing = 0;
  std::uint64_t not_comparable = 0;
  std::uint64_t repaired = 0;  // records
};

struct ProofStatus {
  bool is_enabled = false;
  std::vector<ProofFeedStatus> feeds;
  std::uint64_t damaged_places = 0;  // that are not asked for again yet
  std::uint64_t healed_places = 0;   // that the journal still has
  // Since the start.
  std::uint64_t comparisons = 0;  // questions that were answered to their end
  std::uint64_t polls = 0;
  std::uint64_t records_read = 0;
  std::uint64_t repaired = 0;
  std::string error;  // of the newest question, text with code; empty: it went well
};

// What a route has of one feed.
struct RouteProof {
  std::string feed;
  std::optional<Timestamp> proved_until;  // all that was saved before it and is shown has been delivered
  std::string why_not_later;
};

struct SourceStatus {
  std::string name;
  std::string kind;
  std::string tenant;  // empty: it has none
  SourceState state = SourceState::created;
  std::vector<FeedStatus> feeds;
  std::optional<ErrorCode> code;  // of the error of the whole source (also the journal's: full, no disk)
  std::string error;
  bool is_held = false;
  bool is_drained = false;
  std::uint64_t polls = 0;
  std::uint64_t poll_errors = 0;
  std::optional<Timestamp> last_poll;
  std::optional<Duration> next_poll;  // from now
  store::JournalReport journal;
  std::uint64_t index_size = 0;  // ids remembered
  ProofStatus proof;
};

// Of a route.
enum class RouteState : std::uint8_t {
  idle,        // everything durable is delivered
  delivering,  // the last attempt went well and there is more
  retrying,    // the last attempt ended with an error that passes by itself
  held,        // … with one that a person has to mend
  stopped,     // … with a fault
};
std::string_view to_string(RouteState state);

struct Rates {
  double events_per_second = 0;  // over the last minute
  double bytes_per_second = 0;
};

// Where a route stands in one journal. Conserved at every moment, also while the destination is down:
//
//   journal.records = cursor.began_at + delivered + dropped + rejected + lost_to_retention + lost_to_damage
//                     + backlog_records - repeated
struct RouteCursor {
  std::string source;
  // As the route has it; what is lost in front of it is counted already.
  store::Cursor cursor;
  std::uint64_t backlog_bytes = 0;     // of the journal behind the cursor; zero exactly when there are no records
  std::uint64_t backlog_records = 0;   // exact: records that the route will be given
  std::uint64_t repeated = 0;          // of those: counted before, they come again (replay, doubt after an unclean end)
  std::vector<RouteProof> proof = {};  // of the feeds that the route takes; empty: proof is not enabled
};

struct RouteStatus {
  std::string name;
  std::string sink;                                         // name in the configuration
  std::string sink_kind;                                    // "syslog"
  Sink::Proof proof = Sink::Proof::acknowledged_by_kernel;  // of what counts as delivered
  std::vector<std::string> feeds;                           // that it takes; empty: all
  RouteState state = RouteState::idle;
  std::vector<RouteCursor> cursors;  // one a source
  std::uint64_t backlog_records = 0;
  std::uint64_t backlog_bytes = 0;
  std::optional<Duration> lag;  // age (ingest time) of the oldest record that was met and is not delivered; zero: none
  Rates rates;
  // Stored with the cursors: since the route's first record.
  std::uint64_t delivered = 0;
  std::uint64_t dropped = 0;
  std::uint64_t rejected = 0;
  std::uint64_t resent = 0;  // messages that may be at the destination once more: never fewer than there are
  std::uint64_t lost_to_retention = 0;
  std::uint64_t lost_to_damage = 0;
  // Since the start.
  std::uint64_t delivered_bytes = 0;
  std::uint64_t cut = 0;
  std::uint64_t attempts = 0;
  std::uint64_t errors = 0;
  std::optional<ErrorCode> code;  // of the last attempt; nothing: it went well
  std::string error;
  std::optional<Timestamp> last_delivery;
};

struct TenantStatus {
  std::string name;
  unsigned requests_per_minute = 0;  // the budget
  unsigned recent = 0;               // requests in the last 60 s
  std::uint64_t pauses = 0;          // asked for by the service
};

// A stage that has work and makes no progress: what /readyz names.
struct StalledStage {
  std::string stage;  // "source contoso_mdca", "source contoso_mdca, feed alerts", "journal of …", "route …"
  std::string why;
  Duration since{};
};

// Reloads since the start, by outcome (runtime/reload.h).
struct ReloadStatus {
  std::uint64_t changed = 0;
  std::uint64_t unchanged = 0;
  std::uint64_t refused = 0;
  std::uint64_t failed = 0;
  std::optional<Timestamp> last;
  std::string last_outcome;  // "changed"; empty: there was none
  std::string last_summary;  // "1 route changed; 4 parts kept", or what refused it
};

// A table that rules look up in.
struct TableStatus {
  std::string name;
  std::string from;  // a file, or "feed subnets of contoso_mdca"
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;          // in memory, without indexes
  std::optional<Timestamp> loaded;  // when the rows that are used now were read
  std::uint64_t reloads = 0;        // since the start
  std::optional<ErrorCode> code;    // why the newest content is not used; nothing: it is
  std::string error;
};

struct MemoryStatus {
  std::uint64_t resident_bytes = 0;
  std::uint64_t peak_bytes = 0;
};

struct Status {
  Timestamp now{};
  Timestamp started{};
  Duration uptime{};  // by the clock that does not jump
  std::string data_dir;
  std::vector<SourceStatus> sources;
  std::vector<RouteStatus> routes;
  std::vector<TenantStatus> tenants;
  std::vector<TableStatus> tables;
  MemoryStatus memory;
  std::uint64_t clock_jumps = 0;
  ReloadStatus reload;
  std::vector<StalledStage> stalled;
  bool is_ready() const { return stalled.empty(); }
};

}  // namespace capstan::runtime
