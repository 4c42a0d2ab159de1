// A day's report as one page: to read, to print, and to check, because it carries the JSON that it was made from.
#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/base64.h"
#include "base/sha256.h"
#include "report_view.h"
#include "runtime/report_form.h"
#include "table.h"

namespace capstan::runtime {

namespace {

namespace json = boost::json;

constexpr std::string_view style = R"(
:root{--ink:#1b1f24;--soft:#57606a;--line:#d8dee4;--good:#1a7f37;--bad:#b42318;--doubt:#9a6700;--paper:#fff}
*{box-sizing:border-box}
body{margin:0 auto;padding:2.5rem 2rem;max-width:74rem;color:var(--ink);background:var(--paper);
 font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
h1{font-size:1.9rem;margin:0 0 .2rem;letter-spacing:-.01em}
h2{font-size:1.25rem;margin:2.4rem 0 .6rem;padding-top:1rem;border-top:2px solid var(--ink)}
h3{font-size:1rem;margin:1.6rem 0 .4rem}
p{margin:.2rem 0}.soft{color:var(--soft)}
code{font:12px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
pre{font:12px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap;background:#f6f8fa;
 padding:.6rem .8rem;border-radius:6px;margin:.4rem 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:1rem 0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(10rem,1fr));gap:.8rem;margin:1.2rem 0}
.card{border:1px solid var(--line);border-radius:8px;padding:.7rem .9rem}
.card b{display:block;font-size:1.5rem;font-variant-numeric:tabular-nums}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1rem;font-size:13px}
th,td{padding:.28rem .55rem;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600;border-bottom:1px solid var(--ink)}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tr.day td{font-weight:600;border-bottom:none;border-top:1px solid var(--ink)}
.proved{color:var(--good)}.missing{color:var(--bad);font-weight:600}.doubt{color:var(--doubt)}
.zero{color:#b6bdc5}
@page{size:A4 landscape;margin:14mm}
@media print{body{padding:0;max-width:none;font-size:11px}table{font-size:10px}h2{break-before:auto}
 tr,.card,pre{break-inside:avoid}thead{display:table-header-group}}
)";

constexpr std::string_view carrier_begin = "<script type=\"text/plain\" id=\"capstan-report\">";
constexpr std::string_view carrier_end = "</script>";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string number_cell(const JsonView& number) {
  if (!number.is_there()) return "<td class=\"n zero\">–</td>";
  return fmt::format("<td class=\"n{}\">{}</td>", number.number() == 0 ? " zero" : "", grouped(number.number()));
}

std::string heading(std::initializer_list<std::string_view> left, const std::vector<std::string_view>& right,
                    std::initializer_list<std::string_view> behind) {
  std::string row = "<thead><tr>";
  for (const std::string_view title : left) row += fmt::format("<th>{}</th>", title);
  for (const std::string_view title : right) row += fmt::format("<th class=\"n\">{}</th>", title_of(title));
  for (const std::string_view title : behind) row += fmt::format("<th>{}</th>", title);
  return row + "</tr></thead>\n";
}

std::string row_begin(const JsonView& hour, bool is_day) {
  return fmt::format("<tr{}><td>{}</td><td>{}</td>", is_day ? " class=\"day\"" : "", escaped(hour["feed"].text()),
                     is_day ? "whole day" : escaped(short_hour(hour["from"]) + "–" + short_hour(hour["to"])));
}

std::string proof_cell(const JsonView& hour) {
  const std::string outcome = hour["proof"].text();
  const std::string why = hour["why"].text();
  const std::string_view kind = outcome == "proved" ? "proved" : outcome == "missing" ? "missing" : "doubt";
  return fmt::format("<td class=\"{}\">{}{}</td><td>{}</td>", kind, escaped(outcome),
                     why.empty() ? "" : ": " + escaped(why), escaped(short_time(hour["compared"])));
}

std::string feed_row(const JsonView& hour, bool is_day) {
  return row_begin(hour, is_day) + number_cell(hour["shown"]) + number_cell(hour["journaled"]) +
         number_cell(hour["updates"]) + number_cell(hour["quarantined"]) + number_cell(hour["missing"]) +
         number_cell(hour["repaired"]) + proof_cell(hour) + "</tr>\n";
}

std::string route_row(const JsonView& hour, const std::string& route, const std::vector<std::string_view>& fates,
                      bool is_day) {
  const JsonView figures = route_in(hour, route);
  if (!figures.is_there()) return {};
  std::string row = row_begin(hour, is_day);
  for (const std::string_view fate : fates) row += number_cell(figures[fate]);
  return row + fmt::format("<td>{}</td><td>{}</td></tr>\n", escaped(short_time(figures["first"])),
                           escaped(short_time(figures["last"])));
}

// Each feed's hours, and below them its day.
template <class Row>
std::string rows(const JsonView& source, Row row) {
  std::string html = "<tbody>";
  for (const json::value& one : source["totals"].items()) {
    const JsonView total(one);
    for (const JsonView& hour : hours_of(source, total["feed"].text())) html += row(hour, false);
    html += row(total, true);
  }
  return html + "</tbody></table>\n";
}

std::string route_html(const JsonView& source, const JsonView& names) {
  const std::string route = names["route"].text();
  std::string html = fmt::format("<h3>Route {}{}</h3>\n", escaped(route),
                                 names["is_configured"].flag() ? "" : " (not configured any more)");
  for (const json::value& one : names["destinations"].items()) {
    const JsonView to(one);
    html += fmt::format("<p>{} records to <b>{}</b>, {} from {} to {} UTC</p>\n", grouped(to["delivered"].number()),
                        escaped(to["destination"].text()), acknowledged(to), escaped(short_time(to["first"])),
                        escaped(short_time(to["last"])));
  }
  const std::vector<std::string_view> fates = fates_of(source, route);
  html += "<table>\n" + heading({"feed", "hour"}, fates, {"first (UTC)", "last (UTC)"}) +
          rows(source, [&](const JsonView& hour, bool is_day) { return route_row(hour, route, fates, is_day); });
  for (const json::value& one : names["rules"].items()) {
    const JsonView rule(one);
    if (rule["rule"].text().empty()) continue;
    html += fmt::format("<p class=\"soft\">Rule <code>{}</code>: {} delivered, {} dropped</p>\n",
                        escaped(rule["rule"].text()), grouped(rule["delivered"].number()),
                        grouped(rule["dropped"].number()));
    if (const std::string kql = rule["text"].text(); !kql.empty()) html += fmt::format("<pre>{}</pre>\n", escaped(kql));
  }
  return html;
}

std::string chain_html(const JsonView& source) {
  std::string html = "<h3>Hash chain over the journal</h3>\n<table>\n" +
                     heading({"segment"}, {"records", "frames"}, {"Merkle root, and chain"}) + "<tbody>";
  for (const json::value& one : source["segments"].items()) {
    const JsonView segment(one);
    html +=
        fmt::format("<tr><td class=\"n\">{} to {}{}</td>{}{}<td><code>{}</code>", segment["base"].number(),
                    segment["end"].number(), segment["is_open"].flag() ? " (open)" : "",
                    number_cell(segment["records"]), number_cell(segment["frames"]), escaped(segment["root"].text()));
    if (segment["chain"].is_there()) html += fmt::format("<br><code>{}</code>", escaped(segment["chain"].text()));
    html += "</td></tr>\n";
  }
  html += "</tbody></table>\n";
  for (const json::value& one : source["not_known"].items()) {
    const JsonView place(one);
    html += fmt::format("<p class=\"doubt\">Not known: what the journal held from {} to {}: {}.</p>\n",
                        place["from"].number(), place["to"].number(), escaped(place["why"].text()));
  }
  return html;
}

std::string cards(const JsonView& source) {
  std::uint64_t journaled = 0;
  std::uint64_t shown = 0;
  std::uint64_t missing = 0;
  std::uint64_t repaired = 0;
  bool is_compared = true;
  for (const json::value& one : source["totals"].items()) {
    const JsonView total(one);
    journaled += total["journaled"].number();
    shown += total["shown"].number();
    missing += total["missing"].number();
    repaired += total["repaired"].number();
    is_compared = is_compared && total["shown"].is_there();
  }
  const auto card = [](std::string_view title, const std::string& figure) {
    return fmt::format("<div class=\"card\"><span class=\"soft\">{}</span><b>{}</b></div>\n", title, figure);
  };
  return "<div class=\"cards\">\n" + card("shown by the tenant", is_compared ? grouped(shown) : "–") +
         card("journaled", grouped(journaled)) + card("missing", is_compared || missing > 0 ? grouped(missing) : "–") +
         card("repaired", grouped(repaired)) + "</div>\n";
}

std::string source_html(const JsonView& source) {
  std::string html = fmt::format("<h2>{} <span class=\"soft\">tenant {}</span></h2>\n",
                                 escaped(source["source"].text()), escaped(source["tenant"].text()));
  html += cards(source);
  html += "<table>\n" +
          heading({"feed", "hour"}, {"shown", "journaled", "updates", "quarantined", "missing", "repaired"},
                  {"proof", "compared (UTC)"}) +
          rows(source, feed_row);
  for (const json::value& names : source["routes"].items()) html += route_html(source, JsonView(names));
  return html + chain_html(source);
}

}  // namespace

std::string to_html(std::string_view envelope) {
  boost::system::error_code failure;
  const json::value parsed = json::parse(envelope, failure);
  if (failure) return {};
  const JsonView file(parsed);
  const JsonView report = file["report"];
  const std::string day = escaped(report["day"].text());
  std::string html = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<title>Capstan report of {}</title>\n<style>{}</style>\n</head>\n<body>\n<h1>Report of {}</h1>\n"
      "<p class=\"soft\">{}: {} to {}{}</p>\n",
      day, style, day, escaped(report["zone"].text()), escaped(report["from"].text()), escaped(report["to"].text()),
      report["is_over"].flag() ? "" : " <b class=\"doubt\">the day is not over</b>");
  html += fmt::format(
      "<dl>\n<dt>made</dt><dd>{} by Capstan {} on {}</dd>\n<dt>configuration</dt><dd><code>{}</code></dd>\n",
      escaped(report["made"].text()), escaped(report["version"].text()), escaped(report["host"].text()),
      escaped(report["configuration"].text()));
  for (const json::value& one : report["runs"].items()) {
    const JsonView run(one);
    html += fmt::format("<dt>ran</dt><dd>Capstan {} from {} to {}</dd>\n", escaped(run["version"].text()),
                        escaped(run["start"].text()),
                        run["stop"].is_there() ? escaped(run["stop"].text()) : "now, or until it was killed");
  }
  if (const JsonView signature = file["signature"]; signature.is_there()) {
    html += fmt::format("<dt>signed</dt><dd>Ed25519, key <code>{}</code></dd>\n", escaped(signature["key"].text()));
  } else {
    html += "<dt>signed</dt><dd class=\"doubt\">no</dd>\n";
  }
  html += fmt::format("<dt>SHA-256 of the JSON</dt><dd><code>{}</code></dd>\n</dl>\n", to_hex(sha256(envelope)));
  for (const json::value& source : report["sources"].items()) html += source_html(JsonView(source));
  html += fmt::format("{}{}{}\n</body>\n</html>\n", carrier_begin, to_base64(envelope), carrier_end);
  return html;
}

// The figures that are read in the page must be those of the report in it: so the page is made again and compared.
std::optional<std::string> envelope_of_html(std::string_view page) {
  const std::size_t begin = page.rfind(carrier_begin);
  if (begin == std::string_view::npos) return {};
  const std::string_view behind = page.substr(begin + carrier_begin.size());
  auto envelope = from_base64(behind.substr(0, behind.find('<')));
  if (!envelope || to_html(*envelope) != page) return {};
  return envelope;
}

}  // namespace capstan::runtime
