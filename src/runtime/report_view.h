// Reading a report's JSON without trusting it: what is not there or of another kind is empty, zero or nothing.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace capstan::runtime {

class JsonView {
public:
  explicit JsonView(const boost::json::value& value) : value_(&value) {}

  JsonView operator[](std::string_view name) const;
  const boost::json::array& items() const;
  std::string text() const;
  std::uint64_t number() const;
  bool flag() const;
  bool is_there() const;  // and is not null
  bool has_exactly(std::initializer_list<std::string_view> names) const;

private:
  const boost::json::value* value_;
};

// Of a route's destination: "acknowledged", or "sent, not provable".
std::string acknowledged(const JsonView& destination);
// What became of records on a route, as members of an hour's route: those that have figures on that day, delivered and
// dropped always.
std::vector<std::string_view> fates_of(const JsonView& source, const std::string& route);
// "dead_lettered" → "dead-lettered", "not_selected" → "not selected"
std::string title_of(std::string_view fate);
// The hours of one feed.
std::vector<JsonView> hours_of(const JsonView& source, const std::string& feed);
// The figures of a route in an hour; nothing is there when the hour does not tell of it.
JsonView route_in(const JsonView& hour, const std::string& route);
// "2026-11-03T09:00:12.345Z" → "2026-11-03 09:00:12"; empty for null.
std::string short_time(const JsonView& time);
// "2026-11-03T09:00:00+01:00" → "09:00"
std::string short_hour(const JsonView& time);

}  // namespace capstan::runtime
