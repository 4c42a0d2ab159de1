#include "mapped_feeds.h"

#include <fmt/format.h>

#include <algorithm>

namespace capstan::encoders {

namespace {

kql::Shape shape_of(const MappedRecord& record) {
  kql::Shape shape;
  shape.when = record.when.text;
  for (const MappedField& field : record.header) shape.cells.push_back(field.value.text);
  for (const MappedField& field : record.fields) shape.cells.push_back(field.value.text);
  return shape;
}

}  // namespace

MappedFeeds::MappedFeeds(std::vector<Mapping> mappings, Mapping fallback,
                         std::vector<std::pair<std::string, std::string>> texts)
    : fallback_(std::make_unique<const Mapping>(std::move(fallback))), texts_(std::move(texts)) {
  for (Mapping& mapping : mappings) mappings_.push_back(std::make_unique<const Mapping>(std::move(mapping)));
  for (const auto& mapping : mappings_)
    for (const std::string& feed : mapping->feeds)
      if (std::ranges::find(names_, feed) == names_.end()) names_.push_back(feed);
  const auto first_for = [&](std::string_view feed) -> const Mapping* {
    const auto found = std::ranges::find_if(mappings_, [&](const auto& mapping) { return mapping->is_for(feed); });
    return found == mappings_.end() ? nullptr : found->get();
  };
  for (const std::string& name : names_) feeds_.push_back(join(first_for(name)));
  feeds_.push_back(join(first_for("")));
}

MappedFeed MappedFeeds::join(const Mapping* mapping) const {
  MappedFeed feed;
  feed.wanted.texts = texts_;
  for (const Mapping* each : {mapping, fallback_.get()}) {
    if (each == nullptr) continue;
    if (each == mapping) feed.wanted.lets = each->lets.text;
    for (const MappedRecord& record : each->records) {
      feed.wanted.shapes.push_back(shape_of(record));
      feed.shapes.push_back({&record, each});
      if (record.when.text.empty()) return feed;
    }
  }
  return feed;
}

const MappedFeed& MappedFeeds::of(std::string_view feed) const {
  const auto found = std::ranges::find(names_, feed);
  return feeds_[static_cast<std::size_t>(found - names_.begin())];
}

WantedOrigin MappedFeeds::origin(std::string_view feed, const kql::WantedPlace& place) const {
  const MappedFeed& mapped = of(feed);
  const MappedShape& shape = mapped.shapes[place.shape];
  switch (place.part) {
    case kql::WantedPlace::Part::lets:
      return {shape.mapping->lets.place, "let"};
    case kql::WantedPlace::Part::when:
      return {shape.record->when.place, "when"};
    case kql::WantedPlace::Part::cell:
      break;
  }
  const std::size_t header = shape.record->header.size();
  const MappedField& field =
      place.cell < header ? shape.record->header[place.cell] : shape.record->fields[place.cell - header];
  return {field.value.place, field.key};
}

}  // namespace capstan::encoders
