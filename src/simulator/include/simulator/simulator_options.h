// What the embedded tenant is made of. A plain structure: `capstan simulate` fills it from the command line, voyages
// and tests fill it in code. The same options and the same clock give the same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

namespace capstan::simulator {

struct SimulatorOptions {
  std::uint64_t seed = 1;

  // Records that exist at the start, their saved time (`created`) spread over the `history` before it.
  std::uint64_t activities = 1000;
  std::uint64_t alerts = 50;
  std::uint64_t entities = 100;
  std::uint64_t files = 50;
  std::uint64_t subnets = 10;
  Duration history = std::chrono::hours(48);

  // Happenings per second from the start on: of twenty, eighteen are new activities, one is a new alert and one is a
  // change, in turn of an alert, an entity, an alert, a file, an alert and a subnet. 0: the tenant stands still.
  double rate = 0;
  // A record appears in the API up to so long after its `created`, so that it turns up behind a cursor on `created`:
  // half of the activities and alerts at once, the others evenly within it. 0: everything at once.
  Duration lateness{};
  // Beside it: `late_share` of the activities and alerts appear so long after their `created`, one of these spans each.
  std::vector<Duration> late_by;
  double late_share = 0.01;
  // So many of the activities happened `old_by` before they were saved: they are saved now, and the archive has them.
  double old_share = 0;
  Duration old_by = std::chrono::hours(24 * 40);
  // The tenant's own time passes so many times faster: its records, its archive, its Date headers. Tokens, throttling
  // and fault scripts stay with the time of those who ask.
  double speed = 1;
  // How many of the activities share their millisecond (`created` and `timestamp`) with others, in bursts of at most
  // `burst_size_max`; and one crowd of so many activities in one millisecond in the middle of the history.
  double burst_share = 0.05;
  std::uint64_t burst_size_max = 40;
  std::uint64_t crowd = 0;
  // A scan whose page is filled by one millisecond gives the same page and the same nextQueryFilters for ever, as the
  // service was seen to do. Without it such a page is longer than its limit and the scan goes on.
  bool crowds_hold_up_scans = false;

  // A directory with activities.ndjson, alerts.ndjson, entities.ndjson, files.ndjson, subnets.ndjson: these records are
  // served byte by byte as they stand, also those that are not JSON, instead of generated ones. A feed without a file
  // is empty. A line's place in time is its `created`, `timestamp`, `modifiedDate` or `lastModified`; without any: the
  // start. Several lines of one `_id` are several records. Empty: generate.
  std::string records_directory;

  // What the service allows per minute over all of its API; 429 beyond it. 0: no limit.
  unsigned requests_per_minute = 30;
  bool sends_retry_after = true;  // else the pause stands in the body only
  // `total` wanders from call to call by some per cent, and `moreThanTotal` is set above 10,000.
  bool totals_are_approximate = true;
  // Older activities are in the archive only, and nothing is older than `retention` (for ever where records are given).
  Duration archived_after = std::chrono::hours(24 * 30);
  Duration retention = std::chrono::hours(24 * 180);

  // The application. Ids and secrets that are empty are made from the seed.
  std::string tenant_id;
  std::string client_id;
  std::string client_secret;
  std::string api_token;                // legacy API token
  std::string files_token;              // legacy API token, the one that Capstan is given for files
  std::string application_certificate;  // PEM; client assertions are verified against it, else only read
  std::vector<std::string> permissions = {"investigation.read", "discovery.manage", "settings.read"};
  Duration token_life = std::chrono::seconds(3599);
  // So long after the start the secret is replaced (as POST /_sim/secret does) and the old one answers "expired".
  // 0: never.
  Duration secret_expires_after{};

  // A fault script (docs/guide/try-it.md): a file, or its text, or both.
  std::string faults_file;
  std::string faults;
};

}  // namespace capstan::simulator
