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
// "2026-11-03T09:00:12.345Z" → "2026-11-03 09:00:12"; empty for null.
std::string short_time(const JsonView& time);
// "2026-11-03T09:00:00+01:00" → "09:00"
std::string short_hour(const JsonView& time);

}  // namespace capstan::runtime
