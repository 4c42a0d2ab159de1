// The life of one event: where in the journals it is, in which versions, and what each route did with it.
// Found by a streaming scan of the journals (memory is one slice), so it also finds what the id index has forgotten.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "component/sink.h"
#include "event/record.h"
#include "store/journal.h"
#include "store/receipts.h"

namespace capstan::runtime {

// A dead letter of the event that is looked for.
struct ExplainedDeadLetter {
  std::string route;
  store::Position position;
  std::string error;  // text with code
};

struct ExplainRoute {
  std::string name;
  std::string sink;
  store::Cursor cursor;
  std::vector<std::string> feeds;                        // that it takes; empty: all
  std::function<bool(const store::Slice::Item&)> drops;  // by its rule; empty: nothing is dropped
  Sink::Proof proof = Sink::Proof::acknowledged_by_kernel;
};

struct ExplainSource {
  std::string name;
  std::string tenant;
  const store::Journal* journal = nullptr;
  std::vector<ExplainRoute> routes;
  // The dead letters of this source's records with that id; may be empty.
  std::function<Result<std::vector<ExplainedDeadLetter>>(std::string_view id)> dead_letters;
  std::shared_ptr<const store::Receipts> receipts;  // may be null
};

struct RouteFate {
  // sent: delivered by a sink that cannot prove it (UDP)
  enum class State : std::uint8_t { delivered, sent, waiting, dropped_by_rule, dead_lettered, not_for_this_route };
  std::string route;
  std::string sink;
  State state = State::waiting;
  std::uint64_t records_before =
      0;              // waiting: records of the journal between the cursor and this one (at most 100,000)
  std::string error;  // dead_lettered
  // One for each time that the record was delivered or dropped, the first one first. Empty: not acknowledged yet, or no
  // receipt is left. A rule may have changed since: where there is a receipt, it decides the state.
  std::vector<store::Receipt> receipts;
};
std::string_view to_string(RouteFate::State state);

// One record of the journal.
struct EventVersion {
  std::string source;
  std::string tenant;
  std::string feed;
  store::Position position;
  Timestamp ingest_time{};
  Timestamp event_time{};
  Timestamp saved_time{};
  RecordKind kind = RecordKind::created;
  bool is_quarantined = false;
  std::uint64_t content_hash = 0;
  std::uint64_t size = 0;
  std::string raw;  // as the service sent it, at most raw_shown_max bytes
  std::vector<RouteFate> routes;
};
constexpr std::size_t raw_shown_max = 256U << 10;

struct EventLife {
  std::string id;
  std::vector<EventVersion> versions;  // in journal order, at most versions_max
  std::uint64_t versions_left_out = 0;
  std::uint64_t records_searched = 0;
};
constexpr std::size_t versions_max = 100;

// not_found when no journal has a record of that id; interrupted when stopped.
Result<EventLife> explain(std::string_view id, const std::vector<ExplainSource>& sources, const std::stop_token& stop);

std::string to_text(const EventLife& life);
std::string to_json(const EventLife& life);  // one object, one line

}  // namespace capstan::runtime
