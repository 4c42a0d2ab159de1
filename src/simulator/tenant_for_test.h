// A tenant and a clock of the tests' own, and the requests that most tests send.
#pragma once

#include <boost/json.hpp>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "simulator/tenant_model.h"

namespace capstan::simulator::test {

namespace json = boost::json;

class FakeClock final : public Clock {
public:
  Timestamp now() const override { return from_epoch_ms(1'795'000'000'000) + elapsed_; }
  MonotonicTime monotonic() const override { return MonotonicTime{} + std::chrono::hours(1) + elapsed_; }
  void pass(Duration time) { elapsed_ += time; }

private:
  Duration elapsed_{};
};

inline json::value parsed(const net::ServerResponse& response) {
  boost::system::error_code error;
  json::value value = json::parse(response.body, error);
  if (error) throw std::runtime_error("not JSON: " + response.body.substr(0, 200));
  return value;
}

inline std::string header(const net::ServerResponse& response, std::string_view name) {
  for (const auto& each : response.headers)
    if (each.name == name) return each.value;
  return {};
}

struct Truth {
  std::string feed;
  std::string id;
  std::int64_t version;
  std::int64_t created;
  std::int64_t visible_since;
};

class Tenant {
public:
  explicit Tenant(SimulatorOptions options = {}) : model_(make(std::move(options), clock)) {}

  net::ServerResponse send(std::string method, std::string path, std::string body = {},
                           std::vector<net::Header> headers = {}, std::vector<net::Header> query = {}) {
    return model_.respond({.method = std::move(method),
                           .path = std::move(path),
                           .query = std::move(query),
                           .headers = std::move(headers),
                           .body = std::move(body),
                           .peer = "127.0.0.1"});
  }
  net::ServerResponse ask_token(std::string form) {
    return send("POST", fmt::format("/{}/oauth2/v2.0/token", options().tenant_id), std::move(form),
                {{"Content-Type", "application/x-www-form-urlencoded"}});
  }
  // The form of a good request; a later member of `changes` replaces an earlier one.
  std::string form(std::vector<net::Header> changes = {}) const {
    std::vector<net::Header> fields{{"grant_type", "client_credentials"},
                                    {"client_id", options().client_id},
                                    {"client_secret", options().client_secret},
                                    {"scope", "05a65629-4c1b-48c1-a78b-804c4abdd4af%2F.default"}};
    std::string text;
    for (const auto& change : changes) {
      std::erase_if(fields, [&](const auto& field) { return field.name == change.name; });
      if (!change.value.empty()) fields.push_back(change);
    }
    for (const auto& field : fields) text += (text.empty() ? "" : "&") + field.name + "=" + field.value;
    return text;
  }
  std::string token() { return "Bearer " + std::string(parsed(ask_token(form())).at("access_token").as_string()); }
  std::string legacy_token() const { return "Token " + options().files_token; }

  // With the legacy token, which may see everything.
  net::ServerResponse post(const std::string& path, const json::value& body = json::object{}) {
    return send("POST", "/api/v1/" + path, json::serialize(body),
                {{"Authorization", legacy_token()}, {"Content-Type", "application/json"}});
  }
  json::object page(const std::string& path, const json::value& body = json::object{}) {
    const auto response = post(path, body);
    if (response.status != 200) throw std::runtime_error(fmt::format("{} {}", response.status, response.body));
    return parsed(response).as_object();
  }
  std::vector<Truth> truth(std::string_view feed = {}) {
    std::vector<Truth> lines;
    const std::string text = send("GET", "/_sim/truth").body;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      const json::object line = json::parse(text.substr(at, end - at)).as_object();
      at = end + 1;
      Truth made{std::string(line.at("feed").as_string()), std::string(line.at("id").as_string()),
                 line.at("version").as_int64(), line.at("created").as_int64(), line.at("visible_since").as_int64()};
      if (feed.empty() || made.feed == feed) lines.push_back(std::move(made));
    }
    return lines;
  }
  const SimulatorOptions& options() const { return model_.options(); }
  TenantModel& model() { return model_; }
  std::int64_t now() const { return epoch_ms(clock.now()); }

  FakeClock clock;

private:
  static TenantModel make(SimulatorOptions options, const Clock& clock) {
    auto made = TenantModel::create(std::move(options), clock);
    if (!made) throw std::runtime_error(made.error().text());
    return std::move(*made);
  }

  TenantModel model_;
};

inline std::vector<std::string> ids(const json::object& page) {
  std::vector<std::string> found;
  for (const json::value& record : page.at("data").as_array())
    found.emplace_back(record.as_object().at("_id").as_string());
  return found;
}

inline std::vector<std::int64_t> numbers(const json::object& page, std::string_view member) {
  std::vector<std::int64_t> found;
  for (const json::value& record : page.at("data").as_array())
    found.push_back(record.as_object().at(member).as_int64());
  return found;
}

// Without limits that most tests are not about.
inline SimulatorOptions unhindered() {
  SimulatorOptions options;
  options.requests_per_minute = 0;
  return options;
}

}  // namespace capstan::simulator::test
