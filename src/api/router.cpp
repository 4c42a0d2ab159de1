#include "router.h"

#include <fmt/format.h>

#include "api/status_json.h"
#include "base/text.h"
#include "metrics.h"
#include "problem.h"
#include "questions.h"

namespace capstan::api {

namespace {

// explain reads the whole journal; more at once would only starve /metrics of threads.
constexpr int explaining_max = 2;
// Ids are at most 65,535 bytes (event/record.h).
constexpr std::size_t id_max = 65'535;

net::ServerResponse plain(int status, std::string_view type, std::string body) {
  net::ServerResponse response;
  response.status = status;
  response.headers = {{"Content-Type", std::string(type)}, {"Cache-Control", "no-store"}};
  response.body = std::move(body);
  return response;
}

net::ServerResponse method_not_allowed(const net::ServerRequest& request, std::string allowed) {
  auto response =
      problem(405, Error(ErrorCode::request_not_allowed,
                         fmt::format("answering {} {}: expected {}", request.method, request.path, allowed)));
  response.headers.push_back({"Allow", std::move(allowed)});
  return response;
}

}  // namespace

Router::Router(std::string version, Guard guard, Services services, const Clock& clock)
    : version_(std::move(version)),
      guard_(std::move(guard)),
      services_(std::move(services)),
      clock_(clock),
      verify_(services_.verify) {}

void Router::stop() {
  stop_.request_stop();
  verify_.stop();
}

net::ServerResponse Router::answer(const net::ServerRequest& request) {
  if (auto refused = guard_.refusal(request)) return std::move(*refused);
  return route(request);
}

net::ServerResponse Router::route(const net::ServerRequest& request) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const auto& path = request.path;
  if (path == "/api/v1/verify") return reads ? verify_state() : start_verify(request);
  if (path == "/api/v1/replay") return reads ? method_not_allowed(request, "POST") : replay(request);
  if (path == "/api/v1/reload") return reads ? method_not_allowed(request, "POST") : reload(request);
  const bool is_known = path == "/metrics" || path == "/healthz" || path == "/readyz" || path == "/api/v1/status" ||
                        path == "/api/v1/explain";
  if (!is_known)
    return problem(404, Error(ErrorCode::not_found,
                              fmt::format("answering {} {}: the admin API has no such path", request.method, path)));
  if (!reads) return method_not_allowed(request, "GET");
  if (path == "/metrics") return metrics();
  if (path == "/healthz") return plain(200, "text/plain; charset=utf-8", "ok\n");
  if (path == "/readyz") return readiness();
  if (path == "/api/v1/status") return status();
  return explain(request);
}

net::ServerResponse Router::metrics() const {
  return plain(200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(services_.status(), version_));
}

net::ServerResponse Router::readiness() const {
  const runtime::Status now = services_.status();
  if (now.is_ready()) return plain(200, "text/plain; charset=utf-8", "ready\n");
  std::string text;
  for (const auto& stage : now.stalled)
    text += fmt::format(
        "stalled: {} for {}: {}\n", stage.stage,
        to_string(std::chrono::duration_cast<Duration>(std::chrono::floor<std::chrono::seconds>(stage.since))),
        stage.why);
  return plain(503, "text/plain; charset=utf-8", std::move(text));
}

net::ServerResponse Router::status() const { return json_response(200, to_json(services_.status())); }

net::ServerResponse Router::explain(const net::ServerRequest& request) {
  const auto id = request.parameter("id");
  if (!id || id->empty() || id->size() > id_max)
    return problem(Error(ErrorCode::wrong_usage, "explaining an event: expected its id in the query, as ?id=…"));
  struct Place {
    std::atomic<int>& count;
    explicit Place(std::atomic<int>& c) : count(c) { ++count; }
    ~Place() { --count; }
  } place(explaining_);
  if (place.count > explaining_max)
    return problem(Error(ErrorCode::busy, "explaining an event: two are being looked for already"));
  const auto life = services_.explain(*id, stop_.get_token());
  return life ? json_response(200, runtime::to_json(*life)) : problem(life.error());
}

net::ServerResponse Router::start_verify(const net::ServerRequest& request) {
  auto options = read_verify_question(request.body);
  if (!options) return problem(options.error());
  const auto number = verify_.start(std::move(*options));
  if (!number) return problem(number.error());
  return json_response(202, fmt::format(R"({{"number":{}}})", *number));
}

net::ServerResponse Router::verify_state() const {
  const runtime::VerifyJob::State state = verify_.state();
  std::string body = fmt::format(R"({{"number":{},"is_running":{},"progress":{})", state.number, state.is_running,
                                 json_quote(state.progress));
  if (state.report) body += R"(,"report":)" + runtime::to_json(*state.report);
  if (state.error) {
    std::string error = problem(*state.error).body;
    error.pop_back();  // its line end
    body += R"(,"problem":)" + error;
  }
  return json_response(200, body + "}");
}

net::ServerResponse Router::replay(const net::ServerRequest& request) const {
  const auto question = read_replay_question(request.body, clock_.now());
  if (!question) return problem(question.error());
  const auto replay = services_.replay(question->route, question->since, question->until);
  if (!replay) return problem(replay.error());
  std::string sources;
  for (const auto& source : replay->sources) sources += (sources.empty() ? "" : ",") + json_quote(source);
  return json_response(200, fmt::format(R"({{"route":{},"records":{},"sources":[{}]}})", json_quote(replay->route),
                                        replay->records, sources));
}

net::ServerResponse Router::reload(const net::ServerRequest& request) const {
  const auto question = read_reload_question(request.body);
  if (!question) return problem(question.error());
  if (!services_.reload)
    return problem(Error(ErrorCode::request_not_allowed, "reloading: this Capstan was not started with a file"));
  const auto report = services_.reload(question->file, question->options);
  if (!report) return problem(report.error());
  return json_response(200, runtime::to_json(*report));
}

}  // namespace capstan::api
