#include "service_api.h"

#include <fmt/format.h>

#include <algorithm>

#include "answers.h"
#include "dice.h"
#include "json_text.h"

namespace capstan::simulator {
namespace {

namespace json = boost::json;

// The same API under several names (mdca-api 1.7, 2.1); the longest come first.
constexpr std::string_view prefixes[] = {"/cas/api/v1/", "/api/v1/", "/cas/api/", "/api/"};
constexpr std::uint64_t counted_total_max = 10'000;  // beyond it `total` stays and moreThanTotal is set
constexpr std::size_t typical_record_size = 3200;

std::string not_found() { return "Not found."; }

bool is_granted(const std::vector<std::string>& granted, std::initializer_list<std::string_view> any_of) {
  return std::ranges::any_of(any_of,
                             [&](std::string_view name) { return std::ranges::find(granted, name) != granted.end(); });
}

}  // namespace

struct ServiceApi::Resource {
  std::string_view name;  // in the path
  Stream stream;
  enum class Age { any, recent, archived } age;
  bool scans;
  bool refuses_applications;
};

struct ServiceApi::Route {
  const Resource* resource;
  std::string id;  // empty: the list
};

bool ServiceApi::serves(std::string_view path) {
  return std::ranges::any_of(prefixes, [&](std::string_view prefix) { return path.starts_with(prefix); });
}

std::optional<ServiceApi::Route> ServiceApi::route(std::string_view path) {
  static constexpr Resource resources[] = {
      {"activities", Stream::activities, Resource::Age::recent, true, false},
      {"archived_activities", Stream::activities, Resource::Age::archived, false, false},
      {"alerts", Stream::alerts, Resource::Age::any, false, false},
      {"entities", Stream::entities, Resource::Age::any, false, false},
      {"files", Stream::files, Resource::Age::any, false, true},
      {"subnet", Stream::subnets, Resource::Age::any, false, false},
  };
  const auto* prefix = std::ranges::find_if(prefixes, [&](std::string_view each) { return path.starts_with(each); });
  if (prefix == std::end(prefixes)) return std::nullopt;
  path.remove_prefix(prefix->size());
  while (path.ends_with('/')) path.remove_suffix(1);
  const std::size_t slash = std::min(path.find('/'), path.size());
  const auto* resource = std::ranges::find(resources, path.substr(0, slash), &Resource::name);
  if (resource == std::end(resources)) return std::nullopt;
  return Route{resource, std::string(path.substr(std::min(slash + 1, path.size())))};
}

std::string ServiceApi::counted_as(const std::string& path) {
  const auto found = route(path);
  if (!found) return "other";
  return fmt::format("/{}/{}", found->resource->name, found->id.empty() ? "" : "<id>/");
}

net::ServerResponse ServiceApi::respond(const net::ServerRequest& request, const std::optional<Fault>& fault) {
  const auto found = route(request.path);
  if (!found) return detail_answer(404, not_found());
  if (request.method != "GET" && request.method != "POST")
    return detail_answer(405, fmt::format("Method \"{}\" not allowed.", request.method));
  if (auto refusal = refuse(request, *found->resource)) return std::move(*refusal);
  return found->id.empty() ? list(request, *found->resource, fault) : fetch(*found->resource, found->id);
}

std::optional<net::ServerResponse> ServiceApi::refuse(const net::ServerRequest& request, const Resource& resource) {
  const std::lock_guard lock(state_.mutex);
  const Identity::Caller caller = state_.identity.caller(request);
  if (caller == Identity::Caller::nobody) return detail_answer(401, "Authentication credentials were not provided.");
  if (caller == Identity::Caller::unknown) return detail_answer(401, "Invalid token");
  if (caller == Identity::Caller::application) {
    const auto& granted = options_.permissions;
    const bool may =
        resource.stream == Stream::subnets
            ? is_granted(granted, {"investigation.read", "investigation.manage", "settings.read", "settings.manage"})
        : resource.stream == Stream::alerts
            ? is_granted(granted, {"investigation.read", "investigation.manage", "discovery.read", "discovery.manage"})
            : is_granted(granted, {"investigation.read", "investigation.manage"});
    if (!may || resource.refuses_applications)
      return json_answer(
          403, json::serialize(json::object{{"detail", "Insufficient role based permissions"},
                                            {"correlation_id", as_guid(hex_digits(mix(++state_.answers), 32))}}));
  }
  if (const auto seconds = state_.throttle.refuse()) {
    ++state_.tally.throttled;
    auto answer = detail_answer(429, fmt::format("Request was throttled. Expected available in {} seconds.", *seconds));
    if (options_.sends_retry_after) answer.headers.push_back({"Retry-After", std::to_string(*seconds)});
    return answer;
  }
  return std::nullopt;
}

Scope ServiceApi::scope(const Resource& resource) const {
  Scope scope;
  scope.now = epoch_ms(clock_.now());
  if (resource.age == Resource::Age::recent) {
    scope.event.from = scope.now - options_.archived_after.count();
  } else if (resource.age == Resource::Age::archived) {
    scope.event = {scope.now - options_.retention.count(), scope.now - options_.archived_after.count() - 1};
  }
  scope.scans = resource.scans;
  scope.scan_is_half = !resource.scans && resource.stream != Stream::activities;
  scope.crowds_hold_up_scans = options_.crowds_hold_up_scans;
  scope.counts_all = !options_.totals_are_approximate;
  return scope;
}

net::ServerResponse ServiceApi::fetch(const Resource& resource, const std::string& id) {
  std::string wanted = id;
  if (resource.stream == Stream::entities) {
    // The key of an entity is the base64 of {"id":…,"saas":…,"inst":…}, in any order.
    boost::system::error_code error;
    const json::value key = json::parse(from_base64(id).value_or(""), error);
    if (!error && key.is_object() && key.as_object().contains("id") && key.at("id").is_string())
      wanted = std::string(key.at("id").as_string());
  }
  Feed& feed = state_.population.feed(resource.stream);
  std::optional<Entry> entry;
  {
    const std::lock_guard lock(state_.mutex);
    entry = feed.find(wanted, epoch_ms(clock_.now()));
  }
  if (!entry || !scope(resource).event.holds(entry->moment.event)) return detail_answer(404, not_found());
  std::string text = feed.text(*entry);
  // The digits alone do not make an id.
  if (!text.contains(wanted)) return detail_answer(404, not_found());
  return json_answer(200, std::move(text));
}

net::ServerResponse ServiceApi::list(const net::ServerRequest& request, const Resource& resource,
                                     const std::optional<Fault>& fault) {
  const auto asked = read_list_request(request);
  if (!asked) return json_answer(400, asked.error());
  Feed& feed = state_.population.feed(resource.stream);
  std::expected<Page, std::string> page;
  std::uint64_t wander = 0;
  {
    const std::lock_guard lock(state_.mutex);
    page = select(feed, *asked, scope(resource));
    wander = ++state_.answers;
    if (page && fault && !fault->record.empty()) {
      const bool holds = std::ranges::any_of(
          page->entries, [&](const Entry& each) { return feed.records->id(each.index) == fault->record; });
      if (!holds) return write_page(feed, *page, std::nullopt, wander);
      state_.faults.take(fault->number);
      if (fault->replaces_answer()) return faulty_answer(*fault);
    }
  }
  if (!page) return json_answer(400, page.error());
  return write_page(feed, *page, fault, wander);
}

net::ServerResponse ServiceApi::write_page(const Feed& feed, const Page& page, const std::optional<Fault>& fault,
                                           std::uint64_t wander) const {
  const bool is_empty = fault && fault->no_data;
  const bool has_next = fault && fault->wrong_has_next ? *fault->wrong_has_next : page.has_next;
  std::uint64_t total = page.total;
  if (options_.totals_are_approximate) total = total * (98 + mix(wander) % 5) / 100;
  std::string body;
  body.reserve(page.entries.size() * typical_record_size + 1024);
  body += "{\"data\":[";
  for (const Entry& entry : page.entries) {
    if (is_empty) break;
    if (body.back() != '[') body += ',';
    feed.records->write(entry, body);
  }
  body += ']';
  JsonText json(body);
  json.flag("hasNext", has_next).number("max", page.max);
  json.number("total", static_cast<std::int64_t>(std::min(total, counted_total_max)))
      .flag("moreThanTotal", total > counted_total_max);
  // A page that was held back is still to come.
  if (has_next && page.next_filters)
    json.raw("nextQueryFilters", json::serialize(is_empty ? page.filters : *page.next_filters));
  json.close();
  return json_answer(200, std::move(body));
}

}  // namespace capstan::simulator
