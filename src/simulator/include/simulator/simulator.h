// The embedded tenant behind a real socket: `capstan simulate`, `capstan demo` and tests.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "simulator/tenant_model.h"

namespace capstan::simulator {

struct ListenOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: any
  // HTTPS with a certificate made at the start for "localhost" and the address. Its PEM is written to `ca_file` (a
  // temporary file where that is empty), for clients to trust.
  bool use_tls = false;
  std::string ca_file;
};

class Simulator {
public:
  // Serves until destroyed. Errors: those of TenantModel::create, port_in_use, file_not_writable.
  static Result<Simulator> start(SimulatorOptions options, const ListenOptions& listen, const Clock& clock);
  Simulator(Simulator&&) noexcept;
  Simulator& operator=(Simulator&&) noexcept;
  ~Simulator();

  std::uint16_t port() const;
  // "http://127.0.0.1:34567"; api_url and authority are the same.
  const std::string& url() const;
  // Empty without TLS.
  const std::string& ca_file() const;
  // One JSON line without its newline: api_url, authority, tenant_id, client_id, client_secret, api_token, files_token,
  // and ca_file when TLS is on.
  std::string ready_line() const;
  TenantModel& tenant();

private:
  struct Impl;
  explicit Simulator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace capstan::simulator
