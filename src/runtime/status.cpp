#include "runtime/status.h"

namespace capstan::runtime {

std::string_view to_string(SourceState state) {
  switch (state) {
    case SourceState::created:
      return "Created";
    case SourceState::connected:
      return "Connected";
    case SourceState::connection_error:
      return "Connection error";
    case SourceState::disconnected:
      return "Disconnected";
  }
  return "Created";
}

std::string_view to_string(RouteState state) {
  switch (state) {
    case RouteState::idle:
      return "idle";
    case RouteState::delivering:
      return "delivering";
    case RouteState::retrying:
      return "retrying";
    case RouteState::held:
      return "held";
    case RouteState::stopped:
      return "stopped";
  }
  return "idle";
}

}  // namespace capstan::runtime
