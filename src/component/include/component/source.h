// A source answers one question: what came after this checkpoint? It keeps no position (pacing and health may live in
// it, a restart loses nothing), starts no thread and does not sleep. It is called by one thread at a time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "event/batch.h"
#include "event/checkpoint.h"
#include "net/http.h"

namespace capstan {

using net::Call;

// How one feed of a source is doing, reported with every poll for the feeds it touched.
struct FeedReport {
  std::string feed;
  std::optional<Error> error;             // what stopped it this time; nothing: it went well
  std::optional<Timestamp> newest;        // saved time of the newest record seen so far
  std::optional<Duration> lateness;       // measured: saved − event time, the 99th percentile of what was seen lately
  std::uint64_t records_read = 0;         // in this poll, before de-duplication
  std::uint64_t records_passed_over = 0;  // poisoned or broken, in this poll
  bool is_drained = false;                // nothing more to ask for at the moment
  std::string note;  // what a person should know ("the tenant refuses to sort by created; using date")
  std::optional<std::int64_t> page_size;      // the most that the service was seen to give at once while it had more
  std::optional<double> arriving_per_second;  // measured: records that the tenant makes, by their saved time
  std::optional<double> possible_per_second;  // what the request budget lets through in pages of that size
};

struct Poll {
  Batch batch;              // may hold what was seen before: de-duplication comes after
  Checkpoint next;          // to be stored with the batch
  bool is_drained = false;  // every feed that can work has nothing more at the moment
  Duration wait{};          // until it makes sense to ask again (budget, interval, held feeds)
  std::vector<FeedReport> feeds;
  // The service's own clock at its last answer; nothing: it has not said yet. Proof is judged by it, not by ours.
  std::optional<Timestamp> service_time;
};

// How a window is asked for.
enum class Manner : std::uint8_t {
  usual,      // as the collector asks
  otherwise,  // in another way where the API allows one (other page size, other direction, plain list beside scan), so
              // that a fault of the service's paging is not shared by the collector and those who check it
};

// Which records a window holds: for verify and repair.
struct Window {
  std::string feed;
  Timestamp from;  // of saved time, inclusive
  Timestamp to;    // exclusive
  Manner manner = Manner::usual;
};

// How de-duplication works for a feed.
enum class Repetition : std::uint8_t {
  by_id,       // an id is one event for ever (activities)
  by_content,  // an id with other content is an update (alerts, inventories)
  none,        // every reading is delivered (an inventory that is wanted whole each time)
};
struct FeedTraits {
  std::string feed;
  Repetition repetition = Repetition::by_id;
  // Ids have to be remembered this long behind the newest saved time; nothing: for ever (an inventory).
  std::optional<Duration> remember;
};

class Source {
public:
  virtual ~Source() = default;
  // One step: at most a few requests. An Error only where no feed could work; a single feed's trouble is in its report.
  virtual Result<Poll> poll(const Checkpoint& from, const Call& call) = 0;
  virtual std::vector<FeedTraits> feeds() const = 0;
  // A checkpoint from which polling gives the records of the window and nothing else, then is drained: read in the same
  // way as ever, but its batches are compared (verify) or appended (repair), and the source's own checkpoint is left
  // alone. Nothing for feeds that cannot be asked by time (inventories are asked whole then: any window gives all).
  virtual std::optional<Checkpoint> window(const Window& window) const = 0;
  // From when on, by saved time, a feed is collected, as far as the checkpoint says so: what was saved earlier was
  // never to be collected. Nothing: it is not known yet, or the feed is read whole.
  virtual std::optional<Timestamp> collected_since(const Checkpoint&, std::string_view) const { return std::nullopt; }
  // The connectivity test of `check --live`: one small request per feed; one report per feed.
  virtual std::vector<FeedReport> probe(const Call& call) = 0;
};

}  // namespace capstan
