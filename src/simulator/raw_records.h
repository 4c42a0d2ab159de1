// Records from a file, one a line, served as they stand whatever they are.
#pragma once

#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "records.h"

namespace capstan::simulator {

struct RawFeed {
  std::unique_ptr<Records> records;
  std::vector<Moment> moments;
};

// A feed without a file is empty. What has no time gets `start`.
Result<RawFeed> read_raw_feed(const std::string& path, std::int64_t start);

}  // namespace capstan::simulator
