// What a part of the plan is configured with, flat and in one order, so that two configurations can be compared part by
// part: "batch.max_events" → "500". Equal facts mean an equal part, whatever the order and layout of the file. What a
// ${…} reference was resolved to stands here as its SHA-256, so a changed secret shows and its text does not.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.h"

namespace capstan::runtime {

struct Fact {
  std::string value;
  config::Place place;
  // The place is not compared: an option that moved down a line is the same.
  bool operator==(const Fact& other) const { return value == other.value; }
};
using Facts = std::map<std::string, Fact, std::less<>>;

Facts facts_of(const config::Node& node);
// Each name with this in front: "address" → "sink arcsight: address".
Facts prefixed(std::string_view prefix, const Facts& facts);
// The names of what is only in one of them or has another value there.
std::vector<std::string> differing(const Facts& one, const Facts& other);

}  // namespace capstan::runtime
