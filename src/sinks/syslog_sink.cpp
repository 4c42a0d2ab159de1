#include "syslog_sink.h"

#include <fmt/format.h>

#include <algorithm>

namespace capstan::sinks {
namespace {

// The largest datagram that UDP over IPv4 carries (RFC 5426, 3.2).
constexpr Bytes datagram_max{65'507};
// A call whose time is used up still makes its next step for this long: it then ends with that step's own error.
constexpr Duration step_min{1};

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

}  // namespace

SyslogSink::SyslogSink(const SyslogOptions& options, const Clock& clock)
    : options_(options),
      clock_(clock),
      address_(net::parse_address(options.address).value_or(net::Address{})),
      frames_(shape_of(options)),
      window_(options.resend_window, options.resend_within) {}

SyslogSink::~SyslogSink() { close(); }

Result<> SyslogSink::resume(std::string_view) { return {}; }

Result<Delivery> SyslogSink::deliver(const Payload& payload, const Call& call) {
  return options_.transport == SyslogOptions::Transport::udp ? deliver_datagrams(payload, call)
                                                             : deliver_stream(payload, call);
}

Result<Delivery> SyslogSink::deliver_datagrams(const Payload& payload, const Call& call) {
  sent_ = 0;
  if (!datagrams_) datagrams_ = TRY(net::open_udp(address_, call));
  Delivery delivery;
  for (std::size_t i = 0; i < payload.messages.size(); ++i) {
    buffer_.clear();
    if (frames_.append(payload.message(i), payload.messages[i].time, buffer_) == SyslogFrames::Outcome::cut)
      ++delivery.cut;
    auto sent = call.stop.stop_requested()
                    ? Result<>(Error(ErrorCode::interrupted, fmt::format("sending to {}: stopped", options_.address)))
                    : datagrams_->send(buffer_);
    if (!sent) {
      sent_ = i;
      uncertain_ = std::max<std::uint64_t>(uncertain_, i);
      datagrams_.reset();  // the name may stand for another address by the next attempt
      return sent.error();
    }
  }
  delivery.accepted = payload.messages.size();
  delivery.resent = take_resent(payload.messages.size());
  return delivery;
}

Result<Delivery> SyslogSink::deliver_stream(const Payload& payload, const Call& call) {
  Delivery delivery;
  sent_ = 0;
  buffer_.clear();
  for (std::size_t i = 0; i < payload.messages.size(); ++i)
    if (frames_.append(payload.message(i), payload.messages[i].time, buffer_) == SyslogFrames::Outcome::cut)
      ++delivery.cut;

  const MonotonicTime begin = clock_.monotonic();
  TRY(ensure_connected(call));
  sent_ = payload.messages.size();
  if (auto written = write_frames(rest_of(call, begin)); !written) {
    stream_.reset();
    has_broken_ = true;
    uncertain_ = std::max<std::uint64_t>(uncertain_, payload.messages.size());
    return written.error();
  }
  window_.add({std::exchange(buffer_, {}), payload.messages.size(), clock_.monotonic()});
  buffer_ = window_.take_spare();
  delivery.accepted = payload.messages.size();
  delivery.resent = take_resent(payload.messages.size());
  return delivery;
}

Result<> SyslogSink::write_frames(const Call& call) {
  const MonotonicTime begin = clock_.monotonic();
  TRY(stream_->write(buffer_, call));
  return stream_->wait_acknowledged(rest_of(call, begin));
}

Result<> SyslogSink::ensure_connected(const Call& call) {
  const MonotonicTime begin = clock_.monotonic();
  // Writing nothing looks at the peer: a receiver that was restarted while nothing was to be sent has closed.
  if (stream_ && !stream_->write({}, call)) {
    stream_.reset();
    has_broken_ = true;
  }
  if (stream_) return {};
  stream_ = TRY(connect(rest_of(call, begin)));
  if (!has_broken_) return {};
  auto sent = resend(call);
  if (!sent) stream_.reset();
  return sent;
}

// Each entry has the call's whole time: the window of a slow line may take longer than one payload, and starting over
// would never end.
Result<> SyslogSink::resend(const Call& call) {
  for (const auto& entry : window_.entries()) {
    if (before_resend_) TRY(before_resend_(entry.messages));
    window_resent_ += entry.messages;
    TRY(stream_->write(entry.frames, call).during("sending the last messages again"));
  }
  has_broken_ = false;
  return {};
}

Result<std::unique_ptr<net::Stream>> SyslogSink::connect(const Call& call) const {
  if (options_.transport == SyslogOptions::Transport::tcp) return net::connect_tcp(address_, call);
  return net::connect_tls(address_,
                          {.ca_file = options_.tls.ca_file,
                           .server_name = options_.tls.server_name,
                           .verify = options_.tls.verify,
                           .certificate_pem = options_.tls.certificate},
                          call);
}

Call SyslogSink::rest_of(const Call& call, MonotonicTime begin) const {
  const auto used = std::chrono::duration_cast<Duration>(clock_.monotonic() - begin);
  return {std::max(step_min, call.timeout - used), call.stop};
}

std::uint64_t SyslogSink::take_resent(std::uint64_t messages) {
  const std::uint64_t again = std::min(std::exchange(uncertain_, 0), messages);
  return again + std::exchange(window_resent_, 0);
}

Sink::Doubt SyslogSink::doubt() const {
  if (options_.transport == SyslogOptions::Transport::udp) return {};
  return {options_.resend_window, options_.resend_within};
}

Sink::Proof SyslogSink::proof() const {
  return options_.transport == SyslogOptions::Transport::udp ? Proof::not_provable : Proof::acknowledged_by_kernel;
}

Result<> SyslogSink::probe(const Call& call) {
  if (options_.transport == SyslogOptions::Transport::udp) {
    TRY(net::open_udp(address_, call));
    return {};
  }
  TRY(connect(call))->close();
  return {};
}

void SyslogSink::close() {
  // After an orderly end the receiver has read everything: nothing would have to be sent again.
  if (stream_) stream_->close();
  stream_.reset();
  datagrams_.reset();
}

}  // namespace capstan::sinks
