// How an EventLife reads, for people and for programs.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/text.h"
#include "runtime/explain.h"

namespace capstan::runtime {

namespace json = boost::json;

namespace {

std::string receipt_text(const store::Receipt& receipt) {
  if (receipt.attempts == 0) return fmt::format("      passed {}\n", to_iso8601(receipt.acknowledged));
  const bool is_shown = receipt.proof != Sink::Proof::not_provable;
  return fmt::format("      {} {} {} {}, attempt {}{}\n", is_shown ? "acknowledged" : sent_not_provable,
                     to_iso8601(receipt.acknowledged), is_shown ? "by" : "to",
                     receipt.destination.empty() ? "a destination that is not known" : receipt.destination,
                     receipt.attempts,
                     receipt.attempts == 1 ? "" : fmt::format(", first tried {}", to_iso8601(receipt.first_attempt)));
}

json::array receipts_json(const std::vector<store::Receipt>& receipts) {
  json::array list;
  for (const store::Receipt& receipt : receipts)
    list.push_back(json::object{{"acknowledged", to_iso8601(receipt.acknowledged)},
                                {"destination", receipt.destination},
                                {"proof", to_string(receipt.proof)},
                                {"attempts", receipt.attempts},
                                {"first_attempt", to_iso8601(receipt.first_attempt)},
                                {"last_attempt", to_iso8601(receipt.last_attempt)},
                                {"rule", receipt.rule}});
  return list;
}

std::string fate_text(const RouteFate& fate) {
  std::string text = fmt::format("    route {} → {}: {}", fate.route, fate.sink, to_string(fate.state));
  if (fate.state == RouteFate::State::waiting) text += fmt::format(" behind {} records", fate.records_before);
  if (!fate.error.empty()) text += ": " + fate.error;
  text += "\n";
  for (const store::Receipt& receipt : fate.receipts) text += receipt_text(receipt);
  return text;
}

std::string version_text(std::size_t number, const EventVersion& v) {
  std::string text = fmt::format(
      "  {}. {} in {} (tenant {}), feed {}{}\n"
      "    happened {}, saved by the service {}, journaled {}\n"
      "    at {} of the journal, {} bytes, content {:016x}\n",
      number, v.kind == RecordKind::created ? "created" : "updated", v.source, v.tenant, v.feed,
      v.is_quarantined ? ", quarantined (no readable JSON object)" : "", to_iso8601(v.event_time),
      to_iso8601(v.saved_time), to_iso8601(v.ingest_time), to_string(v.position), v.size, v.content_hash);
  for (const auto& route : v.routes) text += fate_text(route);
  if (v.routes.empty()) text += "    no route reads this source\n";
  return text;
}

json::object version_json(const EventVersion& v) {
  json::array routes;
  for (const auto& fate : v.routes) {
    json::object o{{"route", fate.route}, {"sink", fate.sink}, {"state", to_string(fate.state)}};
    if (fate.state == RouteFate::State::waiting) o["records_before"] = fate.records_before;
    if (!fate.error.empty()) o["error"] = fate.error;
    if (!fate.receipts.empty()) o["receipts"] = receipts_json(fate.receipts);
    routes.push_back(std::move(o));
  }
  json::object o{{"source", v.source},
                 {"tenant", v.tenant},
                 {"feed", v.feed},
                 {"position", to_string(v.position)},
                 {"event_time", to_iso8601(v.event_time)},
                 {"saved_time", to_iso8601(v.saved_time)},
                 {"ingest_time", to_iso8601(v.ingest_time)},
                 {"kind", v.kind == RecordKind::created ? "created" : "updated"},
                 {"is_quarantined", v.is_quarantined},
                 {"content_hash", fmt::format("{:016x}", v.content_hash)},
                 {"size", v.size},
                 {"routes", std::move(routes)}};
  // As text and not as JSON: a quarantined record is not JSON, and numbers above 2^53 would lose digits.
  o["raw"] = json::parse(json_quote(v.raw)).as_string();
  return o;
}

}  // namespace

std::string to_text(const EventLife& life) {
  std::string text = fmt::format("event {}\n", life.id);
  for (std::size_t i = 0; i < life.versions.size(); ++i) text += version_text(i + 1, life.versions[i]);
  if (life.versions_left_out > 0) text += fmt::format("  and {} more versions\n", life.versions_left_out);
  if (!life.versions.empty()) text += fmt::format("  as the service sent it last:\n    {}\n", life.versions.back().raw);
  return text;
}

std::string to_json(const EventLife& life) {
  json::array versions;
  for (const auto& version : life.versions) versions.push_back(version_json(version));
  return json::serialize(json::object{{"id", json::parse(json_quote(life.id)).as_string()},
                                      {"versions", std::move(versions)},
                                      {"versions_left_out", life.versions_left_out},
                                      {"records_searched", life.records_searched}});
}

}  // namespace capstan::runtime
