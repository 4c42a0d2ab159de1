#include "app/program.h"

#include <exception>

#include "command_line.h"
#include "session.h"

namespace capstan::app {

namespace {

int show(const Error& error, Streams& streams, bool wants_json) {
  if (wants_json) streams.out << error_json(error) << '\n' << std::flush;
  streams.err << error_text(error) << std::flush;
  return exit_code(error);
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
  Session session(streams, *line->command, std::move(line->arguments));
  configure_log(session, {});
  const auto done = session.command.run(session);
  streams.out << std::flush;
  return done.has_value() ? done.value() : show(done.error(), streams, session.wants_json());
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
