#include "peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace capstan::receivers {
namespace {

using namespace std::chrono_literals;

constexpr auto start_max = 10s;
constexpr auto stop_max = 20s;
constexpr const char* rsyslogd = "/usr/sbin/rsyslogd";
constexpr const char* rsyslog_tls_module = "/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_ossl.so";

std::string syslog_ng_directory() {
  const char* given = std::getenv("CAPSTAN_SYSLOG_NG");
  return given != nullptr ? given : CAPSTAN_PEERS "/syslog-ng";
}

std::uint16_t free_port(int kind) {
  const int socket = ::socket(AF_INET, kind | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(socket, reinterpret_cast<sockaddr*>(&address), size) != 0) throw std::runtime_error("no free port");
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(socket);
  return ntohs(address.sin_port);
}

}  // namespace

std::string to_string(Program program) { return program == Program::rsyslog ? "rsyslog" : "syslog_ng"; }

std::string to_string(Transport transport) {
  switch (transport) {
    case Transport::tcp_lf:
      return "tcp_lf";
    case Transport::tcp_octet_counting:
      return "tcp_octet_counting";
    case Transport::tls:
      return "tls";
    case Transport::udp:
      return "udp";
  }
  return "";
}

std::optional<std::string> Peer::missing(Program program, Transport transport) {
  namespace fs = std::filesystem;
  if (program == Program::syslog_ng) {
    if (!fs::exists(syslog_ng_directory() + "/usr/sbin/syslog-ng"))
      return "syslog-ng is not there; run tools/fetch-syslog-ng";
    return std::nullopt;
  }
  if (!fs::exists(rsyslogd)) return "rsyslogd is not installed";
  if (transport == Transport::tls && !fs::exists(rsyslog_tls_module))
    return "the package rsyslog-openssl is not installed";
  return std::nullopt;
}

Peer::Peer(Program program, Transport transport)
    : program_(program),
      transport_(transport),
      port_(free_port(transport == Transport::udp ? SOCK_DGRAM : SOCK_STREAM)),
      authority_(net::test::make_identity({.common_name = "authority", .is_authority = true})),
      server_(net::test::make_identity({.common_name = "receiver", .alternative_names = "IP:127.0.0.1"}, &authority_)),
      client_(net::test::make_identity({.common_name = "capstan"}, &authority_)) {
  write("ca.pem", authority_.certificate_pem());
  write("server.pem", server_.certificate_pem());
  write("server.key", server_.key_pem());
  write("received.log", "");
  write("peer.conf", program == Program::rsyslog ? rsyslog_configuration() : syslog_ng_configuration());
}

Peer::~Peer() {
  if (process_ > 0) stop(SIGKILL);
}

void Peer::write(const std::string& name, const std::string& text) const {
  std::ofstream(path(name), std::ios::binary) << text;
}

std::string Peer::received() const {
  std::ifstream in(path("received.log"), std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string Peer::rsyslog_configuration() const {
  std::string configuration = fmt::format("global(workDirectory=\"{}\" maxMessageSize=\"256k\"", directory_.path());
  if (transport_ == Transport::tls)
    configuration += fmt::format(
        " DefaultNetstreamDriver=\"ossl\" DefaultNetstreamDriverCAFile=\"{}\" DefaultNetstreamDriverCertFile=\"{}\" "
        "DefaultNetstreamDriverKeyFile=\"{}\"",
        path("ca.pem"), path("server.pem"), path("server.key"));
  configuration += ")\n";
  const bool is_udp = transport_ == Transport::udp;
  if (transport_ == Transport::tls)
    configuration +=
        "module(load=\"imtcp\" StreamDriver.Name=\"ossl\" StreamDriver.Mode=\"1\" "
        "StreamDriver.AuthMode=\"x509/certvalid\")\n";
  else
    configuration += fmt::format("module(load=\"{}\")\n", is_udp ? "imudp" : "imtcp");
  // The queue in memory is rsyslog's own default: what is in it when the process is killed is lost.
  configuration += fmt::format(
      "template(name=\"as_it_came\" type=\"string\" string=\"%rawmsg%\\n\")\n"
      "input(type=\"{}\" address=\"127.0.0.1\" port=\"{}\" ruleset=\"all\")\n"
      "ruleset(name=\"all\" queue.type=\"LinkedList\") {{ action(type=\"omfile\" file=\"{}\" template=\"as_it_came\") "
      "}}\n",
      is_udp ? "imudp" : "imtcp", port_, path("received.log"));
  return configuration;
}

std::string Peer::syslog_ng_configuration() const {
  const std::string where = fmt::format("ip(\"127.0.0.1\") port({}) flags(no-parse, store-raw-message)", port_);
  std::string source;
  switch (transport_) {
    case Transport::tcp_lf:
      source = fmt::format("network({} transport(\"tcp\"))", where);
      break;
    case Transport::tcp_octet_counting:
      source = fmt::format("syslog({} transport(\"tcp\"))", where);
      break;
    case Transport::udp:
      source = fmt::format("network({} transport(\"udp\"))", where);
      break;
    case Transport::tls:
      source = fmt::format(
          "syslog({} transport(\"tls\") tls(key-file(\"{}\") cert-file(\"{}\") ca-file(\"{}\") "
          "peer-verify(required-trusted)))",
          where, path("server.key"), path("server.pem"), path("ca.pem"));
      break;
  }
  return fmt::format(
      "@version: 3.38\n"
      "options {{ log-msg-size(262144); stats-freq(0); use-dns(no); dns-cache(no); }};\n"
      "source incoming {{ {}; }};\n"
      "destination received {{ file(\"{}\" template(\"${{RAWMSG}}\\n\")); }};\n"
      "log {{ source(incoming); destination(received); flags(flow-control); }};\n",
      source, path("received.log"));
}

std::vector<std::string> Peer::command() const {
  if (program_ == Program::rsyslog) return {rsyslogd, "-n", "-f", path("peer.conf"), "-i", path("peer.pid")};
  const std::string root = syslog_ng_directory();
  const std::string libraries =
      root + "/usr/lib/x86_64-linux-gnu:" + root + "/lib/x86_64-linux-gnu:" + root + "/usr/lib/syslog-ng";
  return {"/usr/bin/env",
          "LD_LIBRARY_PATH=" + libraries,
          root + "/usr/sbin/syslog-ng",
          "-F",
          "--no-caps",
          "--module-path=" + root + "/usr/lib/syslog-ng/3.38",
          "-f",
          path("peer.conf"),
          "-R",
          path("persist"),
          "-p",
          path("peer.pid"),
          "-c",
          path("control")};
}

void Peer::start() {
  const auto words = command();
  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::string log = path("peer.out");
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  const int error_number = ::posix_spawn(&process_, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error_number != 0) throw std::runtime_error("could not start " + words[0]);

  const auto end = std::chrono::steady_clock::now() + start_max;
  while (!is_listening()) {
    const bool has_ended = ::waitpid(process_, nullptr, WNOHANG) == process_;
    if (has_ended || std::chrono::steady_clock::now() > end) {
      if (has_ended) process_ = -1;
      std::ifstream in(log);
      throw std::runtime_error(to_string(program_) +
                               " does not listen: " + std::string(std::istreambuf_iterator<char>(in), {}));
    }
    std::this_thread::sleep_for(10ms);
  }
}

// Looks at the kernel's table instead of connecting: a connection without a message would be logged, and is not
// possible over UDP.
bool Peer::is_listening() const {
  std::ifstream table(transport_ == Transport::udp ? "/proc/net/udp" : "/proc/net/tcp");
  const std::string local =
      fmt::format(" 0100007F:{:04X} 00000000:0000 {}", port_, transport_ == Transport::udp ? "07" : "0A");
  const std::string text(std::istreambuf_iterator<char>(table), {});
  return text.contains(local);
}

void Peer::stop(int signal) {
  ::kill(process_, signal);
  const auto end = std::chrono::steady_clock::now() + stop_max;
  while (::waitpid(process_, nullptr, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > end) ::kill(process_, SIGKILL);
    std::this_thread::sleep_for(5ms);
  }
  process_ = -1;
}

}  // namespace capstan::receivers
