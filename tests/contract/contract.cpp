#include "contract.h"

#include <algorithm>

namespace capstan::contract {

namespace {

constexpr std::string_view secret = "secret\n";

class SecretFile final : public File {
public:
  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const override {
    const std::string_view rest = secret.substr(std::min<std::size_t>(offset, secret.size()));
    const std::size_t count = std::min(rest.size(), into.size());
    std::copy_n(rest.begin(), count, into.begin());
    return count;
  }
  Result<> write_at(std::uint64_t, std::span<const std::string_view>) override { return refuse(); }
  Result<Appended> append(std::string_view) override { return refuse(); }
  Result<> truncate(std::uint64_t) override { return refuse(); }
  Result<std::uint64_t> size() const override { return secret.size(); }
  Result<FileStatus> status() const override { return FileStatus{}; }
  Result<Lock> lock() override { return Lock::taken; }
  Result<> sync() override { return refuse(); }
  Result<> reserve(std::uint64_t) override { return refuse(); }
  void forget(std::uint64_t, std::uint64_t) const override {}

private:
  static Error refuse() { return {ErrorCode::directory_not_writable, "writing a file of the contract tests"}; }
};

Error refused() { return {ErrorCode::directory_not_writable, "writing in the contract tests"}; }

}  // namespace

Result<net::Response> PoliteService::send(const net::Request& request, const Call& call) {
  if (call.stop.stop_requested()) return Error(ErrorCode::interrupted, "sending: stopped");
  net::Response response;
  response.status = 200;
  response.headers = {{"Content-Type", "application/json"}, {"Date", "Mon, 24 Nov 2025 16:00:00 GMT"}};
  if (request.url.contains("/oauth2/")) {
    response.body = R"({"access_token":"token","expires_in":3599,"token_type":"Bearer"})";
    return response;
  }
  asked_.push_back({request.url, std::string(request.body.reveal())});
  response.body = R"({"data":[],"hasNext":false,"total":0})";
  return response;
}

std::vector<PoliteService::Asked> PoliteService::take() { return std::exchange(asked_, {}); }

Result<std::unique_ptr<File>> WatchedFiles::open(const std::string&, OpenMode) {
  ++touches;
  return std::make_unique<SecretFile>();
}
Result<std::vector<std::string>> WatchedFiles::list(const std::string&) const {
  ++touches;
  return std::vector<std::string>{};
}
Result<bool> WatchedFiles::exists(const std::string&) const {
  ++touches;
  return true;
}
Result<std::optional<FileStatus>> WatchedFiles::status(const std::string&) const {
  ++touches;
  return std::optional(FileStatus{});
}
Result<std::string> WatchedFiles::real_path(const std::string& path) const {
  ++touches;
  return path;
}
Result<> WatchedFiles::make_directories(const std::string&) {
  ++touches;
  return refused();
}
Result<> WatchedFiles::rename(const std::string&, const std::string&) {
  ++touches;
  return refused();
}
Result<> WatchedFiles::rename_to_new(const std::string&, const std::string&) {
  ++touches;
  return refused();
}
Result<> WatchedFiles::remove(const std::string&) {
  ++touches;
  return refused();
}
Result<> WatchedFiles::sync_directory(const std::string&) {
  ++touches;
  return refused();
}
Result<std::uint64_t> WatchedFiles::free_bytes(const std::string&) const {
  ++touches;
  return 1ULL << 40;
}

std::shared_ptr<net::Tenant> Workshop::tenant(std::string_view name) {
  if (!tenant_) {
    net::TenantOptions options;
    options.name = name;
    options.api_url = "https://contoso.example/api/v1";
    options.authority = "https://login.example";
    options.tenant_id = "11111111-2222-3333-4444-555555555555";
    options.client_id = "66666666-7777-8888-9999-000000000000";
    options.client_secret = Secret("secret");
    options.files_token = Secret("files");
    options.requests_per_minute = 100'000;
    tenant_ = std::make_shared<net::Tenant>(options, clock, service);
  }
  return tenant_;
}

config::Node read_yaml(const std::string& yaml, config::Findings& findings) {
  static WatchedFiles files;
  config::References references;
  references.environment = [](const std::string&) { return std::optional<std::string>("value"); };
  references.files = &files;
  return config::parse(yaml, "example.yaml", references, findings);
}

void set(config::Node& map, const std::string& key, const std::string& scalar) {
  config::Node value;
  value.kind = config::Node::Kind::scalar;
  value.scalar = scalar;
  value.place = {"example.yaml", 99, 7};
  std::erase_if(map.members, [&](const auto& member) { return member.key == key; });
  map.members.push_back({key, {"example.yaml", 99, 1}, std::move(value)});
}

std::string text(const config::Findings& findings) {
  std::string all;
  for (const auto& finding : findings.all()) all += to_string(finding) + "\n";
  return all;
}

}  // namespace capstan::contract
