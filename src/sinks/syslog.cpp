#include "sinks/syslog.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "options.h"
#include "syslog_sink.h"

namespace capstan::sinks {
namespace {

using config::Findings;
using config::Node;

// RFC 5424, 6: HOSTNAME 255, APP-NAME 48 characters. RFC 3164 tags beyond its 32 pass every receiver tried (Devo's have
// more than 40).
constexpr std::size_t host_max = 255;
constexpr std::size_t app_name_rfc5424_max = 48;
constexpr std::size_t app_name_rfc3164_max = 255;
// Room for the longest header and the mark of a cut message.
constexpr Bytes message_max_lowest = 1_KiB;
constexpr Bytes message_max_highest = 16_MiB;

// Beyond this no limit would be the honest word.
constexpr std::uint32_t max_rate_highest = 1'000'000;
constexpr std::uint32_t burst_highest = 100'000;

bool is_printable_word(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 33 && c <= 126; });
}

std::string host_name() {
  std::array<char, host_max + 1> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  const std::string_view text(name.data());
  return text.empty() || !is_printable_word(text) ? "localhost" : std::string(text);
}

void address_is_host_and_port(const SyslogOptions& options, const Node& node, Findings& findings) {
  if (net::parse_address(options.address)) return;
  findings.add(
      ErrorCode::wrong_value, place_of(node, "address"),
      fmt::format("address: expected host:port such as siem.example:6514 or [::1]:514, got \"{}\"", options.address));
}

void names_fit_their_fields(const SyslogOptions& options, const Node& node, Findings& findings) {
  const bool is_rfc5424 = options.format == SyslogFormat::rfc5424;
  const std::size_t app_name_max = is_rfc5424 ? app_name_rfc5424_max : app_name_rfc3164_max;
  const auto check = [&](std::string_view option, const std::string& value, std::size_t size_max) {
    if (is_printable_word(value) && value.size() <= size_max) return;
    findings.add(ErrorCode::wrong_value, place_of(node, option),
                 fmt::format("{}: expected up to {} printable ASCII characters without blanks, got \"{}\"", option,
                             size_max, value));
  };
  check("host", options.host, host_max);
  check("app_name", options.app_name, app_name_max);
}

void format_none_is_for_datagrams(const SyslogOptions& options, const Node& node, Findings& findings) {
  if (options.format != SyslogFormat::none || options.transport == SyslogOptions::Transport::udp) return;
  findings.add(ErrorCode::conflicting_options, place_of(node, "format"),
               "format none is for transport udp only: over a stream a message without <PRI> makes receivers close the "
               "connection and "
               "lose what follows");
}

void framing_is_for_streams(const SyslogOptions& options, const Node& node, Findings& findings) {
  const auto& place = place_of(node, "framing");
  if (options.transport == SyslogOptions::Transport::udp && options.framing != SyslogOptions::Framing::by_transport)
    findings.add(ErrorCode::conflicting_options, place,
                 "framing is for transport tcp and tls; a datagram is its own frame");
  if (options.transport == SyslogOptions::Transport::tls && options.framing == SyslogOptions::Framing::lf)
    findings.warn(
        ErrorCode::conflicting_options, place,
        "framing lf over tls departs from RFC 5425, which demands octet counting; only some receivers take it");
}

void tls_options_are_for_tls(const SyslogOptions& options, const Node& node, Findings& findings) {
  const Node* tls = node.find("tls");
  if (tls != nullptr && options.transport != SyslogOptions::Transport::tls)
    findings.add(ErrorCode::conflicting_options, tls->place, "the options under tls are for transport tls");
  if (!options.tls.verify)
    findings.warn(ErrorCode::conflicting_options, place_of(*tls, "verify"),
                  "verify: false sends events to whoever answers; give ca_file instead");
}

void bom_is_for_rfc5424(const SyslogOptions& options, const Node& node, Findings& findings) {
  if (options.bom && options.format != SyslogFormat::rfc5424)
    findings.add(ErrorCode::conflicting_options, place_of(node, "bom"), "bom is for format rfc5424");
}

void datagrams_are_short(const SyslogOptions& options, const Node& node, Findings& findings) {
  if (options.transport != SyslogOptions::Transport::udp) return;
  findings.warn(
      ErrorCode::conflicting_options, place_of(node, "transport"),
      "over transport udp datagrams get lost unnoticed, and receivers need take no more than 2048 bytes of one "
      "(RFC 5426): status and verify call its events sent, not provable; use tcp or tls where events matter");
}

void pace_is_for_datagrams(const SyslogOptions& options, const Node& node, Findings& findings) {
  if (options.transport == SyslogOptions::Transport::udp) return;
  for (const char* option : {"max_rate", "burst"})
    if (node.find(option) != nullptr)
      findings.add(ErrorCode::conflicting_options, place_of(node, option),
                   fmt::format("{} is for transport udp; over tcp and tls the receiver sets the pace", option));
}

config::Schema<SyslogOptions::Tls> tls_schema() {
  config::Schema<SyslogOptions::Tls> s;
  s.option("ca_file", &SyslogOptions::Tls::ca_file,
           "PEM file with the certificate authorities to trust instead of the system's")
      .example("/etc/capstan/siem-ca.pem");
  s.option("server_name", &SyslogOptions::Tls::server_name,
           "name that the receiver's certificate must carry, when it is not the host of address")
      .example("siem.example");
  s.option("verify", &SyslogOptions::Tls::verify,
           "whether the receiver's certificate is verified (chain, name and validity)");
  s.option("certificate", &SyslogOptions::Tls::certificate,
           "client certificate, its chain and its private key, PEM, when the receiver wants one")
      .example("${file:/etc/capstan/client.pem}");
  return s;
}

std::vector<std::pair<std::string, unsigned>> facilities() {
  static constexpr std::array<const char*, 24> names = {"kern",   "user",   "mail",   "daemon", "auth",     "syslog",
                                                        "lpr",    "news",   "uucp",   "cron",   "authpriv", "ftp",
                                                        "ntp",    "audit",  "alert",  "clock",  "local0",   "local1",
                                                        "local2", "local3", "local4", "local5", "local6",   "local7"};
  std::vector<std::pair<std::string, unsigned>> values;
  for (unsigned i = 0; i < names.size(); ++i) values.emplace_back(names[i], i);
  return values;
}

config::Schema<SyslogOptions> schema() {
  using O = SyslogOptions;
  config::Schema<O> s;
  s.option("address", &O::address, "host and port of the receiver").required().example("siem.example:6514");
  s.choice("transport", &O::transport,
           {{"udp", O::Transport::udp}, {"tcp", O::Transport::tcp}, {"tls", O::Transport::tls}},
           "how messages travel; over udp they are sent, and nobody can say whether they arrived");
  s.choice("format", &O::format,
           {{"rfc3164", SyslogFormat::rfc3164}, {"rfc5424", SyslogFormat::rfc5424}, {"none", SyslogFormat::none}},
           "the header in front of every message; none sends the message alone (udp only)");
  s.choice("framing", &O::framing,
           {{"by_transport", O::Framing::by_transport},
            {"lf", O::Framing::lf},
            {"octet_counting", O::Framing::octet_counting}},
           "where a message ends on a stream: lf (the default of tcp) or octet_counting (the default of tls, RFC "
           "5425); syslog-ng's "
           "network() takes lf only, its syslog() octet_counting only, rsyslog takes both");
  s.choice("facility", &O::facility, facilities(), "facility of every message");
  s.choice("severity", &O::severity,
           {{"emerg", 0U},
            {"alert", 1U},
            {"crit", 2U},
            {"err", 3U},
            {"warning", 4U},
            {"notice", 5U},
            {"info", 6U},
            {"debug", 7U}},
           "severity of every message");
  s.option("host", &O::host, "host name in the header; the default is this machine's").example("collector.example");
  s.option("app_name", &O::app_name,
           "APP-NAME (rfc5424) or tag (rfc3164); by default a message that begins with CEF: or LEEF: is its own tag in "
           "rfc3164, as SIEMs "
           "expect it, and everything else is \"capstan\"")
      .example("mdca");
  s.choice("timestamp", &O::timestamp, {{"rfc3164", SyslogTime::rfc3164}, {"iso8601", SyslogTime::iso8601}},
           "event time in a rfc3164 header: \"Nov 24 16:08:23\" or \"2026-11-24T16:08:23.045Z\"");
  s.choice("time_zone", &O::time_zone, {{"local", SyslogZone::local}, {"utc", SyslogZone::utc}},
           "zone of the timestamp rfc3164, which does not name one: this machine's or UTC");
  s.option(
      "bom", &O::bom,
      "whether a rfc5424 message begins with a byte order mark, which the RFC asks for and most receivers trip over");
  s.option("max_message_bytes", &O::max_message_bytes,
           "longer messages, header included, are cut at a character border and marked with their length and hash; "
           "over udp never more than "
           "65507 bytes, and 2KiB is what every receiver should take")
      .range(message_max_lowest, message_max_highest);
  s.object("tls", &O::tls, tls_schema(), "TLS options");
  s.option("resend_window", &O::resend_window,
           "how much of what was delivered last is kept in memory and sent again after a connection broke, for the "
           "receiver may have died before it had stored it; 0B: only what was not acknowledged is sent again")
      .range(0_B, 64_MiB);
  s.option("resend_within", &O::resend_within,
           "what was delivered longer than this before the last delivery is not sent again")
      .range(Duration(std::chrono::seconds(1)), Duration(std::chrono::hours(24)));
  s.option(
       "resolve_every", &O::resolve_every,
       "how often the name in address is looked up again while events flow; when it no longer stands for the address "
       "in use, that connection is ended in order and delivery goes on at the new address")
      .range(Duration(std::chrono::seconds(1)), Duration(std::chrono::hours(1)));
  s.option("max_rate", &O::max_rate,
           "messages a second over udp; the default suits a receiver with Linux's default socket buffer. A message "
           "counts once for each 1.5 KiB that it begins. 0: no limit, for receivers with a large buffer")
      .range(std::uint32_t{0}, max_rate_highest);
  s.option("burst", &O::burst, "messages that may go out at once over udp after a pause")
      .range(std::uint32_t{1}, burst_highest);
  return s.rule(address_is_host_and_port)
      .rule(names_fit_their_fields)
      .rule(format_none_is_for_datagrams)
      .rule(framing_is_for_streams)
      .rule(tls_options_are_for_tls)
      .rule(bom_is_for_rfc5424)
      .rule(datagrams_are_short)
      .rule(pace_is_for_datagrams);
}

std::unique_ptr<Sink> make(const Node& node, const BuildContext& context, Findings& findings) {
  auto options = read_options(schema(), node, context.name, findings);
  if (!options) return nullptr;
  if (options->host.empty()) options->host = host_name();
  return std::make_unique<SyslogSink>(*options, context.world.clock);
}

}  // namespace

Kind<Sink> syslog_kind() {
  return {.name = "syslog",
          .summary = "Sends messages to a syslog receiver over UDP, TCP or TLS.",
          .options = schema().options(),
          .example =
              "type: syslog\n"
              "address: siem.example:6514\n"
              "transport: tls\n"
              "tls:\n"
              "  ca_file: /etc/capstan/siem-ca.pem\n",
          .make = make};
}

}  // namespace capstan::sinks
