#include "runtime/explain.h"

#include <algorithm>

#include "verify_survey.h"

namespace capstan::runtime {

namespace {

// Counting what waits before a record is only for showing; beyond this it says "at least".
constexpr std::uint64_t records_before_max = 100'000;
constexpr Bytes slice_max = 1_MiB;

bool takes(const ExplainRoute& route, std::string_view feed) {
  return route.feeds.empty() || std::ranges::find(route.feeds, feed) != route.feeds.end();
}

std::uint64_t records_between(const store::Journal& journal, store::Position from, store::Position to) {
  std::uint64_t count = 0;
  while (from < to && count < records_before_max) {
    const auto slice = journal.read(from, slice_max);
    if (!slice || slice->end <= from) break;
    count += static_cast<std::uint64_t>(
        std::ranges::count_if(slice->items, [&](const auto& item) { return item.position < to; }));
    from = slice->end;
  }
  return std::min(count, records_before_max);
}

// As the route judged it then. Nothing: no receipt says.
std::optional<RouteFate::State> state_of(const std::vector<store::Receipt>& receipts, store::Position position) {
  std::optional<RouteFate::State> state;
  for (const store::Receipt& receipt : receipts) {
    const auto outcome = receipt.outcome(position);
    const bool is_shown = receipt.proof != Sink::Proof::not_provable;
    if (outcome == store::Outcome::delivered && is_shown) return RouteFate::State::delivered;
    if (outcome == store::Outcome::delivered) state = RouteFate::State::sent;
    if (outcome == store::Outcome::dropped && !state) state = RouteFate::State::dropped_by_rule;
  }
  return state;
}

Result<RouteFate> fate(const ExplainSource& source, const ExplainRoute& route, const store::Slice::Item& item,
                       const std::vector<ExplainedDeadLetter>& dead_letters) {
  RouteFate result;
  result.route = route.name;
  result.sink = route.sink;
  if (!takes(route, item.record.feed)) {
    result.state = RouteFate::State::not_for_this_route;
    return result;
  }
  if (source.receipts) result.receipts = TRY(source.receipts->find(route.name, item.position));
  for (const auto& letter : dead_letters) {
    if (letter.route != route.name || letter.position != item.position) continue;
    result.state = RouteFate::State::dead_lettered;
    result.error = letter.error;
    return result;
  }
  if (const auto told = state_of(result.receipts, item.position)) {
    result.state = *told;
    return result;
  }
  if (item.position >= route.cursor.position) {
    result.records_before = records_between(*source.journal, route.cursor.position, item.position);
    return result;
  }
  if (route.drops && route.drops(item))
    result.state = RouteFate::State::dropped_by_rule;
  else
    result.state = route.proof == Sink::Proof::not_provable ? RouteFate::State::sent : RouteFate::State::delivered;
  return result;
}

Result<EventVersion> version_of(const ExplainSource& source, const store::Slice::Item& item,
                                const std::vector<ExplainedDeadLetter>& dead_letters) {
  EventVersion version;
  version.source = source.name;
  version.tenant = source.tenant;
  version.feed = item.record.feed;
  version.position = item.position;
  version.ingest_time = item.ingest_time;
  version.event_time = item.record.event_time;
  version.saved_time = item.record.saved_time;
  version.kind = item.record.kind;
  version.is_quarantined = item.record.is_quarantined;
  version.content_hash = item.record.content_hash;
  version.size = item.record.raw.size();
  version.raw = item.record.raw.substr(0, raw_shown_max);
  for (const auto& route : source.routes) version.routes.push_back(TRY(fate(source, route, item, dead_letters)));
  return version;
}

}  // namespace

std::string_view to_string(RouteFate::State state) {
  switch (state) {
    case RouteFate::State::delivered:
      return "delivered";
    case RouteFate::State::sent:
      return sent_not_provable;
    case RouteFate::State::waiting:
      return "waiting";
    case RouteFate::State::dropped_by_rule:
      return "dropped by rule";
    case RouteFate::State::dead_lettered:
      return "dead-lettered";
    case RouteFate::State::not_for_this_route:
      return "not for this route";
  }
  return "unknown";
}

Result<EventLife> explain(std::string_view id, const std::vector<ExplainSource>& sources, const std::stop_token& stop) {
  EventLife life;
  life.id = id;
  for (const auto& source : sources) {
    std::vector<ExplainedDeadLetter> dead_letters;
    if (source.dead_letters) dead_letters = TRY(source.dead_letters(id));
    const store::JournalReport journal = source.journal->report();
    Result<> outcome;
    TRY(scan(*source.journal, journal.first, journal.durable, stop, [&](const store::Slice::Item& item) {
      ++life.records_searched;
      if (item.record.id != id) return;
      if (life.versions.size() >= versions_max) {
        ++life.versions_left_out;
        return;
      }
      auto version = version_of(source, item, dead_letters);
      if (version)
        life.versions.push_back(std::move(*version));
      else if (outcome)
        outcome = std::move(version.error());
    }));
    TRY(std::move(outcome));
  }
  if (life.versions.empty())
    return Error(ErrorCode::not_found, "looking for the event \"" + life.id + "\": none of " +
                                           std::to_string(life.records_searched) +
                                           " records in the journal has this id");
  return life;
}

}  // namespace capstan::runtime
