#include "syslog_sink.h"

#include <fmt/format.h>

#include <algorithm>

namespace capstan::sinks {
namespace {

// The largest datagram that UDP over IPv4 carries (RFC 5426, 3.2).
constexpr Bytes datagram_max{65'507};
SyslogFraming framing_of(const SyslogOptions& options) {
  if (options.transport == SyslogOptions::Transport::udp) return SyslogFraming::datagram;
  switch (options.framing) {
    case SyslogOptions::Framing::lf:
      return SyslogFraming::lf;
    case SyslogOptions::Framing::octet_counting:
      return SyslogFraming::octet_counting;
    case SyslogOptions::Framing::by_transport:
      break;
  }
  // RFC 5425, 4.3 knows octet counting only; over plain TCP most receivers expect LF (RFC 6587, 3.4.2).
  return options.transport == SyslogOptions::Transport::tls ? SyslogFraming::octet_counting : SyslogFraming::lf;
}

SyslogShape shape_of(const SyslogOptions& options) {
  const bool is_udp = options.transport == SyslogOptions::Transport::udp;
  return {.format = options.format,
          .framing = framing_of(options),
          .timestamp = options.timestamp,
          .zone = options.time_zone,
          .facility = options.facility,
          .severity = options.severity,
          .host = options.host,
          .app_name = options.app_name,
          .has_bom = options.bom,
          .message_max = is_udp ? std::min(options.max_message_bytes, datagram_max) : options.max_message_bytes};
}

StreamCarrier::Connect connect_of(const SyslogOptions& options) {
  if (options.transport == SyslogOptions::Transport::tcp) return net::connect_tcp;
  net::TlsOptions tls{.ca_file = options.tls.ca_file,
                      .server_name = options.tls.server_name,
                      .verify = options.tls.verify,
                      .certificate_pem = options.tls.certificate};
  // The certificate is made out to the name, not to the address that it stands for today.
  if (const auto address = net::parse_address(options.address); address && tls.server_name.empty() && tls.verify)
    tls.server_name = address->host;
  return [tls = std::move(tls)](const net::Address& literal, const Call& call) {
    return net::connect_tls(literal, tls, call);
  };
}

}  // namespace

SyslogSink::SyslogSink(const SyslogOptions& options, const Clock& clock, Destination::LookUp look_up)
    : options_(options), frames_(shape_of(options)), carrier_(make_carrier(options, clock, std::move(look_up))) {}

SyslogSink::Carrier SyslogSink::make_carrier(const SyslogOptions& options, const Clock& clock,
                                             Destination::LookUp look_up) {
  Destination destination(net::parse_address(options.address).value_or(net::Address{}), options.resolve_every, clock,
                          std::move(look_up));
  if (options.transport == SyslogOptions::Transport::udp)
    return DatagramCarrier(std::move(destination), TokenBucket(options.max_rate, options.burst), clock);
  return StreamCarrier(std::move(destination), connect_of(options),
                       ResendWindow(options.resend_window, options.resend_within), clock);
}

SyslogSink::~SyslogSink() { close(); }

Result<> SyslogSink::resume(std::string_view) { return {}; }

Result<Delivery> SyslogSink::deliver(const Payload& payload, const Call& call) {
  Delivery delivery;
  Frames frames = std::visit([](auto& carrier) { return carrier.take_spare(); }, carrier_);
  for (std::size_t i = 0; i < payload.messages.size(); ++i) {
    if (frames_.append(payload.message(i), payload.messages[i].time, frames.bytes) == SyslogFrames::Outcome::cut)
      ++delivery.cut;
    frames.ends.push_back(frames.bytes.size());
  }
  delivery.resent =
      TRY(std::visit([&](auto& carrier) { return carrier.carry(payload, std::move(frames), call); }, carrier_));
  delivery.accepted = payload.messages.size();
  return delivery;
}

Sink::Doubt SyslogSink::doubt() const {
  if (options_.transport == SyslogOptions::Transport::udp) return {};
  return {options_.resend_window, options_.resend_within};
}

Sink::Proof SyslogSink::proof() const {
  return options_.transport == SyslogOptions::Transport::udp ? Proof::not_provable : Proof::acknowledged_by_kernel;
}

std::size_t SyslogSink::may_have_arrived() const {
  return std::visit([](const auto& carrier) { return carrier.progress().sent_in_attempt(); }, carrier_);
}

std::size_t SyslogSink::has_delivered(const Payload& payload) const {
  return std::visit([&](const auto& carrier) { return carrier.progress().done_of(payload); }, carrier_);
}

void SyslogSink::before_resend(BeforeResend tell) {
  if (auto* stream = std::get_if<StreamCarrier>(&carrier_)) stream->before_resend(std::move(tell));
}

Result<> SyslogSink::settle(const Call& call) {
  auto* stream = std::get_if<StreamCarrier>(&carrier_);
  return stream == nullptr ? Result<>() : stream->settle(call);
}

Result<> SyslogSink::probe(const Call& call) {
  return std::visit([&](auto& carrier) { return carrier.probe(call); }, carrier_);
}

void SyslogSink::close() {
  std::visit([](auto& carrier) { carrier.close(); }, carrier_);
}

}  // namespace capstan::sinks
