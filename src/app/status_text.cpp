#include "status_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/bytes.h"
#include "component/sink.h"
#include "table.h"

namespace capstan::app {

namespace json = boost::json;

namespace {

std::string text_of(const json::object& o, std::string_view name) {
  const json::value* value = o.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string{};
}

bool is_set(const json::object& o, std::string_view name) {
  const json::value* value = o.if_contains(name);
  return value != nullptr && value->is_bool() && value->as_bool();
}

std::string count_of(const json::object& o, std::string_view name) {
  return grouped(o.at(name).to_number<std::uint64_t>());
}

std::string span_of(const json::object& o, std::string_view name) {
  const json::value* value = o.if_contains(name);
  if (value == nullptr || !value->is_number()) return "–";
  return roughly(Duration(static_cast<std::int64_t>(value->to_number<double>() * 1000)));
}

// "2026-11-24 16:00:01"
std::string moment_of(const json::object& o, std::string_view name) {
  std::string text = text_of(o, name).substr(0, 19);
  if (text.size() < 19) return "–";
  text[10] = ' ';
  return text;
}

std::string rate_of(const json::object& o, std::string_view name) {
  return fmt::format("{:.1f}", o.at(name).to_number<double>());
}

std::string head(const json::object& status) {
  if (!is_set(status, "is_running"))
    return fmt::format("not running; this is what the journals in {} tell\n", text_of(status, "data_dir"));
  std::string text = fmt::format("running since {} UTC ({}), data_dir {}, {}\n", moment_of(status, "started"),
                                 span_of(status, "uptime_seconds"), text_of(status, "data_dir"),
                                 is_set(status, "is_ready") ? "ready" : "NOT READY");
  for (const json::value& value : status.at("stalled").as_array()) {
    const json::object& stage = value.as_object();
    text += fmt::format("stalled: {} for {}: {}\n", text_of(stage, "stage"), span_of(stage, "since_seconds"),
                        text_of(stage, "why"));
  }
  return text;
}

std::string sources(const json::object& status, bool is_running) {
  Table table({{"source"},
               {"feed"},
               {"state"},
               {"newest (UTC)"},
               {"lag", Align::right},
               {"catch up", Align::right},
               {"read", Align::right},
               {"journaled", Align::right},
               {"updates", Align::right}});
  for (const json::value& value : status.at("sources").as_array()) {
    const json::object& source = value.as_object();
    const json::object& journal = source.at("journal").as_object();
    table.add({text_of(source, "name"), "", is_running ? text_of(source, "state") : "–", "", "", "", "",
               count_of(journal, "records"), ""});
    for (const json::value& one : source.at("feeds").as_array()) {
      const json::object& feed = one.as_object();
      if (!is_running) {
        table.add({"", text_of(feed, "name"), "–", "–", "–", "–", "–", "–", "–"});
        continue;
      }
      table.add({"", text_of(feed, "name"), text_of(feed, "state") + (is_set(feed, "is_held") ? ", held" : ""),
                 moment_of(feed, "newest"), span_of(feed, "lag_seconds"), span_of(feed, "time_to_catch_up_seconds"),
                 count_of(feed, "records"), count_of(feed, "journaled"), count_of(feed, "updates")});
    }
  }
  return table.text();
}

bool is_provable(const json::value& route) {
  return parse_proof(text_of(route.as_object(), "proof")) != Sink::Proof::not_provable;
}

// The column of what is sent but not provable shows only where a route has such a destination.
std::string routes(const json::object& status, bool is_running) {
  const json::array& all = status.at("routes").as_array();
  const bool all_are_provable = std::ranges::all_of(all, is_provable);
  std::vector<Table::Column> columns{{"route"},
                                     {"to"},
                                     {"state"},
                                     {"backlog", Align::right},
                                     {"lag", Align::right},
                                     {"events/s", Align::right},
                                     {"delivered", Align::right}};
  if (!all_are_provable) columns.push_back({std::string(sent_not_provable), Align::right});
  for (const char* title : {"dropped", "rejected", "resent"}) columns.push_back({title, Align::right});
  columns.push_back({"last delivery (UTC)"});
  Table table(std::move(columns));
  for (const json::value& value : all) {
    const json::object& route = value.as_object();
    const std::string delivered = count_of(route, "delivered");
    std::vector<std::string> cells{text_of(route, "name"),
                                   fmt::format("{} ({})", text_of(route, "sink"), text_of(route, "sink_kind")),
                                   is_running ? text_of(route, "state") : "–",
                                   count_of(route, "backlog_records"),
                                   span_of(route, "lag_seconds"),
                                   rate_of(route, "events_per_second"),
                                   is_provable(value) ? delivered : ""};
    if (!all_are_provable) cells.push_back(is_provable(value) ? "" : delivered);
    for (const char* figure : {"dropped", "rejected", "resent"}) cells.push_back(count_of(route, figure));
    cells.push_back(moment_of(route, "last_delivery"));
    table.add(std::move(cells));
  }
  return table.text();
}

// Until when the routes have the feed of a source, and those that have less than is proved say why.
struct RoutesProof {
  std::string until;  // of each route
  std::string why;
};

RoutesProof routes_proof(const json::object& status, const std::string& source, const json::object& feed) {
  RoutesProof all;
  for (const json::value& value : status.at("routes").as_array()) {
    const json::object& route = value.as_object();
    for (const json::value& one : route.at("cursors").as_array()) {
      if (text_of(one.as_object(), "source") != source) continue;
      for (const json::value& proved : one.at("proved").as_array()) {
        const json::object& proof = proved.as_object();
        if (text_of(proof, "feed") != text_of(feed, "feed")) continue;
        all.until += fmt::format("{}{} {}", all.until.empty() ? "" : ", ", text_of(route, "name"),
                                 moment_of(proof, "proved_until").substr(0, 16));
        if (text_of(proof, "proved_until") != text_of(feed, "proved_until"))
          all.why += fmt::format("; {}: {}", text_of(route, "name"), text_of(proof, "why_not_later"));
      }
    }
  }
  return all;
}

std::string proofs(const json::object& status) {
  Table table({{"source"}, {"feed"}, {"proved until (UTC)"}, {"delivered until"}, {"why not later"}});
  std::string text;
  bool is_any = false;
  for (const json::value& value : status.at("sources").as_array()) {
    const json::object& source = value.as_object();
    const json::value* proof = source.if_contains("proof");
    if (proof == nullptr || !proof->is_object()) continue;
    for (const json::value& one : proof->at("feeds").as_array()) {
      const json::object& feed = one.as_object();
      const RoutesProof routes = routes_proof(status, text_of(source, "name"), feed);
      table.add({text_of(source, "name"), text_of(feed, "feed"), moment_of(feed, "proved_until").substr(0, 16),
                 routes.until, text_of(feed, "why_not_later") + routes.why});
      is_any = true;
    }
    if (const auto damaged = proof->at("damaged_places").to_number<std::uint64_t>(); damaged > 0)
      text += fmt::format("source {}: {} damaged places of the journal are being asked for again\n",
                          text_of(source, "name"), grouped(damaged));
  }
  return is_any ? "\n" + table.text() + text : text;
}

// What does not go well, each with what to do.
void trouble(const json::object& part, const std::string& name, std::string& text) {
  const std::string error = text_of(part, "last_error");
  if (!error.empty()) text += fmt::format("\n{}: {}\n  what to do: {}\n", name, error, text_of(part, "advice"));
  const std::string note = text_of(part, "note");
  if (!note.empty()) text += fmt::format("\n{}: {}\n", name, note);
  const auto has_lost = [&](std::string_view figure) {
    return part.contains(figure) && part.at(figure).to_number<std::uint64_t>() > 0;
  };
  if (has_lost("lost_to_retention"))
    text += fmt::format(
        "\n{}: {} records were removed by retention before they could be delivered\n"
        "  what to do: mend the destination, raise journal.max_bytes, or set journal.when_full: block\n",
        name, count_of(part, "lost_to_retention"));
  if (has_lost("lost_to_damage"))
    text += fmt::format(
        "\n{}: {} records were destroyed in the journal before they could be delivered\n"
        "  what to do: look at the disk; `capstan verify --repair` collects them again\n",
        name, count_of(part, "lost_to_damage"));
}

// A feed that is behind: for how long, or for ever.
void pace(const json::object& feed, const std::string& name, std::string& text) {
  const bool is_outpaced = is_set(feed, "is_outpaced");
  if (!is_outpaced && text_of(feed, "caught_up_at").empty()) return;
  text += fmt::format("\n{}: {} behind", name, span_of(feed, "lag_seconds"));
  if (feed.at("arriving_per_second").is_number() && feed.at("possible_per_second").is_number())
    text += fmt::format("; {} records a second come, and the request budget lets {} through in pages of {}",
                        rate_of(feed, "arriving_per_second"), rate_of(feed, "possible_per_second"),
                        count_of(feed, "page_size"));
  if (is_outpaced)
    text +=
        "; it never catches up at this rate\n  what to do: raise requests_per_minute of the tenant (the service allows "
        "30) or let the service filter (`filters`)\n";
  else
    text += fmt::format("; it will have caught up at {} UTC\n", moment_of(feed, "caught_up_at"));
}

std::string troubles(const json::object& status) {
  std::string text;
  for (const json::value& value : status.at("sources").as_array()) {
    const json::object& source = value.as_object();
    const std::string name = "source " + text_of(source, "name");
    trouble(source, name, text);
    for (const json::value& feed : source.at("feeds").as_array()) {
      const std::string of_feed = name + ", feed " + text_of(feed.as_object(), "name");
      trouble(feed.as_object(), of_feed, text);
      pace(feed.as_object(), of_feed, text);
    }
  }
  for (const json::value& route : status.at("routes").as_array())
    trouble(route.as_object(), "route " + text_of(route.as_object(), "name"), text);
  for (const json::value& table : status.at("tables").as_array())
    trouble(table.as_object(), "table " + text_of(table.as_object(), "name"), text);
  return text;
}

std::string tenants(const json::object& status) {
  std::string text;
  for (const json::value& value : status.at("tenants").as_array()) {
    const json::object& tenant = value.as_object();
    text += fmt::format("tenant {}: {} of {} requests in the last minute, {} pauses asked for\n",
                        text_of(tenant, "name"), count_of(tenant, "requests_last_minute"),
                        count_of(tenant, "requests_per_minute"), count_of(tenant, "pauses"));
  }
  return text;
}

std::string reload(const json::object& status) {
  const json::value* value = status.if_contains("reload");
  if (value == nullptr || text_of(value->as_object(), "last_outcome").empty()) return "";
  const json::object& reload = value->as_object();
  return fmt::format("last reload {} UTC: {} ({})\n", moment_of(reload, "last"), text_of(reload, "last_outcome"),
                     text_of(reload, "last_summary"));
}

std::string tables(const json::object& status) {
  std::string text;
  for (const json::value& value : status.at("tables").as_array()) {
    const json::object& table = value.as_object();
    text += fmt::format("table {}: {} rows of {}, read {}\n", text_of(table, "name"), count_of(table, "rows"),
                        text_of(table, "from"), moment_of(table, "loaded"));
  }
  return text;
}

std::string text_of_all(const json::object& status) {
  const bool is_running = is_set(status, "is_running");
  std::string text =
      head(status) + "\n" + sources(status, is_running) + "\n" + routes(status, is_running) + proofs(status);
  if (is_running) {
    const json::object& memory = status.at("memory").as_object();
    text +=
        "\n" + tenants(status) + tables(status) + reload(status) +
        fmt::format("memory: {}, at most {}\n", to_human(Bytes{memory.at("resident_bytes").to_number<std::uint64_t>()}),
                    to_human(Bytes{memory.at("peak_bytes").to_number<std::uint64_t>()}));
  }
  return text + troubles(status);
}

}  // namespace

Result<std::string> status_text(std::string_view text) {
  try {
    return text_of_all(json::parse({text.data(), text.size()}).as_object());
  } catch (const std::exception& e) {
    return Error(ErrorCode::unexpected_answer,
                 fmt::format("reading the status of the running Capstan: expected its status, got something else: {}",
                             e.what()));
  }
}

}  // namespace capstan::app
