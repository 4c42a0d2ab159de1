#include "conservation.h"

#include <fmt/format.h>

#include <algorithm>

namespace capstan::voyages {

namespace {

// One step in so many is looked at closely.
constexpr std::uint64_t closely_every = 25;

std::uint64_t readable(const store::Journal& journal, store::Position from) {
  std::uint64_t records = 0;
  from = std::max(from, journal.report().first);
  while (from < journal.report().durable) {
    const auto slice = journal.read(from, 64_KiB);
    if (!slice || slice->end <= from) break;
    records += slice->items.size();
    from = slice->end;
  }
  return records;
}

}  // namespace

void Conservation::check(runtime::Program& program) {
  const auto sources = program.running_sources();
  for (const auto& source : sources) followers_[source->plan.name].follow(*source->journal, instances_);
  for (const auto& runner : program.routes()) {
    const runtime::RouteStatus status = runner->status();
    for (const runtime::RouteCursor& cursor : status.cursors)
      for (const auto& source : sources)
        if (source->plan.name == cursor.source) check_sum(status.name, cursor, *source->journal);
    for (const RouteTruth& route : itinerary_.routes)
      if (route.route == status.name) check_doubles(route, status);
  }
  if (dice_.below(closely_every) == 0)
    for (const auto& source : sources) look_closely(source->plan.name, *source->journal);
}

void Conservation::note_start(runtime::Program& program) {
  for (const auto& source : program.running_sources()) followers_[source->plan.name].restart(*source->journal);
}

void Conservation::check_sum(const std::string& about, const runtime::RouteCursor& stands,
                             const store::Journal& journal) {
  const store::Cursor& c = stands.cursor;
  const std::uint64_t waiting = stands.backlog_records - stands.repeated;
  const std::uint64_t sum =
      c.began_at + c.delivered + c.dropped + c.rejected + c.lost_to_retention + c.lost_to_damage + waiting;
  ++logbook_.sums;
  if (sum == journal.report().records && stands.backlog_records >= stands.repeated &&
      (stands.backlog_bytes == 0) == (stands.backlog_records == 0))
    return;
  complain(
      logbook_,
      fmt::format("{}, step {}: {} journaled are not {} before + {} delivered + {} dropped + {} rejected "
                  "+ {} lost to retention + {} lost to damage + {} waiting ({} B; number {}, {} again)",
                  about, logbook_.steps, journal.report().records, c.began_at, c.delivered, c.dropped, c.rejected,
                  c.lost_to_retention, c.lost_to_damage, waiting, stands.backlog_bytes, c.number, stands.repeated));
}

// After an unclean end as much may be counted too much as the mark on disk ran ahead, in records that were sent for the
// first time and in messages that came again.
void Conservation::check_doubles(const RouteTruth& route, const runtime::RouteStatus& status) {
  const auto found = harbour_.receivers().find(route.receiver);
  if (found == harbour_.receivers().end()) return;
  const Receiver& receiver = found->second;
  const std::uint64_t doubles = receiver.doubles(instances_);
  const std::uint64_t lead = 2 * (itinerary_.reserve.most + itinerary_.payload_max) * status.cursors.size();
  const bool is_exact = !receiver.is_inexact && !receiver.has_forgotten() && harbour_.weather().refused_records == 0;
  ++logbook_.double_counts;
  if (doubles <= status.resent && (!is_exact || status.resent <= doubles + unclean_ends_ * lead)) return;
  complain(logbook_, fmt::format("{}, step {}: {} doubles at the receiver, {} counted as resent, {} unclean ends",
                                 route.route, logbook_.steps, doubles, status.resent, unclean_ends_));
}

void Conservation::look_closely(const std::string& source, const store::Journal& journal) {
  for (const store::Cursor& cursor : journal.cursors()) {
    const std::uint64_t can_be_read = readable(journal, cursor.position);
    const store::Behind behind = journal.behind(cursor);
    // Between two damaged places of one transaction nobody can tell which records are there.
    if (std::ranges::any_of(journal.report().damage, [](const store::Damage& one) { return !one.records; })) continue;
    if (behind.records != can_be_read)
      complain(logbook_,
               fmt::format("{} in {}, step {}: {} records are said to be behind {}, {} can be read", cursor.route,
                           source, logbook_.steps, behind.records, to_string(cursor.position), can_be_read));
  }
  const auto& records = followers_[source].records();
  const store::JournalReport report = journal.report();
  if (records.empty() || itinerary_.is_damaged) return;
  const JournalFollower::Record& record = records[dice_.below(records.size())];
  if (record.position < report.first) return;
  if (const std::uint64_t number = journal.number_of(record.position); number != record.number)
    complain(logbook_, fmt::format("{}, step {}: the record at {} is number {}, said to be {}", source, logbook_.steps,
                                   to_string(record.position), record.number, number));
}

void Conservation::check_stopped(FileSystem& files, const Clock& clock,
                                 const std::vector<runtime::RouteStatus>& before) {
  for (const auto& [source, follower] : followers_) {
    const auto journal =
        store::Journal::open_read_only(files, clock, runtime::journal_directory(itinerary_.data_dir, source));
    if (!journal) return complain(logbook_, "the stopped journal cannot be read: " + journal.error().text());
    for (const store::Cursor& cursor : (*journal)->cursors()) {
      const auto stands = runtime::where_it_stands(source, **journal, cursor, {}, 0);
      check_sum(cursor.route + " (stopped)", stands, **journal);
      for (const runtime::RouteStatus& route : before)
        for (const runtime::RouteCursor& running : route.cursors) {
          if (route.name != cursor.route || running.source != source) continue;
          // What the running one has found damaged the other one has not looked at.
          if (itinerary_.is_damaged) continue;
          // What it had read before retention removed it is lost with the process.
          const std::uint64_t waited = running.backlog_records - running.repeated + running.cursor.lost_to_retention;
          const std::uint64_t waits = stands.backlog_records - stands.repeated + stands.cursor.lost_to_retention;
          if (waited != waits)
            complain(logbook_, fmt::format("{}, step {}: {} waited while it ran, {} wait now that it is stopped",
                                           route.name, logbook_.steps, waited, waits));
        }
    }
  }
}

}  // namespace capstan::voyages
