#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "base/text.h"
#include "event/json_split.h"
#include "journal_walk.h"
#include "kql/record_run.h"
#include "offline.h"
#include "session.h"
#include "table.h"
#include "until.h"

namespace capstan::app {

namespace {

constexpr std::int64_t limit_default = 20;
constexpr std::int64_t limit_max = 10'000;
// What a person sees of one value; --output json has all of it.
constexpr std::size_t shown_max = 300;

enum class Fate : std::uint8_t { kept, changed, dropped, other_feed, rejected };

std::string_view to_string(Fate fate) {
  constexpr std::array<std::string_view, 5> words{"kept", "changed", "dropped", "other feed", "rejected"};
  return words[static_cast<std::size_t>(fate)];
}

struct Seen {
  std::string source;
  std::string feed;
  std::string id;
  Timestamp event_time{};
  Fate fate = Fate::kept;
  std::string record;
  std::vector<std::string> rows;      // where the rule makes something else of it
  std::vector<std::string> messages;  // as they would be sent
  std::string problem;                // of a rejected one
};

// One route on records of the journal.
class Looking {
public:
  Looking(const runtime::RoutePlan& route, std::size_t limit) : route_(route), run_(route.transform), limit_(limit) {
    if (route.rule) rule_.emplace(route.rule);
  }

  void look(const store::Slice::Item& item, const std::string& source, const std::string& tenant) {
    Seen seen;
    seen.source = source;
    seen.feed = item.record.feed;
    seen.id = item.record.id;
    seen.event_time = item.record.event_time;
    seen.record = item.record.raw;
    const kql::Envelope envelope{tenant, source, item.ingest_time};
    const bool is_wanted =
        route_.feeds.empty() || std::ranges::find(route_.feeds, item.record.feed) != route_.feeds.end();
    if (is_wanted)
      ask(item, envelope, seen);
    else
      seen.fate = Fate::other_feed;
    ++counts_[static_cast<std::size_t>(seen.fate)];
    if (!is_wanted) return;
    seen_.push_back(std::move(seen));
    if (seen_.size() > limit_) seen_.pop_front();
  }

  const std::deque<Seen>& seen() const { return seen_; }
  std::uint64_t count(Fate fate) const { return counts_[static_cast<std::size_t>(fate)]; }

private:
  void ask(const store::Slice::Item& item, const kql::Envelope& envelope, Seen& seen) {
    std::string bytes;
    std::size_t begin = 0;
    const Result<> appended = run_.append(item.record, envelope, bytes, [&] {
      seen.messages.push_back(bytes.substr(begin));
      begin = bytes.size();
    });
    if (!appended) {
      seen.fate = Fate::rejected;
      seen.problem = appended.error().text();
    } else if (seen.messages.empty()) {
      seen.fate = Fate::dropped;
    } else if (rule_ && !item.record.is_quarantined && !rule_->is_filter()) {
      rule_->set_now(item.ingest_time);
      if (const auto rows = rule_->rows(item.record, envelope))
        for (const std::string_view row : *rows) seen.rows.emplace_back(row);
      if (seen.rows.size() != 1 || seen.rows.front() != seen.record) seen.fate = Fate::changed;
    }
  }

  const runtime::RoutePlan& route_;
  runtime::TransformRun run_;
  std::optional<kql::RecordRun> rule_;
  std::size_t limit_;
  std::deque<Seen> seen_;
  std::array<std::uint64_t, 5> counts_{};
};

std::string cut(std::string_view text) {
  return text.size() <= shown_max ? std::string(text) : std::string(cut_utf8(text, shown_max)) + " …";
}

// Members that only one of the two has, or that differ: "- user: …" and "+ user: …".
std::string member_changes(std::string_view record, std::string_view row) {
  const auto before = split_object(record);
  const auto after = split_object(row);
  if (!before || !after) return {};
  const auto find = [](const std::vector<JsonMember>& members, std::string_view name) {
    const auto found = std::ranges::find(members, name, &JsonMember::name);
    return found == members.end() ? nullptr : &*found;
  };
  std::string text;
  for (const JsonMember& member : *before) {
    const JsonMember* other = find(*after, member.name);
    if (other != nullptr && other->value == member.value) continue;
    text += fmt::format("    - {}: {}\n", member.name, cut(member.value));
    if (other != nullptr) text += fmt::format("    + {}: {}\n", other->name, cut(other->value));
  }
  for (const JsonMember& member : *after)
    if (find(*before, member.name) == nullptr) text += fmt::format("    + {}: {}\n", member.name, cut(member.value));
  return text;
}

std::string text_of(const Seen& seen) {
  std::string text = fmt::format("{:8} {} {} {} {}\n", to_string(seen.fate), to_iso8601(seen.event_time), seen.source,
                                 seen.feed, seen.id);
  if (seen.fate == Fate::dropped) return text + fmt::format("    {}\n", cut(seen.record));
  if (seen.fate == Fate::rejected) return text + fmt::format("    {}\n", seen.problem);
  for (const std::string& row : seen.rows) {
    if (seen.rows.size() > 1) text += "    a row\n";
    text += member_changes(seen.record, row);
  }
  for (const std::string& message : seen.messages) text += fmt::format("    > {}\n", cut(message));
  return text;
}

std::string json_of(const Seen& seen) {
  const auto list = [](const std::vector<std::string>& texts, bool are_json) {
    std::string all;
    for (const std::string& text : texts) all += (all.empty() ? "" : ",") + (are_json ? text : json_quote(text));
    return "[" + all + "]";
  };
  return fmt::format(
      R"({{"fate":{},"source":{},"feed":{},"id":{},"event_time":{},"record":{},"rows":{},"messages":{},"problem":{}}})",
      json_quote(to_string(seen.fate)), json_quote(seen.source), json_quote(seen.feed), json_quote(seen.id),
      json_quote(to_iso8601(seen.event_time)), json_quote(seen.record), list(seen.rows, true),
      list(seen.messages, false), json_quote(seen.problem));
}

Result<const runtime::RoutePlan*> chosen_route(const Session& session, const runtime::Plan& plan) {
  const std::string name = session.arguments.text("route");
  std::vector<std::string_view> names;
  for (const runtime::RoutePlan& route : plan.routes) {
    if (route.name == name) return &route;
    names.push_back(route.name);
  }
  const std::string_view near = nearest(name, names);
  return Error(ErrorCode::unknown_name, fmt::format("there is no route \"{}\"; {}", name,
                                                    near.empty() ? fmt::format("there are: {}", fmt::join(names, ", "))
                                                                 : fmt::format("did you mean \"{}\"?", near)));
}

std::string tenant_of(const runtime::Plan& plan, std::string_view source) {
  const auto found = std::ranges::find(plan.sources, source, &runtime::SourcePlan::name);
  return found == plan.sources.end() ? std::string() : found->tenant;
}

Result<int> run(Session& session) {
  const auto limit =
      session.arguments.has("limit") ? TRY(session.arguments.number("limit", 1, limit_max)) : limit_default;
  const std::optional<Timestamp> since = TRY(session.arguments.moment("last", session.clock.now()));
  const runtime::Plan plan = TRY(read_plan(session));
  const runtime::RoutePlan* route = TRY(chosen_route(session, plan));
  const auto journals = TRY(open_journals(session, plan.data_dir, route->from));
  if (journals.empty()) return Error(ErrorCode::not_found, fmt::format("there is no journal yet in {}", plan.data_dir));
  fill_tables(session, plan, TRY(open_journals(session, plan.data_dir, source_names(plan))));
  StopOnSignal signals;
  Looking looking(*route, static_cast<std::size_t>(limit));
  for (const auto& [source, journal] : journals) {
    const store::Position from = since ? TRY(journal->position_at(*since)) : journal->report().first;
    const std::string tenant = tenant_of(plan, source);
    TRY(walk_journal(*journal, from, signals.token(), [&](const store::Slice::Item& item) {
      looking.look(item, source, tenant);
      return true;
    }));
  }
  for (const Seen& seen : looking.seen())
    session.out() << (session.wants_json() ? json_of(seen) + "\n" : text_of(seen));
  if (session.wants_json()) return exit_done;
  session.out() << fmt::format("{} kept, {} changed, {} dropped by the rule, {} of other feeds, {} cannot be written\n",
                               grouped(looking.count(Fate::kept)), grouped(looking.count(Fate::changed)),
                               grouped(looking.count(Fate::dropped)), grouped(looking.count(Fate::other_feed)),
                               grouped(looking.count(Fate::rejected)));
  return exit_done;
}

}  // namespace

Command preview_command() {
  return {.name = "preview",
          .summary = "show what a route makes of journaled events",
          .details =
              "The configuration as the file has it now, on events that are in the journal already: what the "
              "rule keeps, drops and\nchanges (- as it came, + as it goes on), and the message (>). Nothing is "
              "sent, and a running Capstan is not\ndisturbed. The newest are shown, the counts are of all.",
          .wants = Wants::both,
          .options =
              {{.names = "route", .value_name = "ROUTE", .help = "its name in the configuration", .is_required = true},
               {.names = "--last",
                .value_name = "SPAN",
                .help = "events ingested since then: 1h, 2d, or a time; all that the journal has when left out"},
               {.names = "--limit", .value_name = "N", .help = "how many are shown", .default_text = "20"}},
          .examples = {{"capstan preview to_siem --last 1h", "the last hour on the route to_siem"},
                       {"capstan preview to_siem --limit 1000 --output json", "for a program, whole"}},
          .run = run};
}

}  // namespace capstan::app
