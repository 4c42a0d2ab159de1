#include "command_line.h"
#include "session.h"

namespace capstan::app {

namespace {

Result<int> run(Session& session) {
  session.out() << completion_script(session.arguments.text("shell"));
  return exit_done;
}

}  // namespace

Command completion_command() {
  return {.name = "completion",
          .summary = "print a script that makes a shell complete commands and options",
          .details = "",
          .options = {{.names = "shell",
                       .value_name = "SHELL",
                       .help = "for which shell",
                       .choices = {"bash", "zsh", "fish"},
                       .is_required = true}},
          .examples = {{"source <(capstan completion bash)", "for this shell"},
                       {"capstan completion fish > ~/.config/fish/completions/capstan.fish", "for good"}},
          .run = run};
}

}  // namespace capstan::app
