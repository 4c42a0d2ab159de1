#include "simulator/tenant_model.h"

#include <boost/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "answers.h"
#include "certificate.h"
#include "dice.h"
#include "json_text.h"
#include "scaled_clock.h"
#include "service_api.h"

namespace capstan::simulator {
namespace {

namespace json = boost::json;

constexpr std::string_view control_prefix = "/_sim/";

void fill_in(SimulatorOptions& options) {
  // Somebody's own records are served whatever their age: the older ones from the archive.
  constexpr auto for_ever = std::chrono::hours(24 * 365 * 100);
  if (!options.records_directory.empty()) options.retention = std::max<Duration>(options.retention, for_ever);
  const auto made = [&](std::uint64_t number) { return mix(options.seed) ^ mix(number); };
  if (options.tenant_id.empty()) options.tenant_id = as_guid(hex_digits(made(1), 32));
  if (options.client_id.empty()) options.client_id = as_guid(hex_digits(made(2), 32));
  if (options.client_secret.empty()) options.client_secret = "sim~" + hex_digits(made(3), 36);
  if (options.api_token.empty()) options.api_token = hex_digits(made(4), 64);
  if (options.files_token.empty()) options.files_token = hex_digits(made(5), 64);
}

Result<std::string> read_script(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return Error{ErrorCode::unreadable_file, fmt::format("reading the fault script {}: it could not be opened", path)};
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// RFC 9110 5.6.7: "Tue, 24 Nov 2026 16:08:23 GMT"
std::string http_date(Timestamp now) {
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(now - day));
  constexpr std::string_view days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days[std::chrono::weekday(day).c_encoding()],
                     static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), time.hours().count(), time.minutes().count(),
                     time.seconds().count());
}

}  // namespace

struct TenantModel::Impl {
  Impl(SimulatorOptions filled, const Clock& c, Population population)
      : options(std::move(filled)),
        clock(c, options.speed),
        state(options, clock, std::move(population)),
        api(options, clock, state) {}

  net::ServerResponse answer(const net::ServerRequest& request);
  net::ServerResponse control(const net::ServerRequest& request);
  net::ServerResponse truth();
  net::ServerResponse requests();
  net::ServerResponse replace_secret(const std::string& body);
  void count(const net::ServerResponse& response);

  const SimulatorOptions options;
  const ScaledClock clock;
  TenantState state;
  ServiceApi api;
};

net::ServerResponse TenantModel::Impl::answer(const net::ServerRequest& request) {
  std::optional<Fault> fault;
  std::optional<net::ServerResponse> response;
  {
    const std::lock_guard lock(state.mutex);
    const bool is_identity = Identity::serves(request.path);
    state.population.advance(epoch_ms(clock.now()));
    state.identity.advance();
    ++state.requests[is_identity ? "/token" : ServiceApi::counted_as(request.path)];
    fault = state.faults.next(request.path);
    if (fault && fault->record.empty() && fault->replaces_answer()) {
      response = faulty_answer(*fault);
    } else if (is_identity) {
      response = state.identity.respond(request);
      count(*response);
    }
  }
  if (!response) {
    response = ServiceApi::serves(request.path) ? api.respond(request, fault) : detail_answer(404, "Not found.");
    const std::lock_guard lock(state.mutex);
    count(*response);
  }
  if (fault && fault->record.empty()) {
    response->headers.insert(response->headers.end(), fault->headers.begin(), fault->headers.end());
    response->delay = fault->delay;
    response->cut_after = fault->cut_after;
  }
  return std::move(*response);
}

void TenantModel::Impl::count(const net::ServerResponse& response) {
  if (response.status < 300) ++state.tally.served;
  if (response.status >= 400 && response.status < 500 && response.status != 429) ++state.tally.refused;
}

net::ServerResponse TenantModel::Impl::control(const net::ServerRequest& request) {
  const std::string_view what = std::string_view(request.path).substr(control_prefix.size());
  if (what == "truth" && request.method == "GET") return truth();
  if (what == "requests" && request.method == "GET") return requests();
  if (what == "secret" && request.method == "POST") return replace_secret(request.body);
  if (what == "faults" && request.method == "POST") {
    const std::lock_guard lock(state.mutex);
    if (const auto added = state.faults.add(request.body); !added) return detail_answer(400, added.error().text());
    return json_answer(200, "{}");
  }
  if (what == "faults" && request.method == "DELETE") {
    const std::lock_guard lock(state.mutex);
    state.faults.clear();
    return json_answer(200, "{}");
  }
  return detail_answer(404,
                       "expected GET /_sim/truth, GET /_sim/requests, POST or DELETE /_sim/faults, POST /_sim/secret");
}

net::ServerResponse TenantModel::Impl::truth() {
  struct Line {
    const Feed* feed;
    std::uint32_t index;
    std::uint32_t version;
    std::int64_t created;
    std::int64_t visible;
  };
  std::vector<Line> lines;
  {
    const std::lock_guard lock(state.mutex);
    const std::int64_t now = epoch_ms(clock.now());
    state.population.advance(now);
    for (const Feed& feed : state.population.feeds()) {
      for (std::uint32_t index = 0; index < feed.timeline.size(); ++index) {
        const Moment moment = feed.timeline.at(index);
        if (moment.visible > now) continue;
        lines.push_back({&feed, index, 1, moment.created, moment.visible});
        const auto changes = feed.changes.find(index);
        if (changes == feed.changes.end()) continue;
        std::uint32_t version = 1;
        for (const std::int64_t change : changes->second)
          lines.push_back({&feed, index, ++version, moment.created, change});
      }
    }
  }
  net::ServerResponse response = json_answer(200, {});
  response.headers = {{"Content-Type", "application/x-ndjson"}};
  for (const Line& line : lines) {
    fmt::format_to(std::back_inserter(response.body), R"({{"feed":"{}","id":)", line.feed->schema->feed);
    append_json_string(response.body, line.feed->records->id(line.index));
    fmt::format_to(std::back_inserter(response.body), ",\"version\":{},\"created\":{},\"visible_since\":{}}}\n",
                   line.version, line.created, line.visible);
  }
  return response;
}

net::ServerResponse TenantModel::Impl::requests() {
  const std::lock_guard lock(state.mutex);
  json::object paths;
  for (const auto& [path, count] : state.requests) paths[path] = count;
  return json_answer(200, json::serialize(json::object{{"served", state.tally.served},
                                                       {"throttled", state.tally.throttled},
                                                       {"refused", state.tally.refused},
                                                       {"faults", state.faults.taken()},
                                                       {"paths", paths}}));
}

net::ServerResponse TenantModel::Impl::replace_secret(const std::string& body) {
  boost::system::error_code error;
  const json::value value = json::parse(body.empty() ? "{}" : body, error);
  if (error || !value.is_object()) return detail_answer(400, "expected a JSON object");
  std::string secret;
  auto old = Identity::OldSecret::removed;
  bool revokes = false;
  for (const auto& [name, member] : value.as_object()) {
    if (name == "client_secret" && member.is_string()) {
      secret = std::string(member.as_string());
    } else if (name == "old" && (member == "expired" || member == "removed")) {
      old = member == "expired" ? Identity::OldSecret::expired : Identity::OldSecret::removed;
    } else if (name == "revoke_tokens" && member.is_bool()) {
      revokes = member.as_bool();
    } else {
      return detail_answer(400, R"(expected "client_secret", "old": "expired" or "removed", "revoke_tokens")");
    }
  }
  const std::lock_guard lock(state.mutex);
  state.identity.replace_secret(std::move(secret), old, revokes);
  return json_answer(200, json::serialize(json::object{{"client_secret", state.identity.secret()}}));
}

Result<TenantModel> TenantModel::create(SimulatorOptions options, const Clock& clock) {
  fill_in(options);
  if (!options.application_certificate.empty() && !is_certificate(options.application_certificate))
    return Error{ErrorCode::wrong_value, "reading the application's certificate: expected a certificate in PEM"};
  Population population = TRY(Population::create(options, epoch_ms(clock.now())));
  auto impl = std::make_unique<Impl>(std::move(options), clock, std::move(population));
  if (!impl->options.faults_file.empty())
    TRY(impl->state.faults.add(TRY(read_script(impl->options.faults_file))).during(impl->options.faults_file));
  if (!impl->options.faults.empty()) TRY(impl->state.faults.add(impl->options.faults));
  return TenantModel(std::move(impl));
}

net::ServerResponse TenantModel::respond(const net::ServerRequest& request) {
  net::ServerResponse response =
      request.path.starts_with(control_prefix) ? impl_->control(request) : impl_->answer(request);
  if (std::ranges::none_of(response.headers, [](const net::Header& header) { return header.name == "Date"; }))
    response.headers.push_back({"Date", http_date(impl_->clock.now())});
  return response;
}

const SimulatorOptions& TenantModel::options() const { return impl_->options; }

std::string TenantModel::client_secret() const {
  const std::lock_guard lock(impl_->state.mutex);
  return impl_->state.identity.secret();
}

TenantModel::TenantModel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TenantModel::TenantModel(TenantModel&&) noexcept = default;
TenantModel& TenantModel::operator=(TenantModel&&) noexcept = default;
TenantModel::~TenantModel() = default;

}  // namespace capstan::simulator
