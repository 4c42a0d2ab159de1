// A status with something in every field, for tests.
#pragma once

#include "runtime/status.h"

namespace capstan::api {

inline runtime::Status busy_status() {
  using namespace std::chrono_literals;
  runtime::FeedStatus activities;
  activities.name = "activities";
  activities.state = runtime::SourceState::connected;
  activities.newest = from_epoch_ms(1'760'000'000'000);
  activities.lag = 90s;
  activities.lateness = 1500ms;
  activities.last_ok = from_epoch_ms(1'760'000'090'000);
  activities.records = 120;
  activities.journaled = 100;
  activities.duplicates = 20;
  activities.quarantined = 1;
  activities.time_to_catch_up = 30s;
  activities.pace = {.page_size = 500,
                     .arriving_per_second = 300,
                     .possible_per_second = 208.25,
                     .is_outpaced = true,
                     .caught_up_at = from_epoch_ms(1'760'000'200'000)};
  runtime::FeedStatus files;
  files.name = "files";
  files.code = ErrorCode::permission_missing;
  files.error = "polling files of contoso: POST answered 403 [E2002]";
  files.is_held = true;
  runtime::SourceStatus source;
  source.name = "contoso_mdca";
  source.kind = "mdca";
  source.tenant = "contoso";
  source.state = runtime::SourceState::connected;
  source.feeds = {activities, files};
  source.polls = 7;
  source.poll_errors = 2;
  source.journal.bytes = 4096;
  source.journal.segments = 1;
  source.journal.records = 100;
  source.proof.is_enabled = true;
  source.proof.repaired = 4;
  source.proof.polls = 70;
  source.proof.damaged_places = 1;
  runtime::ProofFeedStatus proved;
  proved.feed = "activities";
  proved.proved_until = from_epoch_ms(1'760'000'000'000);
  proved.why_not_later = "the next hour is compared at 2025-10-09 10:00";
  proved.proved = 47;
  proved.not_comparable = 1;
  proved.repaired = 5;
  source.proof.feeds = {proved};
  runtime::RouteStatus route;
  route.name = "alerts_to_\"arcsight\"\\\n";  // what a label has to escape
  route.sink = "arcsight";
  route.sink_kind = "syslog";
  route.state = runtime::RouteState::retrying;
  route.cursors.resize(1);
  route.cursors[0].source = "contoso_mdca";
  route.cursors[0].proof = {{"activities", from_epoch_ms(1'759'990'000'000), "the route has not delivered all of it"}};
  route.backlog_records = 40;
  route.backlog_bytes = 2048;
  route.lag = 61s;
  route.delivered = 60;
  route.rejected = 3;
  route.resent = 2;
  route.code = ErrorCode::destination_unreachable;
  route.error = "delivering: connection refused [E3001]";
  runtime::Status status;
  status.now = from_epoch_ms(1'760'000'100'000);
  status.started = from_epoch_ms(1'760'000'000'000);
  status.uptime = 100s;
  status.data_dir = "/var/lib/capstan";
  status.sources = {source};
  status.routes = {route};
  status.tenants = {{"contoso", 25, 11, 1}};
  runtime::TableStatus offices;
  offices.name = "offices";
  offices.from = "/etc/capstan/offices.csv";
  offices.rows = 12;
  offices.bytes = 1'500;
  offices.loaded = from_epoch_ms(1'760'000'000'000);
  offices.reloads = 2;
  offices.code = ErrorCode::table_refused;
  offices.error = "reading the table offices again: /etc/capstan/offices.csv:3: expected 2 cells, got 3 [E6005]";
  status.tables = {offices};
  status.memory = {30'000'000, 31'000'000};
  status.stalled = {{"route alerts_to_arcsight", "connection refused [E3001]", 61s}};
  return status;
}

}  // namespace capstan::api
