// The `filters` of a request, understood or refused.
#pragma once

#include <boost/json.hpp>

#include <expected>
#include <string>
#include <vector>

#include "feed_schema.h"
#include "records.h"

namespace capstan::simulator {

class Query {
public:
  // The error is the body of the 400 that the service answers.
  static std::expected<Query, std::string> read(const FeedSchema& schema, const boost::json::object& filters,
                                                std::int64_t now);

  // Where all that can match lies.
  Interval created;
  Interval event;
  // Whether the times alone do not decide.
  bool looks_into_records() const { return !conditions_.empty(); }
  bool matches_times(const Moment& moment) const;
  // `record` is the JSON text; one that is not JSON matches nothing.
  bool matches_record(const std::string& record) const;

private:
  struct Condition {
    const FilterField* field;
    std::string operation;
    std::vector<std::string> values;  // strings as they are, the others as JSON
    std::vector<Interval> intervals;  // of comparisons
  };
  bool add_times(const FilterField& field, std::string_view operation, const boost::json::value& value,
                 std::int64_t now);
  static bool holds(const Condition& condition, const boost::json::value& record, const std::string& text);

  std::vector<Condition> conditions_;
  std::vector<std::vector<Interval>> created_ranges_;  // of each, one must hold
  std::vector<std::vector<Interval>> event_ranges_;
};

// The scalars at a path (feed_schema.h): strings as they are, the others as JSON; nulls are left out.
std::vector<std::string> scalars_at(const boost::json::value& record, std::string_view path);

// {"<field>":[{"error":"<value> is not valid",…}],"error":true}, the service's form of a value it does not take.
std::string not_valid(std::string_view field, std::string_view value);

}  // namespace capstan::simulator
