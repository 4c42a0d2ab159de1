// What a person may set for the source "mdca".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/schema.h"

namespace capstan::mdca {

enum class Inventory { changes, whole };

struct Options {
  std::string tenant;
  std::vector<std::string> feeds = {"alerts", "activities", "entities", "subnets"};
  Duration interval = std::chrono::minutes(1);
  Duration backfill = std::chrono::days(2);
  std::string since;
  config::Raw filters;
  Duration inventory_interval = std::chrono::hours(1);
  Inventory inventory = Inventory::changes;
  Duration sweep = std::chrono::days(30);
  Duration sweep_interval = std::chrono::minutes(5);
  std::int64_t page_limit = 5000;
  bool archive = true;
};

config::Schema<Options> schema();

// The filters of each feed as JSON text (`{"severity":{"eq":[2]}}`). Adds findings for feeds that do not exist, for
// what has not the shape name → operator → value, and for the names that the source itself needs.
std::map<std::string, std::string> filters_by_feed(const config::Raw& filters, config::Findings& findings);

// A filter value as the service wants it: whole numbers, true, false and null where they stand unquoted, text
// otherwise.
std::string to_json(const config::Node& node);

}  // namespace capstan::mdca
