// What was typed → a command and its arguments.
#pragma once

#include <string>
#include <vector>

#include "command.h"

namespace capstan::app {

struct CommandLine {
  const Command* command = nullptr;  // nothing: help of the whole program, or of a group such as "journal"
  std::string group;
  Arguments arguments;
  bool wants_help = false;
};

// wrong_usage for what the declaration does not know, with the nearest name.
Result<CommandLine> read_command_line(const std::vector<std::string>& arguments);

// help.cpp
std::string program_help();
std::string group_help(std::string_view group);
std::string command_help(const Command& command);
// "-c, --config FILE"
std::string written(const Option& option);
// "capstan replay ROUTE --since TIME [options]"
std::string usage(const Command& command);

// completion.cpp: a script for that shell; empty for one that is not known.
std::string completion_script(std::string_view shell);

}  // namespace capstan::app
