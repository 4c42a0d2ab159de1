// Gives the engine the configuration that the process was started with, read anew.
#pragma once

#include <string>

#include "runtime/engine.h"
#include "session.h"

namespace capstan::app {

class Reloader {
public:
  // Both outlive it.
  Reloader(Session& session, runtime::Engine& engine);

  // Any thread; what Engine::reload says. `file`: the absolute path of the configuration that is meant, refused
  // (wrong_usage) where it is another one than this process reads; empty: its own.
  Result<runtime::ReloadReport> reload(const std::string& file, runtime::ReloadOptions options);
  // As SIGHUP asks for it: everything there is to say goes to the log.
  void reload_and_log();

private:
  Session& session_;
  runtime::Engine& engine_;
  const std::string file_;
};

// One way to write a path, so that two can be compared: absolute, symbolic links followed where they exist.
std::string whole_path(const std::string& path);

}  // namespace capstan::app
