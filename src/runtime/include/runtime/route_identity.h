// What evidence calls the parts of a configuration, so that a reader knows years later which ones were meant.
#pragma once

#include <string>

#include "runtime/plan.h"

namespace capstan::runtime {

// Where the route's messages go: "syslog tls://siem.example:6514", "file /var/log/capstan.ndjson", "stdout".
std::string destination_of(const RoutePlan& route);
// SHA-256 of everything that decides what becomes of a record: rule, feeds, mapping, encoder, tables and secrets (these
// as digests). Two configurations with the same digest make the same messages.
std::string rule_digest(const RoutePlan& route);
// SHA-256 of the whole plan's facts (runtime/plan_facts.h), whatever the layout of the file.
std::string configuration_digest(const Plan& plan);

}  // namespace capstan::runtime
