#include "voyage_oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

namespace capstan::voyages {

namespace {

namespace json = boost::json;

// Member order and blanks do not matter to whether two records say the same.
std::string canonical(const json::value& value) {
  if (const auto* object = value.if_object()) {
    std::map<std::string, std::string> members;
    for (const auto& member : *object) members[std::string(member.key())] = canonical(member.value());
    std::string text = "{";
    for (const auto& [name, member] : members) text += name + ":" + member + ",";
    return text + "}";
  }
  if (const auto* array = value.if_array()) {
    std::string text = "[";
    for (const auto& item : *array) text += canonical(item) + ",";
    return text + "]";
  }
  return json::serialize(value);
}

std::string canonical(const std::string& raw) {
  boost::system::error_code error;
  const json::value value = json::parse(raw, error);
  return error ? raw : canonical(value);
}

net::ServerResponse ask(simulator::TenantModel& tenant, const std::string& method, const std::string& path,
                        const std::string& body) {
  net::ServerRequest request;
  request.method = method;
  request.path = path;
  request.headers = {{"Authorization", "Token " + tenant.options().api_token}, {"Content-Type", "application/json"}};
  request.body = body;
  return tenant.respond(request);
}

bool takes(const RouteTruth& route, const std::string& feed) {
  return route.feeds.empty() || std::ranges::find(route.feeds, feed) != route.feeds.end();
}

std::string key(std::string_view feed, std::string_view id, std::string_view raw) {
  return fmt::format("{} {} {:016x}", feed, id, std::hash<std::string_view>{}(raw));
}

struct Journaled {
  std::string feed;
  std::string id;
  std::string raw;
};

class Judge {
public:
  Judge(const Course& course, const Harbour& harbour, const MemoryDeadLetters& letters, runtime::Program& program,
        Logbook& logbook)
      : course_(course), harbour_(harbour), letters_(letters), program_(program), logbook_(logbook) {
    for (const runtime::RouteStatus& status : program_.status().routes) {
      statuses_[status.name] = status;
      logbook_.resent += status.resent;
      logbook_.lost += status.lost_to_retention + status.lost_to_damage;
    }
  }

  // What is there is all that was appended, but for what retention and damage took.
  void read_journals() {
    for (const auto& source : program_.running_sources()) {
      const store::Journal& journal = *source->journal;
      std::vector<Journaled>& journaled = journaled_[source->plan.name];
      store::Position at = journal.report().first;
      while (at < journal.report().durable) {
        const auto slice = journal.read(at, 1_MiB);
        if (!slice) return complain(logbook_, "the journal cannot be read: " + slice.error().text());
        for (const auto& item : slice->items)
          journaled.push_back(
              {std::string(item.record.feed), std::string(item.record.id), std::string(item.record.raw)});
        if (slice->end <= at) break;
        at = slice->end;
      }
      const store::JournalReport report = journal.report();
      std::uint64_t damaged = 0;
      for (const store::Damage& damage : report.damage)
        if (damage.to > report.first) damaged += damage.records.value_or(0);
      if (report.first_number + journaled.size() + damaged != report.records)
        complain(logbook_,
                 fmt::format("{}: {} removed + {} that can be read + {} damaged are not the {} journaled",
                             source->plan.name, report.first_number, journaled.size(), damaged, report.records));
      if (!course_.itinerary.is_damaged && !report.is_whole()) complain(logbook_, "the journal is damaged");
      // A tail that was cut off before anybody noted that it was durable looks like one that was never written.
      is_whole_ = is_whole_ && report.first_number == 0 && report.is_whole() && logbook_.damages == 0;
    }
  }

  // An activity is one event for ever; what changes is journaled again only with other content. Where damage has taken
  // a checkpoint, or the index, the source was asked again.
  void journal_repeats_nothing() {
    if (course_.itinerary.is_damaged) return;
    for (const auto& [source, journaled] : journaled_) {
      std::map<std::pair<std::string, std::string>, std::string> last;
      for (const Journaled& record : journaled) {
        const auto [known, is_new] = last.try_emplace({record.feed, record.id}, record.raw);
        if (is_new) continue;
        if (record.feed == "activities" || canonical(known->second) == canonical(record.raw))
          complain(logbook_, fmt::format("{} {} is twice in the journal", record.feed, record.id));
        known->second = record.raw;
      }
    }
  }

  void nothing_is_missing(const RouteTruth& route) {
    if (may_miss(route)) return;
    std::set<std::pair<std::string, std::string>> got;
    for (const Arrival& arrival : arrivals(route)) got.insert({arrival.feed, arrival.id});
    for (const auto& [feed, id] : course_.shown.ids) {
      if (!takes(route, feed)) continue;
      if (harbour_.refuses(id)) {
        if (!letters_.letters.contains({route.route, feed, id}))
          complain(logbook_, fmt::format("{}: {} {} was refused and is no dead letter", route.route, feed, id));
        continue;
      }
      if (!got.contains({feed, id})) complain(logbook_, fmt::format("{}: {} {} is missing", route.route, feed, id));
    }
  }

  // Of what was journaled, no more is missing than is counted as lost; and what counts as delivered has arrived.
  void losses_are_counted(const RouteTruth& route) {
    const runtime::RouteStatus& status = statuses_[route.route];
    const auto found = harbour_.receivers().find(route.receiver);
    std::map<std::uint64_t, std::uint64_t> wanted;
    std::uint64_t refused = 0;
    std::uint64_t other_feeds = 0;
    for (const runtime::RouteCursor& cursor : status.cursors) {
      for (const auto& record : course_.conservation.followers().at(cursor.source).records()) {
        if (!takes(route, record.feed))
          ++other_feeds;
        else if (harbour_.refuses(record.id))
          ++refused;
        else
          ++wanted[key_of(record.feed, record.id, record.raw)];
      }
    }
    std::uint64_t arrived = 0;
    std::uint64_t missing = 0;
    for (const auto& [key, records] : wanted) {
      const std::uint64_t times = found == harbour_.receivers().end() ? 0 : found->second.times(key);
      arrived += std::min(times, records);
      missing += records - std::min(times, records);
    }
    const std::uint64_t lost = status.lost_to_retention + status.lost_to_damage;
    // What the receiver has lost of what it had confirmed is not to be had again from a journal that lost it too.
    const bool has_forgotten = found != harbour_.receivers().end() && found->second.has_forgotten();
    if (has_forgotten && (course_.itinerary.may_lose() || course_.itinerary.is_tight)) return;
    // A disk that refuses the mark lets a tight journal remove what was delivered before anybody could write that down.
    const bool may_count_too_many = course_.itinerary.may_lose() || course_.itinerary.is_tight;
    if (missing > lost || (lost > 0 && !may_count_too_many))
      complain(logbook_, fmt::format("{}: {} are missing, {} are counted as lost", route.route, missing, lost));
    if (status.delivered > arrived)
      complain(logbook_, fmt::format("{}: {} arrived, {} count as delivered", route.route, arrived, status.delivered));
    const bool is_complete = lost == 0 && !course_.itinerary.is_damaged;
    if (is_complete && (status.delivered != arrived || status.rejected != refused || status.dropped != other_feeds))
      complain(logbook_, fmt::format("{}: {} delivered, {} rejected, {} dropped; expected {}, {}, {}", route.route,
                                     status.delivered, status.rejected, status.dropped, arrived, refused, other_feeds));
  }

  // Where a record says the same at the end of the storm and at the end of the calm, that is what must have come last.
  void newest_content_arrived(const RouteTruth& route) {
    if (may_miss(route)) return;
    std::map<std::pair<std::string, std::string>, const std::string*> last;
    std::set<std::string> seen;
    for (const Arrival& arrival : arrivals(route))
      if (seen.insert(key(arrival.feed, arrival.id, arrival.raw)).second)
        last[{arrival.feed, arrival.id}] = &arrival.raw;
    for (const auto& [id, content] : course_.shown.newest) {
      const auto after = course_.shown_after.newest.find(id);
      if (after == course_.shown_after.newest.end() || after->second != content) continue;
      const auto arrived = last.find(id);
      if (!takes(route, id.first) || arrived == last.end()) continue;
      if (canonical(*arrived->second) != content)
        complain(logbook_,
                 fmt::format("{}: the newest version of {} {} has not arrived", route.route, id.first, id.second));
    }
  }

  // Of each source by itself: a route takes turns between its sources.
  void order_is_kept(const RouteTruth& route) {
    if (!is_whole_) return;
    for (const auto& [source, journaled] : journaled_) {
      std::set<std::string> feeds;
      std::vector<std::string> expected;
      std::set<std::string> seen;
      for (const Journaled& record : journaled) {
        feeds.insert(record.feed);
        if (!takes(route, record.feed) || harbour_.refuses(record.id)) continue;
        std::string one = key(record.feed, record.id, record.raw);
        if (seen.insert(one).second) expected.push_back(std::move(one));
      }
      std::vector<std::string> got;
      seen.clear();
      for (const Arrival& arrival : arrivals(route)) {
        std::string one = key(arrival.feed, arrival.id, arrival.raw);
        if (feeds.contains(arrival.feed) && seen.insert(one).second) got.push_back(std::move(one));
      }
      if (statuses_[route.route].cursors.size() < journaled_.size() && got.empty()) continue;  // not one of its sources
      if (got == expected) continue;
      const auto [g, e] = std::ranges::mismatch(got, expected);
      complain(logbook_, fmt::format("{}: {} arrived and {} were journaled; they part at {}: got {}, expected {}",
                                     route.route, got.size(), expected.size(), g - got.begin(),
                                     g == got.end() ? "nothing" : *g, e == expected.end() ? "nothing" : *e));
    }
  }

  // A message may come again only when the program did not know that it had arrived: it was not told, or it died since.
  // Or when it was told to send it again.
  void doubles_are_explained(const RouteTruth& route) {
    const auto found = harbour_.receivers().find(route.receiver);
    const bool is_disturbed = found != harbour_.receivers().end() && found->second.is_disturbed;
    std::map<std::string, std::size_t> in_journal;
    for (const auto& [source, journaled] : journaled_)
      for (const Journaled& record : journaled) ++in_journal[key(record.feed, record.id, record.raw)];
    std::map<std::string, const Arrival*> last;
    for (const Arrival& arrival : arrivals(route)) {
      ++logbook_.arrived;
      const std::string one = key(arrival.feed, arrival.id, arrival.raw);
      const auto [known, is_new] = last.try_emplace(one, &arrival);
      if (is_new) continue;
      ++logbook_.doubles;
      const Arrival& before = *std::exchange(known->second, &arrival);
      if (before.is_confirmed && before.boot == arrival.boot && in_journal[one] < 2 && is_whole_ && !is_disturbed)
        complain(logbook_, fmt::format("{}: {} {} came twice for no reason", route.route, arrival.feed, arrival.id));
    }
  }

private:
  bool may_miss(const RouteTruth& route) const {
    const auto found = harbour_.receivers().find(route.receiver);
    const bool has_forgotten = found != harbour_.receivers().end() && found->second.has_forgotten();
    return course_.itinerary.may_lose() || (has_forgotten && course_.itinerary.is_tight);
  }

  const std::vector<Arrival>& arrivals(const RouteTruth& route) const {
    static const std::vector<Arrival> none;
    const auto found = harbour_.receivers().find(route.receiver);
    return found == harbour_.receivers().end() ? none : found->second.arrivals();
  }

  const Course& course_;
  const Harbour& harbour_;
  const MemoryDeadLetters& letters_;
  runtime::Program& program_;
  Logbook& logbook_;
  bool is_whole_ = true;                                     // nothing was removed or damaged
  std::map<std::string, std::vector<Journaled>> journaled_;  // by source
  std::map<std::string, runtime::RouteStatus> statuses_;
};

}  // namespace

Shown ask_tenant(simulator::TenantModel& tenant) {
  Shown shown;
  const net::ServerResponse truth = ask(tenant, "GET", "/_sim/truth", "");
  std::string_view rest = truth.body;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.empty()) continue;
    const json::value value = json::parse(line);
    const std::string feed = json::value_to<std::string>(value.at("feed"));
    if (feed == "files") continue;  // not collected here
    ++shown.lines;
    shown.ids.insert({feed, json::value_to<std::string>(value.at("id"))});
  }
  for (const auto& [feed, path] :
       {std::pair{"alerts", "/api/v1/alerts/"}, std::pair{"entities", "/api/v1/entities/"}}) {
    const net::ServerResponse list = ask(tenant, "POST", path, R"({"filters":{},"skip":0,"limit":100})");
    boost::system::error_code error;
    const json::value value = json::parse(list.body, error);
    if (error || !value.is_object() || !value.as_object().contains("data")) continue;
    for (const json::value& record : value.at("data").as_array())
      if (record.is_object() && record.as_object().contains("_id"))
        shown.newest[{feed, json::value_to<std::string>(record.at("_id"))}] = canonical(record);
  }
  return shown;
}

void judge(const Course& course, const Harbour& harbour, const MemoryDeadLetters& letters, runtime::Program& program,
           Logbook& logbook) {
  Judge judge(course, harbour, letters, program, logbook);
  logbook.shown = course.shown.lines;
  logbook.letters = letters.letters.size();
  judge.read_journals();
  judge.journal_repeats_nothing();
  for (const RouteTruth& route : course.itinerary.routes) {
    judge.nothing_is_missing(route);
    judge.losses_are_counted(route);
    judge.newest_content_arrived(route);
    judge.order_is_kept(route);
    judge.doubles_are_explained(route);
  }
}

}  // namespace capstan::voyages
