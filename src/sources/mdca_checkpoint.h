// Where the source got to: the state of its feeds and the walks in progress, as JSON text with a version.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "component/source.h"
#include "event/checkpoint.h"
#include "mdca_walk.h"

namespace capstan::mdca {

// What a feed does now and then: read what is new, sweep, list. `done_at` is server time in milliseconds.
struct Job {
  std::optional<Walk> walk;
  std::int64_t done_at = 0;
};

// A place that the service cannot show, or did not show as a whole (no records are counted then). Asked again every
// hour.
struct Poisoned {
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::uint64_t records = 0;
  std::int64_t retry_at = 0;
  bool archived = false;
  bool by_saved_time = false;
};

struct FeedState {
  std::int64_t floor = 0;        // nothing earlier is asked for; 0 before first contact
  std::int64_t base = 0;         // everything visible up to here was read; 0: the first walk is not through
  std::int64_t newest = 0;       // newest time seen (of those the walk goes by)
  std::int64_t overlap = 0;      // milliseconds; 0: not measured yet
  std::int64_t archived_to = 0;  // the archive was read up to here
  std::uint32_t dialect = 0;     // which form of question the tenant takes (each feed has its own list)
  // When the archive refused to answer (as often as it takes to believe it), or to be asked by saved time; 0: it did
  // not. Looked at again after a day.
  std::int64_t archive_refused_at = 0;
  std::int64_t archive_refused_created_at = 0;
  std::map<std::string, Job> jobs;
  std::vector<Poisoned> poisoned;
};

struct State {
  std::map<std::string, FeedState> feeds;
  std::optional<Window> window;  // this is the checkpoint of a window, not of the source
  std::string window_unread;     // why the window could not be read as a whole; empty: it could
};

std::string write(const State& state);
// Empty text is an empty state. Fails with journal_format when it is not a checkpoint of this source or a newer one.
Result<State> read_state(const std::string& text);

}  // namespace capstan::mdca
