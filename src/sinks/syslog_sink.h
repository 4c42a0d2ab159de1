// The syslog sink's options and class, for its declaration and its tests.
#pragma once

#include <memory>

#include "base/clock.h"
#include "component/sink.h"
#include "net/stream.h"
#include "resend_window.h"
#include "sinks/syslog_frame.h"

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
};

class SyslogSink final : public Sink {
public:
  // The options have passed the rules of the declaration.
  SyslogSink(const SyslogOptions& options, const Clock& clock);
  ~SyslogSink() override;

  Result<> resume(std::string_view receipt) override;
  Result<Delivery> deliver(const Payload& payload, const Call& call) override;
  std::size_t may_have_arrived() const override { return sent_; }
  void before_resend(BeforeResend tell) override { before_resend_ = std::move(tell); }
  Doubt doubt() const override;
  Proof proof() const override;
  Result<> probe(const Call& call) override;
  void close() override;

private:
  Result<Delivery> deliver_datagrams(const Payload& payload, const Call& call);
  Result<Delivery> deliver_stream(const Payload& payload, const Call& call);
  Result<> write_frames(const Call& call);
  Result<> ensure_connected(const Call& call);
  Result<> resend(const Call& call);
  Result<std::unique_ptr<net::Stream>> connect(const Call& call) const;
  // The call with what is left of its time since `begin`.
  Call rest_of(const Call& call, MonotonicTime begin) const;
  std::uint64_t take_resent(std::uint64_t messages);

  SyslogOptions options_;
  const Clock& clock_;
  net::Address address_;
  SyslogFrames frames_;
  std::unique_ptr<net::Stream> stream_;
  std::unique_ptr<net::Datagrams> datagrams_;
  ResendWindow window_;
  bool has_broken_ = false;  // the window has to go out before anything else
  std::string buffer_;       // the frames of the payload at hand
  BeforeResend before_resend_;
  std::size_t sent_ = 0;             // messages of the payload at hand that this attempt may have brought
  std::uint64_t uncertain_ = 0;      // messages of the payload that failed last which may have arrived
  std::uint64_t window_resent_ = 0;  // messages of the window that were sent again and not reported yet
};

}  // namespace capstan::sinks
