#include "json_difference.h"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace capstan::app {

namespace {

namespace json = boost::json;

Result<json::value> parsed(std::string_view text) {
  boost::system::error_code failure;
  json::value value = json::parse(json::string_view(text.data(), text.size()), failure);
  if (failure) return Error(ErrorCode::broken_record, fmt::format("reading JSON: {}", failure.message()));
  return value;
}

bool is_same_number(const json::value& a, const json::value& b) {
  if (!a.is_double() && !b.is_double()) return a == b;
  return a.to_number<double>() == b.to_number<double>();
}

class Comparison {
public:
  explicit Comparison(Comparing comparing) : comparing_(comparing) {}

  void compare(const json::value& expected, const json::value& got, const std::string& path) {
    if (expected.is_object() && got.is_object()) {
      members(expected.get_object(), got.get_object(), path);
    } else if (expected.is_array() && got.is_array()) {
      items(expected.get_array(), got.get_array(), path);
    } else if (!is_same(expected, got)) {
      found.push_back({path, json::serialize(expected), json::serialize(got)});
    }
  }

  std::vector<JsonDifference> found;

private:
  static bool is_same(const json::value& a, const json::value& b) {
    if (a.is_number() && b.is_number()) return is_same_number(a, b);
    return a == b;
  }
  void members(const json::object& expected, const json::object& got, const std::string& path) {
    for (const auto& member : expected) {
      const std::string place = below(path, member.key());
      if (const json::value* same = got.if_contains(member.key())) {
        compare(member.value(), *same, place);
      } else {
        found.push_back({place, json::serialize(member.value()), {}});
      }
    }
    if (comparing_ == Comparing::contains) return;
    for (const auto& member : got)
      if (!expected.contains(member.key()))
        found.push_back({below(path, member.key()), {}, json::serialize(member.value())});
  }
  void items(const json::array& expected, const json::array& got, const std::string& path) {
    for (std::size_t i = 0; i < std::max(expected.size(), got.size()); ++i) {
      const std::string place = fmt::format("{}[{}]", path, i);
      if (i < expected.size() && i < got.size()) {
        compare(expected[i], got[i], place);
      } else {
        found.push_back({place, i < expected.size() ? json::serialize(expected[i]) : std::string{},
                         i < got.size() ? json::serialize(got[i]) : std::string{}});
      }
    }
  }
  static std::string below(const std::string& path, json::string_view name) {
    return (path.empty() ? "" : path + ".") + std::string(name);
  }

  Comparing comparing_;
};

}  // namespace

Result<std::vector<JsonDifference>> differences(std::string_view expected, std::string_view got, Comparing comparing) {
  const json::value wanted = TRY(parsed(expected));
  const json::value came = TRY(parsed(got));
  Comparison comparison(comparing);
  comparison.compare(wanted, came, {});
  return std::move(comparison.found);
}

}  // namespace capstan::app
