#include "payload_builder.h"

#include <algorithm>

#include "fmt/format.h"

namespace capstan::runtime {

bool PayloadBuilder::wants(std::string_view feed) const {
  return feeds_.empty() || std::ranges::find(feeds_, feed) != feeds_.end();
}

Result<Built> PayloadBuilder::build(const store::Slice& slice, std::size_t first, std::string_view source,
                                    std::string_view tenant, Limits limits, Payload reuse) {
  Built built;
  built.payload = std::move(reuse);
  built.payload.bytes.clear();
  built.payload.messages.clear();
  built.first = first;
  built.end = first;
  std::string& bytes = built.payload.bytes;
  for (; built.end < slice.items.size(); ++built.end) {
    if (built.tally.kept >= limits.max_messages || bytes.size() >= limits.max_bytes.count) break;
    const store::Slice::Item& item = slice.items[built.end];
    ++built.tally.received;
    if (!wants(item.record.feed)) {
      ++built.tally.dropped;
      continue;
    }
    const std::size_t bytes_before = bytes.size();
    const std::size_t messages_before = built.payload.messages.size();
    const auto take_back = [&] {
      bytes.resize(bytes_before);
      built.payload.messages.resize(messages_before);
    };
    const auto on_message = [&] {
      built.payload.messages.push_back({bytes.size(), item.record.event_time, built.end});
    };
    Result<> appended = transform_.append(item.record, {tenant, source, item.ingest_time}, bytes, on_message);
    if (!appended) {
      take_back();
      ++built.tally.rejected;
      built.rejected.push_back({built.end, std::move(appended.error())});
      continue;
    }
    if (built.payload.messages.size() == messages_before) {
      ++built.tally.dropped;
      continue;
    }
    // A record that does not fit any more begins the next payload; alone it goes whatever its size.
    if (bytes.size() > limits.max_bytes.count && built.tally.kept > 0) {
      take_back();
      --built.tally.received;
      break;
    }
    ++built.tally.kept;
  }
  if (!built.tally.is_conserved())
    return Error(ErrorCode::internal,
                 fmt::format("encoding for route {}: received {} is not kept {} + dropped {} + rejected {}", route_,
                             built.tally.received, built.tally.kept, built.tally.dropped, built.tally.rejected));
  if (built.end > first)
    built.payload.id = fmt::format("{}/{}/{}-{}", route_, source, store::to_string(slice.items[first].position),
                                   store::to_string(slice.items[built.end - 1].next));
  return built;
}

}  // namespace capstan::runtime
