#include "net/tenant.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

#include "base/digest.h"
#include "base/text.h"
#include "oauth.h"
#include "service_words.h"

namespace capstan::net {

namespace {

constexpr Duration renew_before_end = std::chrono::minutes(5);
// While a renewal fails but the old token still lives, it is tried again this often.
constexpr Duration renew_again_after = std::chrono::seconds(30);
// What the service means when it throttles and names no time ("usually the throttle time is 1 minute").
constexpr Duration pause_default = std::chrono::seconds(60);

// "https://host[/path]" → "https://host/path/api/v1/"
std::string api_base(std::string_view url) {
  while (url.ends_with('/')) url.remove_suffix(1);
  std::string base(url);
  if (base.ends_with("/api/v1")) return base + "/";
  if (base.ends_with("/api")) return base + "/v1/";
  return base + "/api/v1/";
}

// 8-4-4-4-12. Unique is all that a jti has to be.
std::string guid_of(std::string_view text) {
  std::string hex = sha256_hex(text).substr(0, 32);
  for (const std::size_t at : {8U, 13U, 18U, 23U}) hex.insert(at, "-");
  return hex;
}

std::string_view first_printed(std::string_view body) {
  if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
  while (!body.empty() && static_cast<unsigned char>(body.front()) <= ' ') body.remove_prefix(1);
  return body;
}

bool is_wrong_place(std::string_view words) {
  return words.contains("Invalid JSON Web Key Set") || words.contains("tenant not found") ||
         words.contains("tenant is disabled");
}

ErrorCode code_of(int status, std::string_view words) {
  if ((status == 401 || status == 403 || status == 400 || status == 404) && is_wrong_place(words))
    return ErrorCode::wrong_data_centre;
  switch (status) {
    case 401:
      return ErrorCode::token_refused;
    case 403:
      return ErrorCode::permission_missing;
    case 404:
      return ErrorCode::endpoint_not_found;
    case 407:
      return ErrorCode::proxy_refused;
    case 408:
      return ErrorCode::timed_out;
    default:
      break;
  }
  if (status >= 500) return ErrorCode::service_unavailable;
  if (status >= 400) return ErrorCode::request_refused;
  return ErrorCode::unexpected_answer;
}

}  // namespace

struct Tenant::Impl {
  TenantOptions options;
  const Clock& clock;
  HttpClient& http;
  Governor governor;
  std::string base;

  std::mutex mutex;  // of what follows; held while a token is fetched, so that it is had once
  Secret authorization;
  MonotonicTime renew_at{};
  MonotonicTime ends_at{};
  Signing signing = Signing::ps256;
  Duration skew{};  // the platform's clock minus ours, once it has refused our time
  std::uint64_t assertions = 0;

  Impl(TenantOptions o, const Clock& c, HttpClient& h)
      : options(std::move(o)),
        clock(c),
        http(h),
        governor(c, options.requests_per_minute),
        base(api_base(options.api_url)) {}

  bool is_legacy(Credential credential) const {
    return credential == Credential::files || options.method == TenantOptions::Method::token;
  }

  // What the service or the platform echoes must not carry a secret into a sentence.
  std::string without_secrets(std::string words, std::string_view used) const {
    const auto token = used.substr(std::min(used.size(), used.find(' ') + 1));
    for (const std::string_view secret :
         {options.client_secret.reveal(), options.token.reveal(), options.files_token.reveal(), token}) {
      if (secret.size() < 4) continue;
      for (std::size_t at = words.find(secret); at != std::string::npos; at = words.find(secret))
        words.replace(at, secret.size(), "***");
    }
    return words;
  }

  Result<Secret> authorization_for(Credential credential, const Call& call) {
    if (!is_legacy(credential)) return bearer(call, {});
    const bool own = credential == Credential::files && !options.files_token.is_empty();
    const Secret& token = own ? options.files_token : options.token;
    if (token.is_empty())
      return Error(ErrorCode::permission_missing, fmt::format("tenant {} has no files_token", options.name));
    return Secret("Token " + std::string(token.reveal()));
  }

  // The token in use, a new one when it is due or when it is the one that was `refused`.
  Result<Secret> bearer(const Call& call, std::string_view refused) {
    const std::lock_guard lock(mutex);
    const MonotonicTime now = clock.monotonic();
    const bool is_refused = !refused.empty() && authorization.reveal() == refused;
    const bool is_alive = !authorization.is_empty() && now < ends_at && !is_refused;
    if (is_alive && now < renew_at) return authorization;
    auto token = fetch(call);
    if (!token) {
      if (token.error().code() == ErrorCode::throttled) governor.pause(token.error().pause().value_or(pause_default));
      if (!is_alive) return std::move(token.error());
      renew_at = now + renew_again_after;
      return authorization;
    }
    authorization = token->authorization;
    ends_at = now + token->life;
    renew_at = now + std::max(token->life - renew_before_end, token->life / 2);
    return authorization;
  }

  Result<AccessToken> fetch(const Call& call) {
    const std::string url = token_url(options);
    const std::string doing = fmt::format("getting a token for tenant {}", options.name);
    if (options.method != TenantOptions::Method::certificate) {
      const Response response = TRY(ask(url, token_form(options, nullptr), call).during(doing));
      return masked(read_token(response, url, clock.now())).during(doing);
    }
    Response response = TRY(ask_with_assertion(url, call).during(doing));
    const std::int64_t aadsts = response.status >= 400 ? aadsts_code(response.body) : 0;
    const auto date = parse_http_date(response.header("Date"));
    if (aadsts == 700024 && date) {
      // Our clock is off: the assertion must be of the platform's time.
      skew = *date - clock.now();
      response = TRY(ask_with_assertion(url, call).during(doing));
    } else if ((aadsts == 700027 || aadsts == 700023) && signing == Signing::ps256) {
      signing = Signing::rs256;
      response = TRY(ask_with_assertion(url, call).during(doing));
      if (response.status >= 400) signing = Signing::ps256;
    }
    return masked(read_token(response, url, clock.now())).during(doing);
  }

  Result<AccessToken> masked(Result<AccessToken> token) const {
    if (token) return token;
    Error error(token.error().code(), without_secrets(token.error().sentence(), {}));
    if (const auto pause = token.error().pause()) return std::move(error).asking_for(*pause);
    return error;
  }

  Result<Response> ask_with_assertion(const std::string& url, const Call& call) {
    const Timestamp now = clock.now() + skew;
    const std::string unique = fmt::format("{}/{}/{}/{}", options.client_id, epoch_ms(now),
                                           clock.monotonic().time_since_epoch().count(), ++assertions);
    const Secret assertion =
        TRY(sign_assertion(options.certificate, {url, options.client_id, guid_of(unique), now}, signing));
    return ask(url, token_form(options, &assertion), call);
  }

  Result<Response> ask(const std::string& url, Secret form, const Call& call) {
    Request request;
    request.method = "POST";
    request.url = url;
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
    request.body = std::move(form);
    request.egress = options.egress;
    request.size_max = 1_MiB;
    return http.send(request, call);
  }

  Result<Response> send(std::string_view path, const std::string& body, const Secret& authorized, const Call& call) {
    Request request;
    request.method = "POST";
    request.url = base + std::string(path);
    request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
    request.authorization = authorized;
    request.body = Secret(body);
    request.egress = options.egress;
    return http.send(request, call);
  }

  // The answer itself, or what its status or body means.
  Result<Response> judged(Response response, std::string_view path, const Secret& authorized) {
    const int status = response.status;
    const bool is_success = status >= 200 && status < 300;
    const std::string_view body = first_printed(response.body);
    const bool is_json = body.starts_with('{') || body.starts_with('[');
    // Records may speak of throttling, too: a page of them has `data`, an excuse has not, and is short.
    const bool is_excuse = body.size() < 4096 && !body.contains("\"data\"");
    const bool is_throttled =
        status == 429 || status == 503 || ((!is_success || is_excuse) && speaks_of_throttling(body));
    if (is_success && is_json && !is_throttled) return response;

    const std::string words = without_secrets(service_words(response.body), authorized.reveal());
    std::string sentence = fmt::format("POST {}{} answered {}", base, path, status);
    if (!words.empty()) sentence += ": " + words;
    const auto asked = asked_pause(response, clock.now());
    if (is_throttled) {
      const Duration pause = asked.value_or(pause_default);
      governor.pause(pause);
      return Error(ErrorCode::throttled, fmt::format("{}; waiting {}", sentence, to_string(pause))).asking_for(pause);
    }
    if (is_success || (status >= 300 && status < 400)) {
      if (is_success) sentence += words.empty() ? " with nothing in it" : " (expected JSON)";
      return Error(ErrorCode::unexpected_answer, std::move(sentence));
    }
    Error error(code_of(status, words), std::move(sentence));
    if (asked && status >= 500) return std::move(error).asking_for(*asked);
    return error;
  }
};

Tenant::Tenant(TenantOptions options, const Clock& clock, HttpClient& http)
    : impl_(std::make_unique<Impl>(std::move(options), clock, http)) {}
Tenant::~Tenant() = default;

const std::string& Tenant::name() const { return impl_->options.name; }
Governor& Tenant::governor() { return impl_->governor; }
bool Tenant::has_files_token() const {
  // A main token of the legacy kind opens the files as well.
  return !impl_->options.files_token.is_empty() || impl_->options.method == TenantOptions::Method::token;
}

Result<Response> Tenant::post(std::string_view path, std::string body, Credential credential, const Call& call) {
  Secret authorized = TRY(impl_->authorization_for(credential, call));
  Response response = TRY(impl_->send(path, body, authorized, call));
  if (response.status == 401 && !impl_->is_legacy(credential)) {
    authorized = TRY(impl_->bearer(call, authorized.reveal()));
    // The second request counts at the service as well; noted where there is room, it fits the margin where not.
    (void)impl_->governor.acquire(Urgency::alerts);
    response = TRY(impl_->send(path, body, authorized, call));
  }
  return impl_->judged(std::move(response), path, authorized);
}

Result<> Tenant::authenticate(Credential credential, const Call& call) {
  TRY(impl_->authorization_for(credential, call));
  return {};
}

}  // namespace capstan::net
