#include "payload_builder.h"

#include <algorithm>

#include "fmt/format.h"

namespace capstan::runtime {

bool PayloadBuilder::wants(std::string_view feed) const {
  return feeds_.empty() || std::ranges::find(feeds_, feed) != feeds_.end();
}

Result<> PayloadBuilder::encode(const store::Slice::Item& item, std::string_view source, std::string_view tenant,
                                std::string& out) {
  const FieldPlan* plan = item.record.is_quarantined ? nullptr : encoder_.plan(item.record.feed);
  std::span<const Value> values;
  if (plan != nullptr) {
    Result<std::span<const Value>> walked = walker_.walk(*plan, item.record.raw);
    if (!walked) {
      // The journal took it for well-formed and the walker does not: it goes out as what it is, a broken record.
      RecordView broken = item.record;
      broken.is_quarantined = true;
      return encoder_.encode(Row{broken, {}, tenant, source, item.ingest_time}, out);
    }
    values = *walked;
  }
  return encoder_.encode(Row{item.record, values, tenant, source, item.ingest_time}, out);
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
    const std::size_t before = bytes.size();
    Result<> encoded = encode(item, source, tenant, bytes);
    if (!encoded) {
      bytes.resize(before);
      ++built.tally.rejected;
      built.rejected.push_back({built.end, std::move(encoded.error())});
      continue;
    }
    // A message that does not fit any more begins the next payload; alone it goes whatever its size.
    if (bytes.size() > limits.max_bytes.count && built.tally.kept > 0) {
      bytes.resize(before);
      --built.tally.received;
      break;
    }
    ++built.tally.kept;
    built.payload.messages.push_back({bytes.size(), item.record.event_time, built.end});
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
