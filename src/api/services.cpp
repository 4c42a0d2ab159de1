#include "api/server.h"

namespace capstan::api {

Services services_of(runtime::Engine& engine) {
  Services services;
  services.status = [&engine] { return engine.status(); };
  services.verify = [&engine](const runtime::VerifyOptions& options, const std::stop_token& stop,
                              const runtime::VerifyJob::Progress& progress) {
    return engine.verify(options, stop, progress);
  };
  services.explain = [&engine](const std::string& id, const std::stop_token& stop) { return engine.explain(id, stop); };
  services.replay = [&engine](std::string_view route, Timestamp since, std::optional<Timestamp> until) {
    return engine.replay(route, since, until);
  };
  return services;
}

}  // namespace capstan::api
