#include "rule_environment.h"

#include <fmt/format.h>

#include "config/schema.h"

namespace capstan::runtime {

namespace {

// Half of SHA-256's size, the least that NIST SP 800-107 asks of an HMAC key.
constexpr std::size_t key_size_min = 16;

}  // namespace

std::shared_ptr<const kql::Secrets> read_secrets(const std::vector<config::Node::Member>& members,
                                                 config::Findings& findings) {
  auto secrets = std::make_shared<kql::Secrets>();
  for (const config::Node::Member& member : members) {
    const std::string owner = "secret " + member.key;
    Secret secret;
    if (!config::read(member.value, owner, secret, findings)) continue;
    if (secret.is_empty()) {
      findings.add(ErrorCode::wrong_value, member.value.place,
                   fmt::format("{}: expected a secret, got nothing", owner));
    } else if (secret.reveal().size() < key_size_min) {
      findings.warn(ErrorCode::wrong_value, member.value.place,
                    fmt::format("{}: expected {} bytes or more, got {}: a short key can be guessed", owner,
                                key_size_min, secret.reveal().size()));
    }
    secrets->insert_or_assign(member.key, std::move(secret));
  }
  return secrets;
}

std::shared_ptr<const kql::Places> open_places(const GeoOptions& options, const config::Place& place,
                                               config::Findings& findings) {
  if (options.database.empty()) return nullptr;
  auto places = kql::Places::open(config::beside(place, options.database), options.reload);
  if (places.has_value()) return *places;
  findings.add(places.error().code(), place, fmt::format("geo: {}", places.error().sentence()));
  return nullptr;
}

}  // namespace capstan::runtime
