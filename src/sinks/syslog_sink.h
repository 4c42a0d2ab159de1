// The syslog sink's options and class, for its declaration and its tests.
#pragma once

#include <variant>

#include "base/clock.h"
#include "component/sink.h"
#include "datagram_carrier.h"
#include "sinks/syslog_frame.h"
#include "stream_carrier.h"

namespace capstan::sinks {

struct SyslogOptions {
  enum class Transport : std::uint8_t { udp, tcp, tls };
  enum class Framing : std::uint8_t { by_transport, lf, octet_counting };
  struct Tls {
    std::string ca_file;
    std::string server_name;
    bool verify = true;
    Secret certificate;
  };

  std::string address;
  Transport transport = Transport::tcp;
  SyslogFormat format = SyslogFormat::rfc3164;
  Framing framing = Framing::by_transport;
  unsigned facility = 20;
  unsigned severity = 6;
  std::string host;
  std::string app_name;
  SyslogTime timestamp = SyslogTime::rfc3164;
  SyslogZone time_zone = SyslogZone::local;
  bool bom = false;
  Bytes max_message_bytes = 64_KiB;
  Tls tls;
  Bytes resend_window = 4_MiB;
  Duration resend_within = std::chrono::minutes(1);
  Duration resolve_every = std::chrono::seconds(30);
  // Of transport udp, reasons in datagram_carrier.h.
  std::uint32_t max_rate = 500;  // messages a second; 0: no limit
  std::uint32_t burst = 32;      // messages
};

class SyslogSink final : public Sink {
public:
  // The options have passed the rules of the declaration.
  SyslogSink(const SyslogOptions& options, const Clock& clock, Destination::LookUp look_up = net::resolve);
  ~SyslogSink() override;

  Result<> resume(std::string_view receipt) override;
  Result<Delivery> deliver(const Payload& payload, const Call& call) override;
  std::size_t may_have_arrived() const override;
  std::size_t has_delivered(const Payload& payload) const override;
  void before_resend(BeforeResend tell) override;
  Doubt doubt() const override;
  Proof proof() const override;
  Result<> settle(const Call& call) override;
  Result<> probe(const Call& call) override;
  void close() override;

private:
  using Carrier = std::variant<StreamCarrier, DatagramCarrier>;
  static Carrier make_carrier(const SyslogOptions& options, const Clock& clock, Destination::LookUp look_up);

  SyslogOptions options_;
  SyslogFrames frames_;
  Carrier carrier_;
};

}  // namespace capstan::sinks
