#include "listing.h"

#include <algorithm>

namespace capstan::simulator {
namespace {

namespace json = boost::json;

constexpr std::int64_t page_max = 100;    // of lists (api-introduction)
constexpr std::int64_t depth_max = 5000;  // of skip + limit
constexpr std::int64_t scan_min = 500;    // of scans (api-activities-investigate-script)
constexpr std::int64_t scan_max = 5000;
// Where one kind of time narrows the search this much more than the one it is sorted by, it is searched by that.
constexpr std::uint32_t narrower = 4;

// Gives the matching records in order, one after another.
class Walk {
public:
  Walk(const Feed& feed, const Query& query, const Scope& scope, const SortField& sort, bool is_ascending)
      : feed_(feed), query_(query), scope_(scope), is_ascending_(is_ascending) {
    const TimeKey key = sort.key.value_or(TimeKey::created);
    const TimeKey other = key == TimeKey::created ? TimeKey::event : TimeKey::created;
    const Timeline::Range range = feed.timeline.range(key, interval(key));
    const Timeline::Range others = feed.timeline.range(other, interval(other));
    estimate_ = std::min(range.size(), others.size());
    key_ = key;
    if (sort.key && range.size() / narrower <= others.size()) {
      range_ = range;
    } else {
      gather(sort, key, sort.key ? others : range, sort.key ? other : key);
    }
  }

  std::optional<Entry> next() {
    while (done_ < count()) {
      const std::uint32_t step = is_ascending_ ? done_ : count() - 1 - done_;
      ++done_;
      const std::uint32_t index = gathered_ ? (*gathered_)[step] : feed_.timeline.index_at(key_, range_.first + step);
      const Entry entry = feed_.entry(index);
      if (gathered_ || is_match(entry)) return entry;
    }
    return std::nullopt;
  }
  std::uint32_t estimate() const { return gathered_ ? count() : estimate_; }

private:
  Interval interval(TimeKey key) const {
    if (key == TimeKey::created) return query_.created;
    return {std::max(query_.event.from, scope_.event.from), std::min(query_.event.to, scope_.event.to)};
  }
  std::uint32_t count() const { return gathered_ ? static_cast<std::uint32_t>(gathered_->size()) : range_.size(); }
  bool is_match(const Entry& entry) const {
    if (entry.moment.visible > scope_.now || !scope_.event.holds(entry.moment.event) ||
        !query_.matches_times(entry.moment))
      return false;
    return !query_.looks_into_records() || query_.matches_record(feed_.text(entry));
  }
  void gather(const SortField& sort, TimeKey key, const Timeline::Range& range, TimeKey range_key) {
    gathered_.emplace();
    for (std::uint32_t place = range.first; place < range.last; ++place) {
      const std::uint32_t index = feed_.timeline.index_at(range_key, place);
      if (is_match(feed_.entry(index))) gathered_->push_back(index);
    }
    if (sort.key) {
      std::ranges::sort(*gathered_, {},
                        [&](std::uint32_t index) { return std::pair(feed_.timeline.key(key, index), index); });
    } else {
      sort_by_text(sort.path);
    }
  }
  void sort_by_text(std::string_view path) {
    std::vector<std::pair<std::vector<std::string>, std::uint32_t>> keyed;
    for (const std::uint32_t index : *gathered_) {
      boost::system::error_code error;
      const json::value record = json::parse(feed_.text(feed_.entry(index)), error);
      keyed.emplace_back(error ? std::vector<std::string>{} : scalars_at(record, path), index);
    }
    std::ranges::sort(keyed);
    std::ranges::transform(keyed, gathered_->begin(), [](const auto& each) { return each.second; });
  }

  const Feed& feed_;
  const Query& query_;
  const Scope& scope_;
  bool is_ascending_;
  TimeKey key_ = TimeKey::created;
  Timeline::Range range_;
  std::optional<std::vector<std::uint32_t>> gathered_;
  std::uint32_t estimate_ = 0;
  std::uint32_t done_ = 0;
};

// The client's filters with the bound moved: `gte` beside its own `range` when ascending, `lte` when descending.
json::object with_bound(json::object filters, std::string_view field, bool is_ascending, std::int64_t bound) {
  json::value& operations = filters[field];
  if (!operations.is_object()) operations = json::object{};
  operations.as_object()[is_ascending ? "gte" : "lte"] = bound;
  return filters;
}

// A page of a scan ends before a time of which not all records fit, and the next page begins with that time, so that
// each record is listed once. A crowd that fills a page alone is listed whole, unless the tenant is one of those whose
// scans stop there.
Page scan(Walk& walk, const ListRequest& request, const Scope& scope, const SortField& sort) {
  Page page;
  page.max = std::clamp(request.limit == 0 ? scan_min : request.limit, scan_min, scan_max);
  const auto time_of = [&](const Entry& entry) {
    return *sort.key == TimeKey::created ? entry.moment.created : entry.moment.event;
  };
  const auto limit = static_cast<std::size_t>(page.max);
  std::optional<Entry> after;
  while ((after = walk.next()) && page.entries.size() < limit) page.entries.push_back(*after);
  if (!after) return page;
  page.has_next = true;
  std::int64_t bound = time_of(*after);
  if (time_of(page.entries.front()) != bound) {
    while (time_of(page.entries.back()) == bound) page.entries.pop_back();
  } else if (!scope.crowds_hold_up_scans) {
    for (; after && time_of(*after) == bound; after = walk.next()) page.entries.push_back(*after);
    page.has_next = after.has_value();
    if (after) bound = time_of(*after);
  }
  if (page.has_next) page.next_filters = with_bound(request.filters, sort.name, request.is_ascending, bound);
  return page;
}

std::expected<Page, std::string> list(Walk& walk, const ListRequest& request) {
  Page page;
  page.max = request.limit == 0 ? page_max : std::min(request.limit, page_max);
  if (request.skip + page.max > depth_max) return std::unexpected(not_valid("skip", std::to_string(request.skip)));
  for (std::int64_t skipped = 0; skipped < request.skip; ++skipped)
    if (!walk.next()) return page;
  while (const auto entry = walk.next()) {
    if (page.entries.size() == static_cast<std::size_t>(page.max)) {
      page.has_next = true;
      break;
    }
    page.entries.push_back(*entry);
  }
  return page;
}

}  // namespace

std::expected<Page, std::string> select(const Feed& feed, const ListRequest& request, const Scope& scope) {
  const SortField* sort =
      request.sort_field.empty() ? &feed.schema->sorts.front() : feed.schema->sort(request.sort_field);
  if (sort == nullptr) return std::unexpected(not_valid("sortField", request.sort_field));
  const auto query = Query::read(*feed.schema, request.filters, scope.now);
  if (!query) return std::unexpected(query.error());
  Walk walk(feed, *query, scope, *sort, request.is_ascending);
  std::expected<Page, std::string> page =
      request.is_scan && scope.scans ? scan(walk, request, scope, *sort) : list(walk, request);
  if (!page) return page;
  if (request.is_scan && scope.scan_is_half) page->has_next = true;
  page->total = walk.estimate();
  if (scope.counts_all) {
    page->total = 0;
    for (Walk all(feed, *query, scope, *sort, true); all.next();) ++page->total;
  }
  page->filters = request.filters;
  return page;
}

}  // namespace capstan::simulator
