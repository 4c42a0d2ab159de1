#include "running.h"

namespace capstan::app {

Result<std::optional<api::Client>> find_running(Session& session, const std::string& data_dir) {
  auto client = api::Client::find(session.files, data_dir, session.http());
  if (client.has_value()) return std::optional(std::move(client.value()));
  if (client.error().code() == ErrorCode::process_not_running) return std::optional<api::Client>{};
  return std::move(client.error());
}

}  // namespace capstan::app
