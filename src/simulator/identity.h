// The identity platform: gives tokens to one application and knows which of them are good. Not safe for threads.
#pragma once

#include <boost/json.hpp>

#include <deque>
#include <map>

#include "base/clock.h"
#include "net/http_server.h"
#include "simulator/simulator_options.h"

namespace capstan::simulator {

class Identity {
public:
  // The options with ids and secrets filled in.
  Identity(const SimulatorOptions& options, const Clock& clock);

  static bool serves(std::string_view path);
  net::ServerResponse respond(const net::ServerRequest& request);

  enum class Caller { nobody, unknown, application, legacy };
  // By the Authorization header: nobody when there is none, unknown when its token is not good.
  Caller caller(const net::ServerRequest& request) const;

  const std::string& secret() const { return secret_; }
  enum class OldSecret { expired, removed };
  void replace_secret(std::string secret, OldSecret old, bool revokes_tokens);
  // Replaces the secret when the options say that its time has come.
  void advance();

private:
  net::ServerResponse check_assertion(const net::ServerRequest& request, const std::vector<net::Header>& form,
                                      const std::string& tenant);
  net::ServerResponse grant(bool is_first_version);
  net::ServerResponse refuse(int status, std::string_view error, int code, std::string_view text);
  bool is_issued(const std::string& token) const;
  std::string guid();

  const SimulatorOptions& options_;
  const Clock& clock_;
  MonotonicTime start_;
  std::string secret_;
  std::map<std::string, OldSecret> old_secrets_;
  bool was_replaced_by_time_ = false;
  std::uint64_t issued_count_ = 0;
  std::uint64_t guids_ = 0;
  struct Issued {
    std::string token;
    MonotonicTime ends;
  };
  std::deque<Issued> issued_;  // the oldest first, at most tokens_max
};

}  // namespace capstan::simulator
