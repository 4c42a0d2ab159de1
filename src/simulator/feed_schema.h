// What the API lets its callers filter and sort by, per feed (mdca-api: "Filters" and "Sorting" of each resource).
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "timeline.h"

namespace capstan::simulator {

enum class FieldKind {
  plain,      // the scalars at `path`, compared as text
  time,       // milliseconds or ISO 8601 at `path`
  created,    // the record's saved time
  event,      // the record's event time
  open,       // an alert that is not resolved
  read,       // an alert that was looked at
  entity,     // [{"id":…,"inst":0}] against the ids at `path`
  full_text,  // anywhere in the record, without regard to case
};

// A path names members, separated by dots; a list stands for its elements, and name[member=value] for those of them
// that have this value.
struct FilterField {
  std::string_view name;
  std::string_view operators;  // separated by blanks
  FieldKind kind = FieldKind::plain;
  std::string_view path = {};
};

struct SortField {
  std::string_view name;
  std::optional<TimeKey> key;  // else by the text at `path`
  std::string_view path = {};
};

struct FeedSchema {
  std::string_view feed;  // "activities"
  std::span<const FilterField> filters;
  std::span<const SortField> sorts;  // the first is the default

  const FilterField* filter(std::string_view name) const;
  const SortField* sort(std::string_view name) const;
};

const FeedSchema& activities_schema();
const FeedSchema& alerts_schema();
const FeedSchema& entities_schema();
const FeedSchema& files_schema();
const FeedSchema& subnets_schema();

}  // namespace capstan::simulator
