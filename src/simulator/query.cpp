#include "query.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <ranges>

#include "base/time.h"

namespace capstan::simulator {
namespace {

namespace json = boost::json;

constexpr std::int64_t day_ms = 24LL * 3600 * 1000;

std::string scalar_text(const json::value& value) {
  return value.is_string() ? std::string(value.as_string()) : json::serialize(value);
}

void collect(const json::value& value, std::string_view path, std::vector<std::string>& found);

void collect_member(const json::object& object, std::string_view path, std::vector<std::string>& found) {
  const std::size_t end = std::min(path.find('.'), path.size());
  std::string_view name = path.substr(0, end);
  const std::string_view rest = end < path.size() ? path.substr(end + 1) : std::string_view{};
  std::string_view wanted;
  if (const std::size_t bracket = name.find('['); bracket != std::string_view::npos) {
    wanted = name.substr(bracket + 1, name.size() - bracket - 2);
    name = name.substr(0, bracket);
  }
  const json::value* member = object.if_contains(name);
  if (member == nullptr) return;
  if (wanted.empty()) return collect(*member, rest, found);
  const std::size_t equals = wanted.find('=');
  if (!member->is_array()) return;
  for (const json::value& element : member->as_array()) {
    const auto names = scalars_at(element, wanted.substr(0, equals));
    if (std::ranges::find(names, wanted.substr(equals + 1)) != names.end()) collect(element, rest, found);
  }
}

void collect(const json::value& value, std::string_view path, std::vector<std::string>& found) {
  if (value.is_array()) {
    for (const json::value& element : value.as_array()) collect(element, path, found);
  } else if (value.is_object()) {
    if (!path.empty()) collect_member(value.as_object(), path, found);
  } else if (path.empty() && !value.is_null()) {
    found.push_back(scalar_text(value));
  }
}

bool lists(std::string_view words, std::string_view word) {
  return fmt::format(" {} ", words).contains(fmt::format(" {} ", word));
}

std::optional<std::int64_t> whole_number(const json::value& value) {
  if (const auto* number = value.if_int64()) return *number;
  if (const auto* number = value.if_double()) return static_cast<std::int64_t>(*number);
  return std::nullopt;
}

std::optional<Interval> range_of(const json::value& value) {
  if (!value.is_object()) return std::nullopt;
  Interval interval;
  for (const auto& [name, bound] : value.as_object()) {
    const auto time = whole_number(bound);
    if (!time) return std::nullopt;
    if (name == "start") {
      interval.from = *time;
    } else if (name == "end") {
      interval.to = *time;
    } else {
      return std::nullopt;
    }
  }
  return interval;
}

// What a comparison lets through; nothing when its value is not what the operator takes.
std::vector<Interval> intervals_of(std::string_view operation, const json::value& value, std::int64_t now) {
  std::vector<Interval> intervals;
  if (operation == "range" || operation == "eq") {
    // A list, or one bare: both are taken.
    const json::array bare{value};
    for (const json::value& element : value.is_array() ? value.as_array() : bare) {
      const auto time = whole_number(element);
      const auto interval = operation == "range" ? range_of(element)
                            : time               ? std::optional(Interval{*time, *time})
                                                 : std::nullopt;
      if (!interval) return {};
      intervals.push_back(*interval);
    }
    return intervals;
  }
  const auto time = whole_number(value);
  if (!time) return {};
  if (operation == "gte") return {{.from = *time}};
  if (operation == "gt") return {{.from = *time + 1}};
  if (operation == "lte") return {{.to = *time}};
  if (operation == "lt") return {{.to = *time - 1}};
  if (operation == "gte_ndays") return {{.from = now - *time * day_ms}};
  if (operation == "lte_ndays") return {{.to = now - *time * day_ms}};
  return {};
}

bool any_holds(const std::vector<Interval>& intervals, std::int64_t time) {
  return std::ranges::any_of(intervals, [&](const Interval& interval) { return interval.holds(time); });
}

void narrow(Interval& hull, const std::vector<Interval>& intervals) {
  hull.from = std::max(hull.from, std::ranges::min(intervals | std::views::transform(&Interval::from)));
  hull.to = std::min(hull.to, std::ranges::max(intervals | std::views::transform(&Interval::to)));
}

std::optional<std::int64_t> time_of(const std::string& text) {
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec == std::errc{} && read.ptr == text.data() + text.size()) return number;
  const auto time = parse_iso8601(text);
  return time ? std::optional(epoch_ms(*time)) : std::nullopt;
}

std::string folded(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

// The values of a list, or the one bare value; of an entity pk its id.
std::vector<std::string> values_of(FieldKind kind, const json::value& value) {
  if (kind == FieldKind::entity)
    return scalars_at(value.is_array() || value.is_object() ? value : json::array{value},
                      value.is_string() ? "" : "id");
  return scalars_at(value, "");
}

template <class Compare>
bool any_pair(const std::vector<std::string>& found, const std::vector<std::string>& values, Compare compare) {
  return std::ranges::any_of(found, [&](const std::string& text) {
    return std::ranges::any_of(values, [&](const std::string& value) { return compare(text, value); });
  });
}

// "true" or "false" for the members that the API computes from another.
std::vector<std::string> computed(FieldKind kind, std::vector<std::string> found) {
  if (kind == FieldKind::open) return {found.empty() || found.front() == "0" ? "true" : "false"};
  if (kind == FieldKind::read) return {found.empty() || found.front() == "0" ? "false" : "true"};
  return found;
}

}  // namespace

std::vector<std::string> scalars_at(const json::value& record, std::string_view path) {
  std::vector<std::string> found;
  collect(record, path, found);
  return found;
}

std::string not_valid(std::string_view field, std::string_view value) {
  const json::object error{{"error", fmt::format("{} is not valid", value)},
                           {"errorMessageCode", "CONSOLE_FORMS_NOT_VALID_VALUE"},
                           {"errorMessageParams", json::object{{"value", value}}}};
  return json::serialize(json::object{{field, json::array{error}}, {"error", true}});
}

std::expected<Query, std::string> Query::read(const FeedSchema& schema, const json::object& filters, std::int64_t now) {
  Query query;
  for (const auto& [name, operations] : filters) {
    const FilterField* field = schema.filter(name);
    if (field == nullptr || !operations.is_object()) return std::unexpected(not_valid("filters", name));
    for (const auto& [operation, value] : operations.as_object()) {
      if (!lists(field->operators, operation) || !query.add_times(*field, operation, value, now))
        return std::unexpected(
            not_valid("filters", fmt::format("{}.{}", std::string_view(name), std::string_view(operation))));
    }
  }
  return query;
}

bool Query::add_times(const FilterField& field, std::string_view operation, const json::value& value,
                      std::int64_t now) {
  if (field.kind != FieldKind::created && field.kind != FieldKind::event && field.kind != FieldKind::time) {
    conditions_.push_back({&field, std::string(operation), values_of(field.kind, value), {}});
    return true;
  }
  auto intervals = intervals_of(operation, value, now);
  if (intervals.empty()) return false;
  if (field.kind == FieldKind::time) {
    conditions_.push_back({&field, std::string(operation), {}, std::move(intervals)});
  } else {
    narrow(field.kind == FieldKind::created ? created : event, intervals);
    if (intervals.size() > 1)
      (field.kind == FieldKind::created ? created_ranges_ : event_ranges_).push_back(std::move(intervals));
  }
  return true;
}

bool Query::matches_times(const Moment& moment) const {
  const auto all_hold = [](const std::vector<std::vector<Interval>>& ranges, std::int64_t time) {
    return std::ranges::all_of(ranges, [&](const auto& intervals) { return any_holds(intervals, time); });
  };
  return created.holds(moment.created) && event.holds(moment.event) && all_hold(created_ranges_, moment.created) &&
         all_hold(event_ranges_, moment.event);
}

bool Query::matches_record(const std::string& record) const {
  if (conditions_.empty()) return true;
  boost::system::error_code error;
  const json::value value = json::parse(record, error);
  if (error) return false;
  return std::ranges::all_of(conditions_, [&](const Condition& each) { return holds(each, value, record); });
}

bool Query::holds(const Condition& condition, const json::value& record, const std::string& text) {
  const std::string& operation = condition.operation;
  const auto found = computed(condition.field->kind, scalars_at(record, condition.field->path));
  const auto& values = condition.values;
  if (!condition.intervals.empty()) {
    return std::ranges::any_of(found, [&](const std::string& each) {
      const auto time = time_of(each);
      return time && any_holds(condition.intervals, *time);
    });
  }
  const auto equal = [](const std::string& a, const std::string& b) { return a == b; };
  const auto contains = [](const std::string& a, const std::string& b) { return folded(a).contains(folded(b)); };
  const auto starts = [](const std::string& a, const std::string& b) { return a.starts_with(b); };
  const auto ends = [](const std::string& a, const std::string& b) { return a.ends_with(b); };
  const bool says_true = values.empty() || values.front() == "true";
  if (operation == "eq")
    return any_pair(found, values, equal) || (values == std::vector<std::string>{"false"} && found.empty());
  if (operation == "neq") return !any_pair(found, values, equal);
  if (operation == "contains") return any_pair(found, values, contains);
  if (operation == "ncontains") return !any_pair(found, values, contains);
  if (operation == "startswith" || operation == "startswithsingle") return any_pair(found, values, starts);
  if (operation == "doesnotstartwith") return !any_pair(found, values, starts);
  if (operation == "endswith") return any_pair(found, values, ends);
  if (operation == "isset") return found.empty() != says_true;
  if (operation == "isnotset") return found.empty() == says_true;
  return any_pair({text}, values, contains);  // text
}

}  // namespace capstan::simulator
