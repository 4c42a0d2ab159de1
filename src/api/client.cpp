#include "api/client.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "problem.h"

namespace capstan::api {

namespace json = boost::json;

namespace {

constexpr std::uint64_t admin_file_max = 64U << 10;
constexpr Duration hello_timeout = std::chrono::seconds(5);

Error not_running(const std::string& why) {
  return {ErrorCode::process_not_running, "looking for the running Capstan: " + why};
}

bool nobody_answers(const Error& error) {
  return error.code() == ErrorCode::connection_failed || error.code() == ErrorCode::timed_out;
}

}  // namespace

Result<AdminFile> read_admin_file(FileSystem& files, const std::string& data_dir) {
  const std::string path = data_dir + "/admin.json";
  if (!TRY(files.exists(path))) return not_running("there is no " + path);
  const std::string text = TRY(read_file(files, path, admin_file_max));
  boost::system::error_code failed;
  const json::value value = json::parse(text, failed);
  const json::object* object = failed ? nullptr : value.if_object();
  const json::value* address = object != nullptr ? object->if_contains("address") : nullptr;
  const json::value* token = object != nullptr ? object->if_contains("token") : nullptr;
  if (address == nullptr || token == nullptr || !address->is_string() || !token->is_string())
    return not_running(path + " is not what a running Capstan writes");
  AdminFile admin;
  admin.address = address->as_string();
  admin.token = Secret(std::string(token->as_string()));
  if (const json::value* id = object->if_contains("process_id"); id != nullptr && id->is_int64())
    admin.process_id = id->as_int64();
  return admin;
}

Result<Client> Client::find(FileSystem& files, const std::string& data_dir, net::HttpClient& http) {
  Client client(TRY(read_admin_file(files, data_dir)), http);
  auto hello = client.get("/healthz", net::Call{.timeout = hello_timeout, .stop = {}});
  if (!hello && hello.error().code() != ErrorCode::process_not_running)
    return not_running(client.address() + " answers, but not as Capstan does");
  if (!hello) return hello.error();
  return client;
}

Result<std::string> Client::get(std::string_view path, const net::Call& call) const {
  net::Request request;
  request.url = admin_.address + std::string(path);
  return send(std::move(request), call);
}

Result<std::string> Client::post(std::string_view path, std::string json, const net::Call& call) const {
  net::Request request;
  request.method = "POST";
  request.url = admin_.address + std::string(path);
  request.headers = {{"Content-Type", "application/json"}};
  request.authorization = Secret("Bearer " + std::string(admin_.token.reveal()));
  request.body = Secret(std::move(json));
  return send(std::move(request), call);
}

Result<std::string> Client::send(net::Request request, const net::Call& call) const {
  auto response = http_->send(request, call);
  if (!response && nobody_answers(response.error()))
    return not_running(fmt::format("process {} does not answer at {}", admin_.process_id, admin_.address));
  if (!response) return response.error();
  if (response->status < 200 || response->status > 299) return error_of_problem(response->status, response->body);
  return std::move(response->body);
}

std::string encode_query(std::string_view value) {
  std::string out;
  for (const char c : value) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                          std::string_view("-._~").contains(c);
    if (is_plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace capstan::api
