#include "mdca_checkpoint.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/text.h"

namespace capstan::mdca {

namespace {

namespace json = boost::json;

constexpr std::int64_t version = 1;

// Defaults are left out, so that a quiet source has a small checkpoint.
template <class T>
void put(json::object& object, const char* name, const T& value, const T& default_value = T{}) {
  if (value != default_value) object[name] = value;
}
void put(json::object& object, const char* name, const std::optional<std::int64_t>& value) {
  if (value) object[name] = *value;
}

json::object written(const Piece& piece) {
  json::object o;
  put(o, "from", piece.from);
  put(o, "to", piece.to);
  put(o, "also", json::string(piece.also));
  put(o, "level", static_cast<std::int64_t>(piece.level));
  put(o, "reading", static_cast<std::int64_t>(piece.reading), static_cast<std::int64_t>(Reading::pages));
  put(o, "desc", piece.descending);
  put(o, "other_end", piece.from_other_end);
  put(o, "archived", piece.archived);
  put(o, "by_saved", piece.by_saved_time);
  put(o, "may_scan", piece.scans_when_long);
  put(o, "if_short", piece.only_when_short);
  put(o, "confirms", piece.confirms_end);
  put(o, "at", piece.at);
  return o;
}

json::object written(const Walk& walk) {
  json::object o;
  put(o, "started", walk.started);
  json::array pieces;
  for (const auto& piece : walk.pieces) pieces.push_back(written(piece));
  o["pieces"] = std::move(pieces);
  put(o, "next", json::string(walk.next_filters));
  put(o, "skip", walk.skip);
  put(o, "unsorted", walk.is_unsorted);
  put(o, "doubts", static_cast<std::int64_t>(walk.doubts));
  put(o, "behind", walk.asks_behind);
  put(o, "first", walk.first_id);
  put(o, "ids", walk.last_page);
  put(o, "fresh", static_cast<std::int64_t>(walk.fresh_here));
  put(o, "singles", walk.singles_left);
  put(o, "failed", static_cast<std::int64_t>(walk.failed_singles));
  put(o, "odd", static_cast<std::int64_t>(walk.oddities));
  put(o, "fruitful", static_cast<std::int64_t>(walk.fruitful));
  put(o, "barren", static_cast<std::int64_t>(walk.barren));
  return o;
}

json::object written(const FeedState& feed) {
  json::object o;
  put(o, "floor", feed.floor);
  put(o, "base", feed.base);
  put(o, "newest", feed.newest);
  put(o, "overlap", feed.overlap);
  put(o, "archived_to", feed.archived_to);
  put(o, "dialect", static_cast<std::int64_t>(feed.dialect));
  put(o, "archive_refused_at", feed.archive_refused_at);
  put(o, "archive_by_date_at", feed.archive_refused_created_at);
  json::object jobs;
  for (const auto& [name, job] : feed.jobs) {
    json::object j;
    put(j, "done", job.done_at);
    if (job.walk) j["walk"] = written(*job.walk);
    jobs[name] = std::move(j);
  }
  if (!jobs.empty()) o["jobs"] = std::move(jobs);
  json::array poisoned;
  for (const auto& p : feed.poisoned)
    poisoned.push_back({p.from, p.to, static_cast<std::int64_t>(p.records), p.retry_at,
                        p.by_saved_time ? 2
                        : p.archived    ? 1
                                        : 0});
  if (!poisoned.empty()) o["poisoned"] = std::move(poisoned);
  return o;
}

std::optional<std::int64_t> number(const json::object& o, const char* name) {
  const auto* value = o.if_contains(name);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  if (value->is_uint64()) return static_cast<std::int64_t>(value->as_uint64());
  return value->is_int64() ? std::optional(value->as_int64()) : std::nullopt;
}
std::int64_t number_or_zero(const json::object& o, const char* name) { return number(o, name).value_or(0); }
bool flag(const json::object& o, const char* name) {
  const auto* value = o.if_contains(name);
  return value != nullptr && value->is_bool() && value->as_bool();
}
std::string text(const json::object& o, const char* name) {
  const auto* value = o.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}
const json::object* object(const json::object& o, const char* name) {
  const auto* value = o.if_contains(name);
  return value == nullptr ? nullptr : value->if_object();
}

Piece read_piece(const json::object& o) {
  Piece piece;
  piece.from = number(o, "from");
  piece.to = number(o, "to");
  piece.also = text(o, "also");
  piece.level = static_cast<std::size_t>(number_or_zero(o, "level"));
  const auto reading = number(o, "reading").value_or(static_cast<std::int64_t>(Reading::pages));
  piece.reading = reading == 0 ? Reading::scan : reading == 2 ? Reading::singles : Reading::pages;
  piece.descending = flag(o, "desc");
  piece.from_other_end = flag(o, "other_end");
  piece.archived = flag(o, "archived");
  piece.by_saved_time = flag(o, "by_saved");
  piece.scans_when_long = flag(o, "may_scan");
  piece.only_when_short = flag(o, "if_short");
  piece.confirms_end = flag(o, "confirms");
  piece.at = number(o, "at");
  return piece;
}

Walk read_walk(const json::object& o) {
  Walk walk;
  walk.started = number_or_zero(o, "started");
  if (const auto* pieces = o.if_contains("pieces"); pieces != nullptr && pieces->is_array())
    for (const auto& piece : pieces->as_array())
      if (const auto* p = piece.if_object()) walk.pieces.push_back(read_piece(*p));
  walk.next_filters = text(o, "next");
  walk.skip = number_or_zero(o, "skip");
  walk.is_unsorted = flag(o, "unsorted");
  const auto count = [&o](const char* name) { return static_cast<std::uint32_t>(number_or_zero(o, name)); };
  walk.doubts = count("doubts");
  walk.asks_behind = flag(o, "behind");
  walk.first_id = static_cast<std::uint64_t>(number_or_zero(o, "first"));
  walk.last_page = static_cast<std::uint64_t>(number_or_zero(o, "ids"));
  walk.fresh_here = count("fresh");
  walk.singles_left = number_or_zero(o, "singles");
  walk.failed_singles = count("failed");
  walk.oddities = count("odd");
  walk.fruitful = count("fruitful");
  walk.barren = count("barren");
  return walk;
}

std::optional<Poisoned> read_poisoned(const json::value& value) {
  const auto* items = value.if_array();
  if (items == nullptr || items->size() != 5) return std::nullopt;
  const auto at = [items](std::size_t i) { return (*items)[i].is_int64() ? (*items)[i].as_int64() : 0; };
  return Poisoned{at(0), at(1), static_cast<std::uint64_t>(at(2)), at(3), at(4) != 0, at(4) == 2};
}

FeedState read_feed(const json::object& o) {
  FeedState feed;
  feed.floor = number_or_zero(o, "floor");
  feed.base = number_or_zero(o, "base");
  feed.newest = number_or_zero(o, "newest");
  feed.overlap = number_or_zero(o, "overlap");
  feed.archived_to = number_or_zero(o, "archived_to");
  feed.dialect = static_cast<std::uint32_t>(number_or_zero(o, "dialect"));
  feed.archive_refused_at = number_or_zero(o, "archive_refused_at");
  feed.archive_refused_created_at = number_or_zero(o, "archive_by_date_at");
  if (const auto* jobs = object(o, "jobs"))
    for (const auto& [name, value] : *jobs) {
      const auto* j = value.if_object();
      if (j == nullptr) continue;
      Job& job = feed.jobs[std::string(name)];
      job.done_at = number_or_zero(*j, "done");
      if (const auto* walk = object(*j, "walk")) job.walk = read_walk(*walk);
    }
  if (const auto* poisoned = o.if_contains("poisoned"); poisoned != nullptr && poisoned->is_array())
    for (const auto& item : poisoned->as_array())
      if (const auto p = read_poisoned(item)) feed.poisoned.push_back(*p);
  return feed;
}

}  // namespace

std::string write(const State& state) {
  json::object o;
  o["v"] = version;
  json::object feeds;
  for (const auto& [name, feed] : state.feeds) feeds[name] = written(feed);
  o["feeds"] = std::move(feeds);
  if (state.window)
    o["window"] = {{"feed", state.window->feed},
                   {"from", epoch_ms(state.window->from)},
                   {"to", epoch_ms(state.window->to)},
                   {"otherwise", state.window->manner == Manner::otherwise},
                   {"unread", state.window_unread}};
  return json::serialize(o);
}

Result<State> read_state(const std::string& checkpoint) {
  State state;
  if (checkpoint.empty()) return state;
  json::error_code error;
  const json::value value = json::parse(checkpoint, error);
  const json::object* o = error ? nullptr : value.if_object();
  if (o == nullptr)
    return Error(
        ErrorCode::journal_format,
        fmt::format("reading the checkpoint of an mdca source: expected JSON, got {}", cut_utf8(checkpoint, 80)));
  if (number_or_zero(*o, "v") != version)
    return Error(ErrorCode::journal_format,
                 fmt::format("reading the checkpoint of an mdca source: expected version {}, "
                             "got {}",
                             version, number_or_zero(*o, "v")));
  if (const auto* feeds = object(*o, "feeds"))
    for (const auto& [name, feed] : *feeds)
      if (const auto* f = feed.if_object()) state.feeds[std::string(name)] = read_feed(*f);
  if (const auto* window = object(*o, "window")) {
    state.window_unread = text(*window, "unread");
    state.window = Window{text(*window, "feed"), from_epoch_ms(number_or_zero(*window, "from")),
                          from_epoch_ms(number_or_zero(*window, "to")),
                          flag(*window, "otherwise") ? Manner::otherwise : Manner::usual};
  }
  return state;
}

}  // namespace capstan::mdca
