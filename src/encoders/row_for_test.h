// A record as the runtime hands it to an encoder. Only for tests, fuzzers and benchmarks.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "component/encoder.h"
#include "kql/record_run.h"
#include "kql/schemas.h"

namespace capstan {

struct TestRecord {
  std::string feed = "activities";
  std::string id = "id-1";
  std::string json = "{}";
  Timestamp event_time = from_epoch_ms(1'595'096'313'045);
  RecordKind kind = RecordKind::created;
  bool is_quarantined = false;

  RecordView view(std::string& padded) const {
    padded = json;
    padded.append(raw_padding, '\0');
    RecordView record;
    record.feed = feed;
    record.id = id;
    record.raw = std::string_view(padded).substr(0, json.size());
    record.event_time = event_time;
    record.saved_time = event_time;
    record.kind = kind;
    record.is_quarantined = is_quarantined;
    return record;
  }
};

// What a route without a rule makes of the record.
inline Result<std::string> encoded(const Encoder& encoder, const TestRecord& test) {
  std::string padded;
  const RecordView record = test.view(padded);
  const Timestamp ingest_time = from_epoch_ms(1'595'096'400'000);
  std::string out;
  const kql::Wanted* wanted = encoder.wanted(record.feed);
  if (wanted == nullptr || record.is_quarantined) {
    TRY(encoder.encode({record, 0, {}, "contoso", "contoso_mdca", ingest_time}, out));
    return out;
  }
  const std::vector<std::string> feeds{test.feed};
  const kql::CompiledWanted compiled = kql::compile("", kql::schema_of_feeds(feeds), *wanted);
  if (!compiled.program) {
    const kql::WantedProblem& problem = compiled.problems.front();
    return Error(ErrorCode::mapping_wrong,
                 fmt::format("compiling {} of {}: {}", encoder.origin(record.feed, problem.place).what, test.feed,
                             problem.diagnostic.sentence));
  }
  kql::RecordRun run(compiled.program);
  TRY(run.cells(record, {"contoso", "contoso_mdca", ingest_time},
                [&](std::size_t shape, std::span<const kql::Datum> cells) {
                  return encoder.encode({record, shape, cells, "contoso", "contoso_mdca", ingest_time}, out);
                }));
  return out;
}

}  // namespace capstan
