#include <fmt/format.h>

#include "base/text.h"
#include "offline.h"
#include "runtime/explain.h"
#include "session.h"
#include "table.h"
#include "until.h"

namespace capstan::app {

namespace {

std::string code_text(const ErrorEntry& known) {
  return fmt::format("{} {} ({})\n  what happened: {}\n  what to do:    {}\n", label(known.code), known.name,
                     to_string(known.error_class), known.what, known.advice);
}

std::string code_json(const ErrorEntry& known) {
  return fmt::format(R"({{"code":"{}","name":"{}","class":"{}","what":{},"advice":{}}})", label(known.code), known.name,
                     to_string(known.error_class), json_quote(known.what), json_quote(known.advice));
}

void list(Session& session) {
  if (session.wants_json()) {
    std::string all;
    for (const ErrorEntry& known : error_catalogue()) all += (all.empty() ? "" : ",") + code_json(known);
    session.out() << "[" << all << "]\n";
    return;
  }
  Table table({{"code"}, {"name"}, {"class"}, {"what happened"}});
  for (const ErrorEntry& known : error_catalogue())
    table.add({label(known.code), std::string(known.name), std::string(to_string(known.error_class)),
               std::string(known.what)});
  session.out() << table.text();
}

// "E2003", "e2003"; "2003" alone could as well be an event's id, so the letter is asked for.
bool is_error_code(std::string_view text) {
  return text.size() == 5 && (text[0] == 'E' || text[0] == 'e') &&
         text.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

Result<int> explain_event(Session& session, const std::string& id) {
  const StopOnSignal signals;
  const runtime::Plan plan = TRY(read_plan(session));
  const std::vector<JournalOfSource> journals = TRY(open_journals(session, plan.data_dir, source_names(plan)));
  const runtime::EventLife life =
      TRY(runtime::explain(id, TRY(explain_sources(session, plan, journals)), signals.token()));
  session.out() << (session.wants_json() ? runtime::to_json(life) + "\n" : runtime::to_text(life));
  return exit_done;
}

Result<int> run(Session& session) {
  if (session.arguments.has("list")) {
    list(session);
    return exit_done;
  }
  const std::string what = session.arguments.text("what");
  if (what.empty())
    return Error(ErrorCode::wrong_usage, "capstan explain needs an error code such as E2003, or the id of an event");
  if (!is_error_code(what)) return explain_event(session, what);
  const ErrorEntry* known = find_entry(what);
  if (known == nullptr) return Error(ErrorCode::unknown_error_code, fmt::format("there is no error {}", what));
  session.out() << (session.wants_json() ? code_json(*known) + "\n" : code_text(*known));
  return exit_done;
}

}  // namespace

Command explain_command() {
  return {
      .name = "explain",
      .summary = "tell what an error code means, or the life of one event",
      .details =
          "With an error code: what happened and what to do about it. With the id of an event: where in the "
          "journals it is, in which\nversions, and what each route did with it. Works beside a running "
          "Capstan and without one.",
      .wants = Wants::both,
      .options = {{.names = "what", .value_name = "CODE|ID", .help = "an error code such as E2003, or an event's id"},
                  {.names = "--list", .value_name = "", .help = "all error codes"}},
      .examples = {{"capstan explain E2003", "what the code means"},
                   {"capstan explain 5f3a…", "what became of this event"}},
      .run = run};
}

}  // namespace capstan::app
