#include "app/program.h"

#include <exception>

#include "base/log.h"
#include "command_line.h"
#include "session.h"

namespace capstan::app {

namespace {

// How long the end waits for a slow reader of the log.
constexpr Duration last_words_max = std::chrono::seconds(1);

int show(const Error& error, Streams& streams, bool wants_json) {
  if (wants_json) streams.out << error_json(error) << '\n' << std::flush;
  streams.err << error_text(error) << std::flush;
  return exit_code(error);
}

// What was said and did not arrive (a closed output, a full disk) must not look done.
Result<int> check_written(std::ostream& out, int code) {
  out << std::flush;
  if (out) return code;
  return Error(ErrorCode::output_closed, "writing to standard output: it took no more");
}

int run(const std::vector<std::string>& arguments, Streams& streams) {
  auto line = read_command_line(arguments);
  if (!line.has_value()) return show(line.error(), streams, false);
  if (line->wants_help) {
    streams.out << (line->command != nullptr ? command_help(*line->command)
                    : line->group.empty()    ? program_help()
                                             : group_help(line->group))
                << std::flush;
    return exit_done;
  }
  Streams own{.in = streams.in,
              .out = streams.out,
              .err = line->command->is_service ? log::stream() : streams.err,
              .out_is_terminal = streams.out_is_terminal,
              .err_is_terminal = streams.err_is_terminal,
              .in_is_terminal = streams.in_is_terminal};
  Session session(own, *line->command, std::move(line->arguments));
  configure_log(session, {});
  auto done = session.command.run(session);
  if (done.has_value()) done = check_written(streams.out, done.value());
  const int code = done.has_value() ? done.value() : show(done.error(), own, session.wants_json());
  log::flush(last_words_max);
  return code;
}

}  // namespace

int main(const std::vector<std::string>& arguments, Streams& streams) {
  try {
    return run(arguments, streams);
  } catch (const std::exception& e) {
    // What no room expected, such as no memory: said once, never a core dump in a service's log.
    return show(Error(ErrorCode::internal, e.what()), streams, false);
  }
}

}  // namespace capstan::app
