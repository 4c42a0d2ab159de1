// How the command line talks to a running Capstan: it finds it through data_dir/admin.json.
#pragma once

#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/secret.h"
#include "net/http.h"

namespace capstan::api {

// data_dir/admin.json: where the running process listens, and the token that POST needs. Written at start with mode
// 0600, removed at the end; one that a killed process left behind leads to a connection that nobody takes.
struct AdminFile {
  std::string address;  // "http://127.0.0.1:8790"
  Secret token;
  std::int64_t process_id = 0;
};
Result<AdminFile> read_admin_file(FileSystem& files, const std::string& data_dir);

class Client {
public:
  // process_not_running: there is no admin.json, or nobody takes connections at its address. One small request is made.
  static Result<Client> find(FileSystem& files, const std::string& data_dir, net::HttpClient& http);

  // The body of a 2xx answer. Any other becomes the error that the body names (its code, message), or
  // unexpected_answer. `path` begins with a slash and may have a query.
  Result<std::string> get(std::string_view path, const net::Call& call) const;
  Result<std::string> post(std::string_view path, std::string json, const net::Call& call) const;
  const std::string& address() const { return admin_.address; }

private:
  Client(AdminFile admin, net::HttpClient& http) : admin_(std::move(admin)), http_(&http) {}
  Result<std::string> send(net::Request request, const net::Call& call) const;

  AdminFile admin_;
  net::HttpClient* http_;
};

// Percent-encodes a query value.
std::string encode_query(std::string_view value);

}  // namespace capstan::api
