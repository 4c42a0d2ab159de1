// The report of one day: what an auditor keeps. Per hour and feed: shown by the tenant, journaled, and what became of
// it on each route, with the first and last time; and the hash chain over the segments of the journal that hold it.
//
//   seals (and the segments without one) ──► every record saved on that day ──┐
//   receipts of each route ──────────────────► when, where, what became of it ├──► DayReport ──► canonical JSON
//   proof ledger ────────────────────────────► shown, missing, repaired ──────┘                   (report_form.h)
//
// Read only: works beside a running Capstan. Time and memory are of the day, not of the journal.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/sha256.h"
#include "base/time_zone.h"
#include "component/sink.h"
#include "store/journal.h"
#include "store/proof_ledger.h"

namespace capstan::runtime {

struct ReportRoute {
  std::string name;
  std::string destination;         // runtime/route_identity.h
  std::string rule;                // digest
  std::string rule_text;           // KQL; empty: none
  std::vector<std::string> feeds;  // that it takes; empty: all
  store::Cursor cursor;
};

struct ReportSource {
  std::string name;
  std::string tenant;
  std::string directory;  // of its journal
  std::shared_ptr<const store::Journal> journal;
  std::vector<ReportRoute> routes;
  std::optional<store::ProofLedger> ledger;  // nothing: nothing was compared yet
};

struct ReportRun {
  Timestamp start{};
  std::optional<Timestamp> stop;
  std::string version;
};

struct ReportQuestion {
  std::chrono::year_month_day day{};
  TimeZone zone = TimeZone::utc();
};

// What is said of the machine and the program.
struct ReportFacts {
  Timestamp now{};
  std::string version;
  std::string host;
  std::string configuration;    // digest
  std::vector<ReportRun> runs;  // those of the day
};

// What became of records on a route. Conserved:
// journaled = delivered + dropped + dead_lettered + not_selected + lost + waiting + unknown.
struct RouteDay {
  std::string route;
  std::uint64_t delivered = 0;
  std::uint64_t dropped = 0;  // by rule
  std::uint64_t dead_lettered = 0;
  std::uint64_t not_selected = 0;  // of a feed that the route does not take
  std::uint64_t lost = 0;          // removed before the route had them
  std::uint64_t waiting = 0;
  std::uint64_t unknown = 0;         // behind them, but without a receipt: a power cut took it, or it was never written
  std::uint64_t not_provable = 0;    // of the delivered, sent where nothing comes back (UDP)
  std::uint64_t resent = 0;          // of the delivered, records that were delivered more than once
  std::optional<Timestamp> first{};  // acknowledgement of a record, the earliest
  std::optional<Timestamp> last{};   // … and the latest
  void add(const RouteDay& other);
};

// What the proof ledger says of an hour.
struct HourProof {
  std::string outcome = "not compared";  // or a word of store::Proof
  std::string why;                       // empty: nothing to add
  std::optional<std::uint64_t> shown;    // nothing: not compared, or not by this hour
  // Nothing: no part of it was compared.
  std::optional<std::uint64_t> missing;
  std::optional<std::uint64_t> repaired;
  std::optional<Timestamp> checked_at;
};

// One feed in one hour, or over the day.
struct FeedHour {
  std::string feed;
  Timestamp from{};
  Timestamp to{};
  std::uint64_t journaled = 0;  // records, each version of an id
  std::uint64_t updates = 0;    // of the journaled
  std::uint64_t quarantined = 0;
  HourProof proof = {};
  std::vector<RouteDay> routes = {};  // in the order of the source's routes
};

struct ReportSegment {
  std::uint64_t base = 0;
  std::uint64_t end = 0;     // of an open segment: what was durable
  std::uint64_t frames = 0;  // leaves of the tree
  std::uint64_t records = 0;
  bool is_open = false;  // more may be appended: its root is that of the frames so far
  Sha256 root{};
  Sha256 previous{};
  Sha256 chain{};  // zeros while it is open
};

struct NotKnown {
  std::uint64_t from = 0;  // offsets of the journal
  std::uint64_t to = 0;
  std::string why;
};

struct RouteNames {
  struct Destination {
    std::string destination;
    Sink::Proof proof = Sink::Proof::not_provable;
    std::uint64_t delivered = 0;
    std::optional<Timestamp> first;
    std::optional<Timestamp> last;
  };
  struct Rule {
    std::string digest;
    std::string text;  // where the running configuration knows it
    std::uint64_t dropped = 0;
    std::uint64_t delivered = 0;
  };
  std::string route;
  bool is_configured = true;
  std::vector<Destination> destinations;
  std::vector<Rule> rules;
};

struct SourceDay {
  std::string source;
  std::string tenant;
  std::vector<FeedHour> hours;   // by feed, then time; without those of which nothing is to be said
  std::vector<FeedHour> totals;  // by feed
  std::vector<RouteNames> routes;
  // Those that hold records of the day and all between them, the newest closed one and the open one; by base.
  std::vector<ReportSegment> segments;
  std::vector<NotKnown> not_known;  // places that may have held records of the day and cannot be read any more
};

struct DayReport {
  ReportQuestion question;
  Timestamp from{};
  Timestamp to{};
  bool is_over = true;  // the day was over when the report was made
  ReportFacts facts;
  std::vector<SourceDay> sources;
};

// An Error where the disk fails or it was stopped (interrupted); what is missing of the data is in the report.
Result<DayReport> make_day_report(FileSystem& files, const ReportQuestion& question, ReportFacts facts,
                                  const std::vector<ReportSource>& sources, const std::stop_token& stop);

}  // namespace capstan::runtime
