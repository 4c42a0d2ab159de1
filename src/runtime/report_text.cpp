// A day's report for a terminal.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "report_view.h"
#include "runtime/report_form.h"
#include "table.h"

namespace capstan::runtime {

namespace {

namespace json = boost::json;

std::string indented(const std::string& text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    result += "  " + text.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return result;
}

std::string figure(const JsonView& number) { return number.is_there() ? grouped(number.number()) : "-"; }

std::string hour_name(const JsonView& hour, bool is_day) {
  return is_day ? "day" : fmt::format("{} to {}", short_hour(hour["from"]), short_hour(hour["to"]));
}

void add_hour(Table& table, const JsonView& hour, bool is_day) {
  std::string proof = hour["proof"].text();
  if (const std::string why = hour["why"].text(); !why.empty()) proof += ": " + why;
  table.row({hour["feed"].text(), hour_name(hour, is_day), figure(hour["shown"]), figure(hour["journaled"]),
             figure(hour["missing"]), figure(hour["repaired"]), proof});
}

std::string feeds_text(const JsonView& source) {
  Table table;
  for (const auto& [title, align] : {std::pair{"feed", Table::Align::left},
                                     {"hour", Table::Align::left},
                                     {"shown", Table::Align::right},
                                     {"journaled", Table::Align::right},
                                     {"missing", Table::Align::right},
                                     {"repaired", Table::Align::right},
                                     {"proof", Table::Align::left}})
    table.column(title, align);
  for (const json::value& one : source["totals"].items()) {
    const JsonView total(one);
    for (const JsonView& hour : hours_of(source, total["feed"].text())) add_hour(table, hour, false);
    add_hour(table, total, true);
  }
  return table.is_empty() ? "  the journal and its seals hold nothing that was saved on this day\n"
                          : indented(table.text());
}

void add_route_hour(Table& table, const JsonView& hour, const std::string& route,
                    const std::vector<std::string_view>& fates, bool is_day) {
  const JsonView figures = route_in(hour, route);
  if (!figures.is_there()) return;
  std::vector<std::string> cells{hour["feed"].text(), hour_name(hour, is_day)};
  for (const std::string_view fate : fates) cells.push_back(figure(figures[fate]));
  cells.push_back(short_time(figures["first"]));
  cells.push_back(short_time(figures["last"]));
  table.row(std::move(cells));
}

std::string route_text(const JsonView& source, const JsonView& names) {
  const std::string route = names["route"].text();
  std::string text =
      fmt::format("  route {}{}\n", route, names["is_configured"].flag() ? "" : " (not configured any more)");
  for (const json::value& one : names["destinations"].items()) {
    const JsonView to(one);
    text += fmt::format("    {} records to {}, {} from {} to {} UTC\n", grouped(to["delivered"].number()),
                        to["destination"].text(), acknowledged(to), short_time(to["first"]), short_time(to["last"]));
  }
  for (const json::value& one : names["rules"].items()) {
    const JsonView rule(one);
    if (rule["rule"].text().empty()) continue;
    text += fmt::format("    rule {}: {} delivered, {} dropped\n", rule["rule"].text(),
                        grouped(rule["delivered"].number()), grouped(rule["dropped"].number()));
  }
  Table table;
  table.column("feed", Table::Align::left);
  table.column("hour", Table::Align::left);
  const std::vector<std::string_view> fates = fates_of(source, route);
  for (const std::string_view fate : fates) table.column(title_of(fate), Table::Align::right);
  table.column("first (UTC)", Table::Align::left);
  table.column("last (UTC)", Table::Align::left);
  for (const json::value& one : source["totals"].items()) {
    const JsonView total(one);
    for (const JsonView& hour : hours_of(source, total["feed"].text()))
      add_route_hour(table, hour, route, fates, false);
    add_route_hour(table, total, route, fates, true);
  }
  return text + indented(table.text());
}

std::string segments_text(const JsonView& source) {
  std::string text;
  for (const json::value& one : source["segments"].items()) {
    const JsonView segment(one);
    text +=
        fmt::format("  segment {} to {}{}: {} records in {} frames\n    root  {}\n", segment["base"].number(),
                    segment["end"].number(), segment["is_open"].flag() ? " (open)" : "",
                    grouped(segment["records"].number()), grouped(segment["frames"].number()), segment["root"].text());
    if (segment["chain"].is_there()) text += fmt::format("    chain {}\n", segment["chain"].text());
  }
  for (const json::value& one : source["not_known"].items()) {
    const JsonView place(one);
    text += fmt::format("  not known: what the journal held from {} to {}: {}\n", place["from"].number(),
                        place["to"].number(), place["why"].text());
  }
  return text;
}

}  // namespace

std::string to_text(std::string_view envelope) {
  boost::system::error_code failure;
  const json::value parsed = json::parse(envelope, failure);
  if (failure) return {};
  const JsonView file(parsed);
  const JsonView report = file["report"];
  std::string text =
      fmt::format("Report of {}, {}\n  {} to {}{}\n  made {} by Capstan {} on {}\n  configuration {}\n",
                  report["day"].text(), report["zone"].text(), report["from"].text(), report["to"].text(),
                  report["is_over"].flag() ? "" : " (the day is not over)", report["made"].text(),
                  report["version"].text(), report["host"].text(), report["configuration"].text());
  for (const json::value& one : report["runs"].items()) {
    const JsonView run(one);
    text += fmt::format("  Capstan {} ran from {} to {}\n", run["version"].text(), run["start"].text(),
                        run["stop"].is_there() ? run["stop"].text() : "now, or until it was killed");
  }
  for (const json::value& one : report["sources"].items()) {
    const JsonView source(one);
    text += fmt::format("\nsource {} (tenant {})\n", source["source"].text(), source["tenant"].text());
    text += feeds_text(source);
    for (const json::value& names : source["routes"].items()) text += route_text(source, JsonView(names));
    text += segments_text(source);
  }
  return text;
}

}  // namespace capstan::runtime
