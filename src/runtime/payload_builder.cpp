#include "payload_builder.h"

#include <algorithm>

#include "fmt/format.h"

namespace capstan::runtime {

bool PayloadBuilder::wants(std::string_view feed) const {
  return feeds_.empty() || std::ranges::find(feeds_, feed) != feeds_.end();
}

Result<> PayloadBuilder::encode(const RecordView& record, const store::Slice::Item& item, std::string_view source,
                                std::string_view tenant, std::string& out) {
  const FieldPlan* plan = record.is_quarantined ? nullptr : encoder_.plan(record.feed);
  std::span<const Value> values;
  if (plan != nullptr) {
    Result<std::span<const Value>> walked = walker_.walk(*plan, record.raw);
    if (!walked) {
      // The journal took it for well-formed and the walker does not: it goes out as what it is, a broken record.
      RecordView broken = record;
      broken.is_quarantined = true;
      return encoder_.encode(Row{broken, {}, tenant, source, item.ingest_time}, out);
    }
    values = *walked;
  }
  return encoder_.encode(Row{record, values, tenant, source, item.ingest_time}, out);
}

Result<> PayloadBuilder::append(const store::Slice& slice, std::size_t number, std::string_view source,
                                std::string_view tenant, Payload& payload) {
  const store::Slice::Item& item = slice.items[number];
  const auto add = [&](const RecordView& record) -> Result<> {
    TRY(encode(record, item, source, tenant, payload.bytes));
    payload.messages.push_back({payload.bytes.size(), item.record.event_time, number});
    return {};
  };
  // A rule cannot be asked about a record that cannot be read; such a record is never lost for that.
  if (!rule_ || item.record.is_quarantined) return add(item.record);
  // now() is when the record was journaled, so that the same record is judged in the same way whenever it is delivered.
  rule_->set_now(item.ingest_time);
  const kql::Envelope envelope{tenant, source, item.ingest_time};
  if (rule_->is_filter()) {
    const Result<bool> keeps = rule_->keeps(item.record, envelope);
    return !keeps.has_value() || *keeps ? add(item.record) : Result<>{};
  }
  const Result<std::span<const std::string_view>> rows = rule_->rows(item.record, envelope);
  if (!rows) return add(item.record);
  for (const std::string_view row : *rows) {
    made_.assign(row);
    made_.reserve(made_.size() + raw_padding);
    RecordView made = item.record;
    made.raw = made_;
    TRY(add(made));
  }
  return {};
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
    Result<> appended = append(slice, built.end, source, tenant, built.payload);
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
