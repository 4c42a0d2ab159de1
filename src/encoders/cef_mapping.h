// What stands in a CEF line of each feed: tables of key ← path with a named conversion. docs/guide/cef-fields.md shows
// them to people. A user's own expressions will replace the values here, not the writing of them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace capstan::cef {

enum class Conversion : std::uint8_t {
  text,             // as it is; of a list the first that is not empty
  integer,          // decimal, cut at the point
  epoch_ms,         // a number of milliseconds or an ISO 8601 text, as epoch milliseconds
  ipv4,             // only when it is one
  ipv6,             // only when it is one
  join,             // the items of a list, by commas
  app_ids,          // numbers of apps as APPID_ words, each once, by commas
  head,             // what stands before ": " (the action of an activity's description)
  alert_type,       // idValue → ALERT_…
  alert_severity,   // severityValue → 0 to 10
  alert_status,     // statusValue → word
  resolution,       // resolutionStatusValue → word
  entity_status,    // status of an entity → word
  subnet_category,  // category of a subnet → word
  // From the envelope, without a path:
  record_id,
  event_time,
  activity_url,
  feed,         // its name
  raw_record,   // the record as it came, made UTF-8
  reason,       // why it is quarantined
  update_mark,  // "updated" of a record that was delivered before, else nothing
  nothing,      // the agent wrote the key and no value
};

// Which profile writes the key.
enum class In : std::uint8_t { both, strict, siem_agent };

constexpr std::size_t paths_max = 4;

struct Key {
  std::string_view key;
  std::string_view label;  // of custom fields
  Conversion conversion = Conversion::text;
  std::array<std::string_view, paths_max> paths{};  // the first that gives something
  In in = In::both;
};

struct Mapping {
  std::string_view feed;
  Key signature;
  std::string_view signature_else;
  Key name;
  std::string_view name_else;
  Key severity;
  std::string_view severity_else;  // and always with siem-agent
  std::span<const Key> keys;
};

// The feeds of Defender for Cloud Apps.
std::span<const Mapping> mappings();
// Every other feed, and records that are quarantined whatever their feed: nothing of their members is known.
const Mapping& other_mapping();
const Mapping& quarantined_mapping();

// The longest value of a key by the dictionary, in bytes of the unescaped value; externalId has none here: it is 40 by
// the dictionary, but the ids of activities have 50 to 65 characters and a cut one finds nothing.
std::size_t length_max(std::string_view key);
constexpr std::size_t no_limit = static_cast<std::size_t>(-1);

}  // namespace capstan::cef
