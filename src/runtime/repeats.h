// What a repair sends a second time: records that a route had before the journal lost them.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "runtime/program.h"

namespace capstan::runtime {

// Whether a route's rule drops a record of a source; empty where it has none. One thread at a time.
std::function<bool(const store::Slice::Item&)> rule_drops(const RoutePlan& route, std::string tenant,
                                                          std::string source);

// These are about to be appended because they are missing: every route that may have had some of them counts those as
// resent. Any thread.
void expect_repeats(const Program& program, const RunningSource& source, const Batch& batch);

}  // namespace capstan::runtime
