#include <fmt/format.h>

#include "answers.h"
#include "listing.h"

namespace capstan::simulator {
namespace {

namespace json = boost::json;

std::string not_json(std::string_view why) {
  return json::serialize(json::object{{"detail", fmt::format("JSON parse error - {}", why)}});
}

std::expected<json::object, std::string> object_of(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error) return std::unexpected(not_json(error.message()));
  if (!value.is_object()) return std::unexpected(not_json("expected an object"));
  return value.as_object();
}

// Pairs of a form or a query are texts; what they hold is the JSON of a member.
std::expected<void, std::string> add_pairs(const std::vector<net::Header>& pairs, json::object& into) {
  for (const auto& pair : pairs) {
    if (pair.name != "filters") {
      into[pair.name] = pair.value;
      continue;
    }
    auto filters = object_of(pair.value);
    if (!filters) return std::unexpected(filters.error());
    into["filters"] = std::move(*filters);
  }
  return {};
}

std::optional<std::int64_t> number_of(const json::value& value) {
  if (const auto* number = value.if_int64()) return *number;
  if (!value.is_string() || value.as_string().empty()) return std::nullopt;
  std::int64_t number = 0;
  for (const char c : value.as_string()) {
    if (c < '0' || c > '9' || number > 1'000'000'000) return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

std::string text_of(const json::object& members, std::string_view name) {
  const json::value* member = members.if_contains(name);
  return member != nullptr && member->is_string() ? std::string(member->as_string()) : std::string{};
}

}  // namespace

std::expected<ListRequest, std::string> read_list_request(const net::ServerRequest& request) {
  json::object members;
  const std::size_t first = request.body.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && request.body[first] != '{' &&
      request.header("content-type").starts_with("application/x-www-form-urlencoded")) {
    if (auto added = add_pairs(read_form(request.body), members); !added) return std::unexpected(added.error());
  } else if (first != std::string::npos) {
    auto body = object_of(request.body);
    if (!body) return std::unexpected(body.error());
    members = std::move(*body);
  }
  if (auto added = add_pairs(request.query, members); !added) return std::unexpected(added.error());

  ListRequest list;
  if (const json::value* filters = members.if_contains("filters"); filters != nullptr && !filters->is_null()) {
    if (!filters->is_object()) return std::unexpected(not_valid("filters", json::serialize(*filters)));
    list.filters = filters->as_object();
  }
  list.sort_field = text_of(members, "sortField");
  const std::string direction = text_of(members, "sortDirection");
  if (!direction.empty() && direction != "asc" && direction != "desc")
    return std::unexpected(not_valid("sortDirection", direction));
  list.is_ascending = direction == "asc";
  for (const auto& [name, into] : {std::pair{"skip", &list.skip}, std::pair{"limit", &list.limit}}) {
    const json::value* member = members.if_contains(name);
    if (member == nullptr) continue;
    const auto number = number_of(*member);
    if (!number || *number < 0) return std::unexpected(not_valid(name, json::serialize(*member)));
    *into = *number;
  }
  if (const json::value* scan = members.if_contains("isScan"))
    list.is_scan = (scan->is_bool() && scan->as_bool()) || (scan->is_string() && scan->as_string() == "true");
  return list;
}

}  // namespace capstan::simulator
