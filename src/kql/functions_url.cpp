// parse_url and parse_urlquery, as Kusto's engine was measured to answer: nothing is decoded, a text that is no
// absolute URL gives empty parts, a user without a password stays in the host, query parameters are sorted by name.
#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "functions.h"

namespace capstan::kql {

namespace {

struct Url {
  std::string_view scheme, user, password, host, port, path, query, fragment;
};

// Cuts `text` at `mark`, which goes; what follows it is given, or nothing where it does not stand.
std::optional<std::string_view> cut_behind(std::string_view& text, std::string_view mark) {
  const std::size_t found = text.find(mark);
  if (found == std::string_view::npos) return std::nullopt;
  const std::string_view rest = text.substr(found + mark.size());
  text = text.substr(0, found);
  return rest;
}

bool is_scheme(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !text.empty() && is_letter(text.front()) && std::ranges::all_of(text, [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  });
}

// host[:port], [v6]:port, user:password@host
bool split_authority(std::string_view authority, Url& url) {
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view who = authority.substr(0, at);
    if (const std::size_t colon = who.find(':'); colon != std::string_view::npos) {
      url.user = who.substr(0, colon);
      url.password = who.substr(colon + 1);
      authority.remove_prefix(at + 1);
    }
  }
  const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;
  if (bracket == std::string_view::npos) return false;
  const std::size_t colon = authority.find(':', bracket);
  url.host = authority.substr(0, colon);
  if (colon != std::string_view::npos) url.port = authority.substr(colon + 1);
  return !url.host.empty() && std::ranges::all_of(url.port, [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<Url> split_url(std::string_view text) {
  Url url;
  const auto rest = cut_behind(text, "://");
  if (!rest || !is_scheme(text)) return std::nullopt;
  url.scheme = text;
  const std::size_t end = std::min(rest->find_first_of("/?#"), rest->size());
  if (!split_authority(rest->substr(0, end), url)) return std::nullopt;
  url.path = rest->substr(end);
  // A slash that nothing follows is no path.
  if (url.path == "/") url.path = {};
  url.fragment = cut_behind(url.path, "#").value_or(std::string_view{});
  url.query = cut_behind(url.path, "?").value_or(std::string_view{});
  return url;
}

Dynamic text_value(std::string_view text) {
  Dynamic value;
  value.kind = Dynamic::Kind::string;
  value.text = text;
  return value;
}

Dynamic bag_value(std::span<const DynamicMember> members, Arena& arena) {
  const auto copy = arena.array<DynamicMember>(members.size());
  std::ranges::copy(members, copy.begin());
  Dynamic value;
  value.kind = Dynamic::Kind::bag;
  value.members = copy;
  return value;
}

// A name that comes again has an array; one without a name or a value is left out.
Dynamic query_parameters(std::string_view query, Arena& arena) {
  std::vector<std::pair<std::string_view, std::string_view>> all;
  for (std::string_view rest = query; !rest.empty();) {
    std::string_view one = rest;
    rest = cut_behind(one, "&").value_or(std::string_view{});
    const std::string_view value = cut_behind(one, "=").value_or(std::string_view{});
    if (!one.empty() && !value.empty()) all.emplace_back(one, value);
  }
  std::ranges::stable_sort(all, {}, &std::pair<std::string_view, std::string_view>::first);
  std::vector<DynamicMember> members;
  for (std::size_t i = 0; i < all.size();) {
    std::size_t end = i + 1;
    while (end < all.size() && all[end].first == all[i].first) ++end;
    Dynamic value = text_value(all[i].second);
    if (end - i > 1) {
      const auto items = arena.array<Dynamic>(end - i);
      for (std::size_t j = i; j < end; ++j) items[j - i] = text_value(all[j].second);
      value = Dynamic{};
      value.kind = Dynamic::Kind::array;
      value.items = items;
    }
    members.push_back({all[i].first, value});
    i = end;
  }
  return bag_value(members, arena);
}

Datum made(const Dynamic& value, Arena& arena) {
  const auto place = arena.array<Dynamic>(1);
  place[0] = value;
  return Datum::of(place.data());
}

Datum parse_url(Frame& frame, Arguments a) {
  Arena& arena = frame.work.arena;
  const Url url = split_url(a[0].text).value_or(Url{});
  const std::array<DynamicMember, 8> members{{{"Scheme", text_value(url.scheme)},
                                              {"Host", text_value(url.host)},
                                              {"Port", text_value(url.port)},
                                              {"Path", text_value(url.path)},
                                              {"Username", text_value(url.user)},
                                              {"Password", text_value(url.password)},
                                              {"Query Parameters", query_parameters(url.query, arena)},
                                              {"Fragment", text_value(url.fragment)}}};
  return made(bag_value(members, arena), arena);
}

Datum parse_query(Frame& frame, Arguments a) {
  Arena& arena = frame.work.arena;
  const std::array<DynamicMember, 1> members{{{"Query Parameters", query_parameters(a[0].text, arena)}}};
  return made(bag_value(members, arena), arena);
}

constexpr std::array rows{
    FunctionRow{"parse_url", "s", "y", Tier::extension, NameKind::none, parse_url},
    FunctionRow{"parse_urlquery", "s", "y", Tier::extension, NameKind::none, parse_query},
};

}  // namespace

std::span<const FunctionRow> url_functions() { return rows; }

}  // namespace capstan::kql
