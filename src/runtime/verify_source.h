// Verify of one source: what to ask for, asking, and the repair of what is missing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/verify.h"
#include "verify_survey.h"

namespace capstan::runtime {

// What one source's part of the report is made of.
struct SourceReport {
  std::vector<VerifyFeed> feeds;
  std::vector<VerifyRow> rows;
  std::uint64_t damaged_frames = 0;
  std::uint64_t repaired = 0;
  std::uint64_t not_repaired = 0;
};

// `entries_max`: of this source. `dead`: why a source of the same tenant was given up; then this one is not asked, and
// what is found to be dead is noted there. An Error: interrupted.
Result<SourceReport> verify_source(const VerifyOptions& options, std::size_t entries_max, const VerifySource& source,
                                   const VerifyWorld& world, NamedList& named, std::optional<std::string>& dead);

// A moment as a time, by this clock.
Timestamp resolve(const VerifyMoment& moment, Timestamp now);

}  // namespace capstan::runtime
