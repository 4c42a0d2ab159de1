// What the records of one feed look like: the id of the n-th, the n-th of an id, and its JSON text. Written from the
// seed each time it is asked for, so that a million of them cost nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "timeline.h"

namespace capstan::simulator {

// One version of one record, with all that its text depends on.
struct Entry {
  std::uint32_t index = 0;
  Moment moment;
  std::uint32_t version = 1;
  std::int64_t changed = 0;  // when this version came to be; 0: with the record
};

class Records {
public:
  virtual ~Records() = default;
  virtual std::string id(std::uint32_t index) const = 0;
  // By `_id`, or by another id that the API fetches by. The index may lie behind the last record that exists.
  virtual std::optional<std::uint32_t> find(std::string_view id) const = 0;
  // Appends the record's JSON text. Any thread may call.
  virtual void write(const Entry& entry, std::string& out) const = 0;
};

// Who the tenant is, as its records tell it.
struct Company {
  std::uint64_t seed = 1;
  std::string tenant_guid;
  std::int64_t tenant_number = 0;
  std::string name;              // "tailspin"
  std::string domain;            // "tailspin.example"
  std::uint32_t activities = 0;  // that exist at the start, for alerts to refer to
};

std::unique_ptr<Records> generated_activities(const Company& company);
std::unique_ptr<Records> generated_alerts(const Company& company);
std::unique_ptr<Records> generated_entities(const Company& company);
std::unique_ptr<Records> generated_files(const Company& company);
std::unique_ptr<Records> generated_subnets(const Company& company);

// One number per feed for its dice and its ids.
enum class Stream : std::uint64_t { activities = 1, alerts, entities, files, subnets, places, people, rate };

// Sixteen hexadecimal digits that tell the index to who knows the seed, and nobody else.
std::string id_digits(std::uint64_t seed, Stream stream, std::uint32_t index);
// The index of the first such digits in a text.
std::optional<std::uint32_t> index_of_digits(std::uint64_t seed, Stream stream, std::string_view text);
// `count` hexadecimal digits, at most 64.
std::string hex_digits(std::uint64_t seed, std::uint64_t count);
// 32 hexadecimal digits as a GUID.
std::string as_guid(std::string_view digits);
// "2026-11-24T16:08:23.045Z"
std::string iso_time(std::int64_t epoch_ms);

}  // namespace capstan::simulator
