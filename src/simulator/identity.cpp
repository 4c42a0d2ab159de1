#include "identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "answers.h"
#include "certificate.h"
#include "dice.h"
#include "records.h"

namespace capstan::simulator {
namespace {

namespace json = boost::json;

constexpr std::size_t tokens_max = 10'000;
constexpr std::string_view service_id = "05a65629-4c1b-48c1-a78b-804c4abdd4af";  // "Microsoft Cloud App Security"
constexpr std::string_view assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
constexpr std::string_view second_version = "/oauth2/v2.0/token";
constexpr std::string_view first_version = "/oauth2/token";

std::string field(const std::vector<net::Header>& form, std::string_view name) {
  const auto found = std::ranges::find(form, name, &net::Header::name);
  return found == form.end() ? std::string{} : found->value;
}

std::optional<json::object> decode_object(std::string_view part) {
  const auto text = from_base64(part);
  if (!text) return std::nullopt;
  boost::system::error_code error;
  const json::value value = json::parse(*text, error);
  if (error || !value.is_object()) return std::nullopt;
  return value.as_object();
}

std::string text_member(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains(name);
  return member != nullptr && member->is_string() ? std::string(member->as_string()) : std::string{};
}

std::int64_t number_member(const json::object& object, std::string_view name) {
  const json::value* member = object.if_contains(name);
  return member != nullptr && member->is_int64() ? member->as_int64() : 0;
}

// "2022-08-02 11:19:53Z"
std::string platform_time(Timestamp time) {
  std::string text = to_iso8601(time).substr(0, 19) + "Z";
  text[10] = ' ';
  return text;
}

}  // namespace

Identity::Identity(const SimulatorOptions& options, const Clock& clock)
    : options_(options), clock_(clock), start_(clock.monotonic()), secret_(options.client_secret) {}

bool Identity::serves(std::string_view path) { return path.ends_with(second_version) || path.ends_with(first_version); }

std::string Identity::guid() { return as_guid(hex_digits(mix(options_.seed) ^ mix(++guids_), 32)); }

void Identity::advance() {
  const Duration life = options_.secret_expires_after;
  if (life <= Duration::zero() || was_replaced_by_time_ || clock_.monotonic() - start_ < life) return;
  was_replaced_by_time_ = true;
  replace_secret({}, OldSecret::expired, false);
}

void Identity::replace_secret(std::string secret, OldSecret old, bool revokes_tokens) {
  old_secrets_[secret_] = old;
  secret_ = secret.empty() ? "new~" + hex_digits(mix(options_.seed ^ old_secrets_.size()), 36) : std::move(secret);
  old_secrets_.erase(secret_);
  if (revokes_tokens) issued_.clear();
}

net::ServerResponse Identity::refuse(int status, std::string_view error, int code, std::string_view text) {
  const std::string trace = guid();
  const std::string correlation = guid();
  const std::string time = platform_time(clock_.now());
  const json::object body{
      {"error", error},
      {"error_description", fmt::format("AADSTS{}: {}\r\nTrace ID: {}\r\nCorrelation ID: {}\r\nTimestamp: {}", code,
                                        text, trace, correlation, time)},
      {"error_codes", json::array{code}},
      {"timestamp", time},
      {"trace_id", trace},
      {"correlation_id", correlation},
      {"error_uri", fmt::format("https://login.microsoftonline.com/error?code={}", code)}};
  net::ServerResponse answer = json_answer(status, json::serialize(body));
  answer.headers.push_back({"Cache-Control", "no-store, no-cache"});
  answer.headers.push_back({"Pragma", "no-cache"});
  return answer;
}

net::ServerResponse Identity::respond(const net::ServerRequest& request) {
  const bool is_first = !request.path.ends_with(second_version);
  const std::string tenant = request.path.substr(1, request.path.find('/', 1) - 1);
  const auto form = read_form(request.body);
  if (request.method != "POST" || form.empty())
    return refuse(400, "invalid_request", 900144,
                  "The request body must contain the following parameter: 'grant_type'.");
  if (tenant != options_.tenant_id)
    return refuse(
        400, "invalid_request", 90002,
        fmt::format("Tenant '{}' not found. Check to make sure you have the correct tenant ID and are signing "
                    "into the correct cloud.",
                    tenant));
  for (const std::string_view name : {"grant_type", "client_id"})
    if (field(form, name).empty())
      return refuse(400, "invalid_request", 900144,
                    fmt::format("The request body must contain the following parameter: '{}'.", name));
  if (field(form, "grant_type") != "client_credentials")
    return refuse(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.");
  if (field(form, "client_id") != options_.client_id)
    return refuse(
        400, "unauthorized_client", 700016,
        fmt::format("Application with identifier '{}' was not found in the directory '{}'. This can happen if "
                    "the application has not been installed by the administrator of the tenant.",
                    field(form, "client_id"), tenant));
  const bool is_right_resource =
      is_first ? field(form, "resource") == service_id : field(form, "scope") == fmt::format("{}/.default", service_id);
  if (!is_right_resource)
    return refuse(
        400, "invalid_scope", 70011,
        fmt::format("The provided request must include a '{}' input parameter.", is_first ? "resource" : "scope"));
  if (!field(form, "client_assertion").empty()) return check_assertion(request, form, tenant);
  const std::string secret = field(form, "client_secret");
  if (secret.empty())
    return refuse(401, "invalid_client", 7000218,
                  "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.");
  if (secret == secret_) return grant(is_first);
  if (const auto old = old_secrets_.find(secret); old != old_secrets_.end() && old->second == OldSecret::expired)
    return refuse(401, "invalid_client", 7000222,
                  fmt::format("The provided client secret keys for app '{}' are expired.", options_.client_id));
  return refuse(401, "invalid_client", 7000215,
                fmt::format("Invalid client secret provided. Ensure the secret being sent in the request is the client "
                            "secret value, not the client secret ID, for a secret added to app '{}'.",
                            options_.client_id));
}

net::ServerResponse Identity::check_assertion(const net::ServerRequest& request, const std::vector<net::Header>& form,
                                              const std::string& tenant) {
  const std::string assertion = field(form, "client_assertion");
  const std::size_t first = assertion.find('.');
  const std::size_t second = assertion.find('.', first == std::string::npos ? first : first + 1);
  const auto malformed = [&](std::string_view what) { return refuse(400, "invalid_request", 50027, what); };
  if (field(form, "client_assertion_type") != assertion_type || second == std::string::npos)
    return malformed("Invalid JWT token. The client assertion is not a signed JWT.");
  const auto head = decode_object(std::string_view(assertion).substr(0, first));
  const auto claims = decode_object(std::string_view(assertion).substr(first + 1, second - first - 1));
  const auto signature = from_base64(std::string_view(assertion).substr(second + 1));
  if (!head || !claims || !signature) return malformed("Invalid JWT token. A part of it is not base64url of JSON.");
  const std::string algorithm = text_member(*head, "alg");
  const bool names_certificate = !text_member(*head, "x5t#S256").empty() || !text_member(*head, "x5t").empty();
  if ((algorithm != "PS256" && algorithm != "RS256") || !names_certificate)
    return malformed("Invalid JWT token. Expected alg PS256 or RS256 and a certificate thumbprint.");
  if (text_member(*claims, "iss") != options_.client_id || text_member(*claims, "sub") != options_.client_id)
    return refuse(401, "invalid_client", 700021,
                  "Client assertion application identifier doesn't match 'client_id' parameter.");
  // The audience is the token endpoint under whatever name it was reached.
  const std::string audience = text_member(*claims, "aud");
  if (!audience.ends_with(fmt::format("/{}{}", tenant, second_version)) && !audience.ends_with(request.path))
    return refuse(401, "invalid_client", 700023, "Client assertion audience claim does not match Realm issuer.");
  const std::int64_t now_s = epoch_ms(clock_.now()) / 1000;
  constexpr std::int64_t skew_s = 300;
  if (number_member(*claims, "exp") < now_s - skew_s || number_member(*claims, "nbf") > now_s + skew_s)
    return refuse(401, "invalid_client", 700024, "Client assertion is not within its valid time range.");
  if (!options_.application_certificate.empty() &&
      !verify_signature(options_.application_certificate, algorithm, std::string_view(assertion).substr(0, second),
                        *signature))
    return refuse(401, "invalid_client", 700027, "Client assertion failed signature validation.");
  return grant(!request.path.ends_with(second_version));
}

net::ServerResponse Identity::grant(bool is_first_version) {
  const std::int64_t now_s = epoch_ms(clock_.now()) / 1000;
  const std::int64_t life_s = options_.token_life.count() / 1000;
  const json::object head{{"typ", "JWT"}, {"alg", "RS256"}, {"kid", base64url(hex_digits(options_.seed, 20))}};
  json::array roles;
  for (const std::string& permission : options_.permissions) roles.emplace_back(permission);
  const json::object claims{{"aud", service_id},
                            {"iss", fmt::format("https://sts.windows.net/{}/", options_.tenant_id)},
                            {"iat", now_s},
                            {"nbf", now_s},
                            {"exp", now_s + life_s},
                            {"appid", options_.client_id},
                            {"tid", options_.tenant_id},
                            {"roles", roles},
                            {"uti", ++issued_count_}};
  std::string token = fmt::format("{}.{}.{}", base64url(json::serialize(head)), base64url(json::serialize(claims)),
                                  base64url(hex_digits(mix(options_.seed) ^ issued_count_, 64)));
  json::object body{{"token_type", "Bearer"}};
  if (is_first_version) {
    body["expires_in"] = std::to_string(life_s);
    body["ext_expires_in"] = std::to_string(life_s);
    body["expires_on"] = std::to_string(now_s + life_s);
    body["not_before"] = std::to_string(now_s);
    body["resource"] = service_id;
  } else {
    body["expires_in"] = life_s;
    body["ext_expires_in"] = life_s;
  }
  body["access_token"] = token;
  issued_.push_back({std::move(token), clock_.monotonic() + options_.token_life});
  if (issued_.size() > tokens_max) issued_.pop_front();
  return json_answer(200, json::serialize(body));
}

bool Identity::is_issued(const std::string& token) const {
  // Newest first: that is the one in use.
  for (const Issued& issued : issued_ | std::views::reverse)
    if (issued.token == token) return clock_.monotonic() < issued.ends;
  return false;
}

Identity::Caller Identity::caller(const net::ServerRequest& request) const {
  const std::string_view header = request.header("authorization");
  const auto token_after = [&](std::string_view scheme) {
    std::string_view token = header.substr(scheme.size());
    while (token.starts_with(' ')) token.remove_prefix(1);
    return std::string(token);
  };
  if (header.empty()) return Caller::nobody;
  if (header.starts_with("Bearer ")) return is_issued(token_after("Bearer ")) ? Caller::application : Caller::unknown;
  if (header.starts_with("Token ")) {
    const std::string token = token_after("Token ");
    return token == options_.api_token || token == options_.files_token ? Caller::legacy : Caller::unknown;
  }
  return Caller::unknown;
}

}  // namespace capstan::simulator
