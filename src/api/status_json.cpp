#include "api/status_json.h"

#include <boost/json.hpp>

namespace capstan::api {

namespace json = boost::json;

namespace {

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
json::value optional_seconds(const std::optional<Duration>& d) { return d ? json::value(seconds(*d)) : json::value(); }
json::value optional_time(const std::optional<Timestamp>& t) { return t ? json::value(to_iso8601(*t)) : json::value(); }
template <class T>
json::value optional_number(const std::optional<T>& number) {
  return number ? json::value(*number) : json::value();
}
json::value optional_code(const std::optional<ErrorCode>& code) {
  return code ? json::value(label(*code)) : json::value();
}
json::value optional_text(const std::string& text) { return text.empty() ? json::value() : json::value(text); }

// What to do about the error, where there is one.
json::value advice(const std::optional<ErrorCode>& code) {
  return code ? json::value(entry(*code).advice) : json::value();
}

json::object feed_json(const runtime::FeedStatus& feed) {
  return {{"name", feed.name},
          {"state", runtime::to_string(feed.state)},
          {"newest", optional_time(feed.newest)},
          {"lag_seconds", optional_seconds(feed.lag)},
          {"lateness_seconds", optional_seconds(feed.lateness)},
          {"last_ok", optional_time(feed.last_ok)},
          {"code", optional_code(feed.code)},
          {"last_error", optional_text(feed.error)},
          {"advice", advice(feed.code)},
          {"is_held", feed.is_held},
          {"is_drained", feed.is_drained},
          {"note", optional_text(feed.note)},
          {"records", feed.records},
          {"journaled", feed.journaled},
          {"duplicates", feed.duplicates},
          {"updates", feed.updates},
          {"quarantined", feed.quarantined},
          {"passed_over", feed.passed_over},
          {"time_to_catch_up_seconds", optional_seconds(feed.time_to_catch_up)},
          {"page_size", optional_number(feed.pace.page_size)},
          {"arriving_per_second", optional_number(feed.pace.arriving_per_second)},
          {"possible_per_second", optional_number(feed.pace.possible_per_second)},
          {"is_outpaced", feed.pace.is_outpaced},
          {"caught_up_at", optional_time(feed.pace.caught_up_at)}};
}

json::object journal_json(const store::JournalReport& journal) {
  return {{"first", to_string(journal.first)},
          {"durable", to_string(journal.durable)},
          {"bytes", journal.bytes},
          {"records", journal.records},
          {"removed", journal.removed_to},
          {"segments", journal.segments},
          {"whole", journal.is_whole()},
          {"damaged_frames", journal.damaged_frames},
          {"truncated_bytes", journal.truncated_bytes}};
}

json::value proof_json(const runtime::ProofStatus& proof) {
  if (!proof.is_enabled) return nullptr;
  json::array feeds;
  for (const auto& feed : proof.feeds)
    feeds.push_back(json::object{
        {"feed", feed.feed},
        {"proved_until", optional_time(feed.proved_until)},
        {"why_not_later", feed.why_not_later},
        {"checked_at", optional_time(feed.checked_at)},
        {"windows",
         json::object{{"proved", feed.proved}, {"missing", feed.missing}, {"not_comparable", feed.not_comparable}}},
        {"repaired", feed.repaired}});
  return json::object{{"feeds", std::move(feeds)},
                      {"damaged_places", proof.damaged_places},
                      {"healed_places", proof.healed_places},
                      {"comparisons", proof.comparisons},
                      {"polls", proof.polls},
                      {"records_read", proof.records_read},
                      {"repaired", proof.repaired},
                      {"last_error", optional_text(proof.error)}};
}

json::array route_proof_json(const std::vector<runtime::RouteProof>& proof) {
  json::array all;
  for (const auto& one : proof)
    all.push_back(json::object{
        {"feed", one.feed}, {"proved_until", optional_time(one.proved_until)}, {"why_not_later", one.why_not_later}});
  return all;
}

json::object source_json(const runtime::SourceStatus& source) {
  json::array feeds;
  for (const auto& feed : source.feeds) feeds.push_back(feed_json(feed));
  return {{"name", source.name},
          {"kind", source.kind},
          {"tenant", optional_text(source.tenant)},
          {"state", runtime::to_string(source.state)},
          {"feeds", std::move(feeds)},
          {"code", optional_code(source.code)},
          {"last_error", optional_text(source.error)},
          {"advice", advice(source.code)},
          {"is_held", source.is_held},
          {"is_drained", source.is_drained},
          {"polls", source.polls},
          {"poll_errors", source.poll_errors},
          {"last_poll", optional_time(source.last_poll)},
          {"next_poll_seconds", optional_seconds(source.next_poll)},
          {"journal", journal_json(source.journal)},
          {"index_size", source.index_size},
          {"proof", proof_json(source.proof)}};
}

json::array cursors_json(const std::vector<runtime::RouteCursor>& cursors) {
  json::array all;
  for (const auto& one : cursors)
    all.push_back(json::object{{"source", one.source},
                               {"position", to_string(one.cursor.position)},
                               {"delivered", one.cursor.delivered},
                               {"dropped", one.cursor.dropped},
                               {"rejected", one.cursor.rejected},
                               {"resent", one.cursor.resent},
                               {"lost_to_retention", one.cursor.lost_to_retention},
                               {"lost_to_damage", one.cursor.lost_to_damage},
                               {"began_at", one.cursor.began_at},
                               {"backlog_records", one.backlog_records},
                               {"repeated", one.repeated},
                               {"backlog_bytes", one.backlog_bytes},
                               {"proved", route_proof_json(one.proof)}});
  return all;
}

json::object route_json(const runtime::RouteStatus& route) {
  return {{"name", route.name},
          {"sink", route.sink},
          {"sink_kind", route.sink_kind},
          {"proof", to_string(route.proof)},
          {"feeds", json::array(route.feeds.begin(), route.feeds.end())},
          {"state", runtime::to_string(route.state)},
          {"cursors", cursors_json(route.cursors)},
          {"backlog_records", route.backlog_records},
          {"backlog_bytes", route.backlog_bytes},
          {"lag_seconds", optional_seconds(route.lag)},
          {"events_per_second", route.rates.events_per_second},
          {"bytes_per_second", route.rates.bytes_per_second},
          {"delivered", route.delivered},
          {"delivered_bytes", route.delivered_bytes},
          {"dropped", route.dropped},
          {"rejected", route.rejected},
          {"resent", route.resent},
          {"lost_to_retention", route.lost_to_retention},
          {"lost_to_damage", route.lost_to_damage},
          {"cut", route.cut},
          {"attempts", route.attempts},
          {"errors", route.errors},
          {"code", optional_code(route.code)},
          {"last_error", optional_text(route.error)},
          {"advice", advice(route.code)},
          {"last_delivery", optional_time(route.last_delivery)}};
}

json::object tenant_json(const runtime::TenantStatus& tenant) {
  return {{"name", tenant.name},
          {"requests_per_minute", tenant.requests_per_minute},
          {"requests_last_minute", tenant.recent},
          {"pauses", tenant.pauses}};
}

json::object table_json(const runtime::TableStatus& table) {
  return {{"name", table.name},
          {"from", table.from},
          {"rows", table.rows},
          {"bytes", table.bytes},
          {"reloads", table.reloads},
          {"loaded", optional_time(table.loaded)},
          {"code", optional_code(table.code)},
          {"last_error", optional_text(table.error)},
          {"advice", advice(table.code)}};
}

template <class T, class F>
json::array each(const std::vector<T>& all, F one) {
  json::array array;
  for (const auto& item : all) array.push_back(one(item));
  return array;
}

json::object reload_json(const runtime::ReloadStatus& reload) {
  return {{"changed", reload.changed},
          {"unchanged", reload.unchanged},
          {"refused", reload.refused},
          {"failed", reload.failed},
          {"last", optional_time(reload.last)},
          {"last_outcome", optional_text(reload.last_outcome)},
          {"last_summary", optional_text(reload.last_summary)}};
}

}  // namespace

std::string to_json(const runtime::Status& status) {
  const auto stalled = [](const runtime::StalledStage& stage) {
    return json::object{{"stage", stage.stage}, {"why", stage.why}, {"since_seconds", seconds(stage.since)}};
  };
  return json::serialize(json::object{{"now", to_iso8601(status.now)},
                                      {"started", to_iso8601(status.started)},
                                      {"uptime_seconds", seconds(status.uptime)},
                                      {"data_dir", status.data_dir},
                                      {"is_ready", status.is_ready()},
                                      {"stalled", each(status.stalled, stalled)},
                                      {"sources", each(status.sources, source_json)},
                                      {"routes", each(status.routes, route_json)},
                                      {"tenants", each(status.tenants, tenant_json)},
                                      {"tables", each(status.tables, table_json)},
                                      {"memory", json::object{{"resident_bytes", status.memory.resident_bytes},
                                                              {"peak_bytes", status.memory.peak_bytes}}},
                                      {"clock_jumps", status.clock_jumps},
                                      {"reload", reload_json(status.reload)}});
}

}  // namespace capstan::api
