#include "mdca_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace capstan::mdca {

namespace {

using config::Findings;
using config::Node;

constexpr std::array<std::string_view, 5> feed_names{"alerts", "activities", "entities", "subnets", "files"};

// The windows are the source's own business; a person's window beside them would hide events.
bool is_reserved(std::string_view feed, std::string_view filter) {
  if (feed == "activities") return filter == "date" || filter == "created";
  if (feed == "alerts") return filter == "date" || filter == "resolutionDate";
  if (feed == "files") return filter == "modifiedDate";
  return false;
}

bool is_feed(std::string_view name) {
  return std::find(feed_names.begin(), feed_names.end(), name) != feed_names.end();
}

std::string unknown_feed(std::string_view name) {
  const auto near = nearest(name, feed_names);
  return fmt::format("there is no feed \"{}\"; {}", name,
                     near.empty() ? std::string("expected alerts, activities, entities, subnets or files")
                                  : fmt::format("did you mean \"{}\"?", near));
}

bool is_whole_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.size() <= 19 && (text == "0" || text.front() != '0') &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void check_filter(std::string_view feed, const Node::Member& filter, Findings& findings) {
  if (is_reserved(feed, filter.key))
    findings.add(ErrorCode::conflicting_options, filter.place,
                 fmt::format("a filter on \"{}\" would cut into the windows that {} are read by; use backfill or since",
                             filter.key, feed));
  if (filter.value.kind != Node::Kind::map || filter.value.members.empty())
    findings.add(ErrorCode::wrong_value, filter.place,
                 fmt::format("filter \"{}\": expected an operator and its value, such as {{eq: [1]}}", filter.key));
}

void check_feeds(const Options& options, const Node& at, Findings& findings) {
  for (const auto& feed : options.feeds)
    if (!is_feed(feed)) findings.add(ErrorCode::wrong_value, at.place, unknown_feed(feed));
  if (options.feeds.empty()) findings.add(ErrorCode::wrong_value, at.place, "feeds: expected at least one feed");
}

void since_is_a_date(const Options& options, const Node& at, Findings& findings) {
  if (!options.since.empty() && !parse_iso8601(options.since))
    findings.add(
        ErrorCode::wrong_value, at.place,
        fmt::format("since: expected a date such as 2026-11-01 or 2026-11-01T08:00:00Z, got \"{}\"", options.since));
}

}  // namespace

std::string to_json(const Node& node) {
  std::string text;
  switch (node.kind) {
    case Node::Kind::null:
      return "null";
    case Node::Kind::scalar:
      if (!node.is_quoted &&
          (node.scalar == "true" || node.scalar == "false" || node.scalar == "null" || is_whole_number(node.scalar)))
        return node.scalar;
      return json_quote(node.scalar);
    case Node::Kind::sequence:
      for (const auto& item : node.items) text += (text.empty() ? "" : ",") + to_json(item);
      return "[" + text + "]";
    case Node::Kind::map:
      for (const auto& member : node.members)
        text += (text.empty() ? "" : ",") + json_quote(member.key) + ":" + to_json(member.value);
      return "{" + text + "}";
  }
  return "null";
}

std::map<std::string, std::string> filters_by_feed(const config::Raw& filters, Findings& findings) {
  std::map<std::string, std::string> result;
  if (filters.node.kind == Node::Kind::null) return result;
  if (filters.node.kind != Node::Kind::map) {
    findings.add(ErrorCode::wrong_value, filters.node.place, "filters: expected a feed and its filters");
    return result;
  }
  for (const auto& [feed, place, value] : filters.node.members) {
    if (!is_feed(feed)) {
      findings.add(ErrorCode::wrong_value, place, unknown_feed(feed));
    } else if (value.kind != Node::Kind::map) {
      findings.add(ErrorCode::wrong_value, place, fmt::format("filters of {}: expected filter names", feed));
    } else {
      for (const auto& filter : value.members) check_filter(feed, filter, findings);
      result[feed] = to_json(value);
    }
  }
  return result;
}

config::Schema<Options> schema() {
  config::Schema<Options> s;
  s.option("tenant", &Options::tenant, "the tenant to collect from, by its name under `tenants`")
      .required()
      .example("contoso");
  s.option("feeds", &Options::feeds, "what to collect: alerts, activities, entities, subnets, files")
      .example("[alerts, activities]");
  s.option("interval", &Options::interval, "how often to ask for new alerts and activities")
      .range<Duration>(std::chrono::seconds(1), std::chrono::hours(24));
  s.option("backfill", &Options::backfill, "how far to go back on first contact")
      .range<Duration>(Duration(0), std::chrono::days(180));
  s.option("since", &Options::since, "go back to this date on first contact, instead of backfill")
      .example("2026-11-01");
  s.option("filters", &Options::filters, "filters that the service applies, by feed, as its API defines them")
      .example("{alerts: {severity: {eq: [1, 2]}}}");
  s.option("inventory_interval", &Options::inventory_interval, "how often to read entities, subnets and files")
      .range<Duration>(std::chrono::seconds(10), std::chrono::days(7));
  s.choice("inventory", &Options::inventory, {{"changes", Inventory::changes}, {"whole", Inventory::whole}},
           "deliver what changed, or everything each time");
  s.option("sweep", &Options::sweep, "how far back alerts are read again to find changed ones")
      .range<Duration>(std::chrono::hours(1), std::chrono::days(180));
  s.option("sweep_interval", &Options::sweep_interval, "how often open and lately resolved alerts are read again")
      .range<Duration>(std::chrono::seconds(10), std::chrono::days(1));
  s.option("page_limit", &Options::page_limit, "most activities to ask for at once").range<std::int64_t>(500, 5000);
  s.option("archive", &Options::archive, "ask the archive for activities older than 30 days");
  s.rule(check_feeds);
  s.rule(since_is_a_date);
  return s;
}

}  // namespace capstan::mdca
