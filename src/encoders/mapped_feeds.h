// The mappings of one encoder by feed, as what it wants of the rows: the first mapping that is for the feed, and behind
// its records the one that fits every record.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "component/encoder.h"
#include "mapping.h"

namespace capstan::encoders {

// One record of a mapping, ready to be written: cells [0, header) are the header's, then one a field.
struct MappedShape {
  const MappedRecord* record = nullptr;
  const Mapping* mapping = nullptr;
};

struct MappedFeed {
  kql::Wanted wanted;
  std::vector<MappedShape> shapes;
};

class MappedFeeds {
public:
  // `fallback` fits every record of every feed. `texts`: names that expressions may use.
  MappedFeeds(std::vector<Mapping> mappings, Mapping fallback, std::vector<std::pair<std::string, std::string>> texts);

  const MappedFeed& of(std::string_view feed) const;
  WantedOrigin origin(std::string_view feed, const kql::WantedPlace& place) const;
  // Every feed that a mapping names, and last what is for the others.
  const std::vector<MappedFeed>& all() const { return feeds_; }

private:
  MappedFeed join(const Mapping* mapping) const;

  std::vector<std::unique_ptr<const Mapping>> mappings_;
  std::unique_ptr<const Mapping> fallback_;
  std::vector<std::pair<std::string, std::string>> texts_;
  std::vector<std::string> names_;  // of the feeds
  std::vector<MappedFeed> feeds_;   // one a name, and one more
};

}  // namespace capstan::encoders
