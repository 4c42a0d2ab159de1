#include "verify_judge.h"

#include <fmt/format.h>

#include <algorithm>

#include "table.h"

namespace capstan::runtime {

namespace {

constexpr Duration window_length = std::chrono::hours(1);

std::string counted(std::uint64_t n, std::string_view one, std::string_view more) {
  return fmt::format("{} {}", grouped(n), n == 1 ? one : more);
}

class Judge {
public:
  explicit Judge(const FeedVerdict& verdict) : verdict_(verdict) {}

  void decide(VerifyRow& row) const {
    if (row.figures.missing > row.figures.repaired) return end(row, Proof::missing, why_missing(row));
    if (const auto why = why_not_comparable(row)) return end(row, Proof::not_comparable, *why);
    if (std::string why = why_waiting(row); !why.empty()) {
      row.is_young = is_young(row);
      return end(row, Proof::waiting, std::move(why));
    }
    end(row, Proof::proved, "");
  }

private:
  static void end(VerifyRow& row, Proof outcome, std::string why) {
    row.outcome = outcome;
    row.why = std::move(why);
  }

  static std::string why_missing(const VerifyRow& row) {
    return fmt::format("{} shown and not journaled",
                       counted(row.figures.missing - row.figures.repaired, "record is", "records are"));
  }

  std::optional<std::string> why_not_comparable(const VerifyRow& row) const {
    for (const NotComparable& gap : verdict_.gaps)
      if (!row.hour || (gap.from < *row.hour + window_length && *row.hour < gap.to)) return gap.why;
    if (verdict_.held) return "the source waits for a person: " + *verdict_.held;
    if (row.hour && *row.hour > verdict_.service_time)
      return "the window lies in the future: at the service it is " + to_iso8601(verdict_.service_time);
    if (row.figures.early > 0)
      return fmt::format("{} shown that {} saved before collecting began",
                         counted(row.figures.early, "record is", "records are"),
                         row.figures.early == 1 ? "was" : "were");
    if (row.figures.lost > 0)
      return fmt::format("{} lost to a damaged place of the journal and not shown any more",
                         counted(row.figures.lost, "record was", "records were"));
    for (const VerifyRouteFigures& route : row.routes)
      if (route.lost_to_retention > 0)
        return fmt::format("retention removed {} before route {} had {}",
                           counted(route.lost_to_retention, "record", "records"), route.route,
                           route.lost_to_retention == 1 ? "it" : "them");
    return {};
  }

  static std::string why_waiting(const VerifyRow& row) {
    std::string why;
    const auto add = [&why](const std::string& more) { why += (why.empty() ? "" : "; ") + more; };
    for (const VerifyRouteFigures& route : row.routes)
      if (route.waiting > 0)
        add(fmt::format("{} for route {} since {}", counted(route.waiting, "record waits", "records wait"), route.route,
                        to_iso8601(route.waiting_since.value_or(Timestamp{}))));
    if (row.figures.repaired > 0) add(counted(row.figures.repaired, "record was repaired", "records were repaired"));
    if (row.figures.young > 0)
      add(counted(row.figures.young, "record was shown just now", "records were shown just now"));
    if (row.figures.outdated > 0)
      add(counted(row.figures.outdated, "record has changed and was not read again yet",
                  "records have changed and were not read again yet"));
    return why;
  }

  // What was saved long ago is not young because it was collected just now. An update has no time of its own, nor has
  // an item of an inventory: there it counts when they were journaled. A clock that was put back since makes no old
  // record young: then the time it was saved decides.
  bool is_young(const VerifyRow& row) const {
    return std::ranges::all_of(row.routes, [&](const VerifyRouteFigures& route) {
      if (!route.waiting_since) return true;
      if (row.hour && route.waiting_saved && verdict_.service_time - *route.waiting_saved > verdict_.late_after)
        return false;
      const Duration age = verdict_.local_time - *route.waiting_since;
      if (age >= Duration::zero()) return age <= verdict_.late_after;
      return row.hour && verdict_.service_time - (*row.hour + window_length) <= verdict_.late_after;
    });
  }

  const FeedVerdict& verdict_;
};

}  // namespace

void judge(FeedSurvey& feed, const VerifySource& source, const FeedVerdict& verdict) {
  if (feed.is_inventory) {
    feed.rows[Hour{}];
  } else {
    for (Timestamp hour = hour_of(feed.since); hour < feed.until; hour += window_length) feed.rows[hour];
    // Nothing was left to compare: that is said, and never proved.
    if (feed.rows.empty()) feed.rows[hour_of(feed.until)];
  }
  const Judge judge(verdict);
  for (auto& [hour, row] : feed.rows) {
    row.source = source.name;
    row.tenant = source.tenant;
    row.feed = feed.traits.feed;
    row.hour = hour;
    judge.decide(row);
  }
}

}  // namespace capstan::runtime
