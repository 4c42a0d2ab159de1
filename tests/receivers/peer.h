// A real syslog receiver as a child process, in a directory of its own, on a port of 127.0.0.1, that writes what
// arrives to a file.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "certificates_for_test.h"
#include "payload_for_test.h"

namespace capstan::receivers {

enum class Program { rsyslog, syslog_ng };
enum class Transport { tcp_lf, tcp_octet_counting, tls, udp };

std::string to_string(Program program);
std::string to_string(Transport transport);

class Peer {
public:
  // Why it cannot run here ("rsyslogd is not installed"); nothing: it can.
  static std::optional<std::string> missing(Program program, Transport transport);

  Peer(Program program, Transport transport);
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer();

  // Returns when it takes connections (for UDP: has bound its port). Throws when it does not within ten seconds.
  void start();
  // Sends the signal to the process that start made and waits until it has ended.
  void stop(int signal);

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string ca_file() const { return path("ca.pem"); }
  // Certificate and key for a client; the receiver demands one over TLS.
  std::string client_pem() const { return client_.certificate_pem() + client_.key_pem(); }
  // What has been written so far.
  std::string received() const;

private:
  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  void write(const std::string& name, const std::string& text) const;
  std::string rsyslog_configuration() const;
  std::string syslog_ng_configuration() const;
  std::vector<std::string> command() const;
  bool is_listening() const;

  Program program_;
  Transport transport_;
  sinks::OwnDirectory directory_;
  std::uint16_t port_ = 0;
  net::test::Identity authority_;
  net::test::Identity server_;
  net::test::Identity client_;
  pid_t process_ = -1;
};

}  // namespace capstan::receivers
