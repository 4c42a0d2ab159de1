// One message → the bytes that a syslog receiver gets: header (RFC 3164 or RFC 5424), cut, frame (RFC 6587, RFC 5425).
//
//   rfc3164   <PRI>Mmm dd hh:mm:ss HOST TAG: message        a message that begins with CEF: or LEEF: is its own tag
//   (tag empty) rfc5424   <PRI>1 2026-11-24T16:08:23.045Z HOST APP - - - [BOM]message none      message for datagrams
//   only
//
//   octet_counting   LEN SP frame    LEN counts bytes; the frame may hold anything
//   lf               frame LF        LF, CR and NUL inside become a space
//   datagram         frame
//
// A frame of lf framing always begins with "<": rsyslog takes a leading digit for an octet count and drops the
// connection.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"

namespace capstan::sinks {

enum class SyslogFormat : std::uint8_t { rfc3164, rfc5424, none };
enum class SyslogFraming : std::uint8_t { lf, octet_counting, datagram };
enum class SyslogTime : std::uint8_t { rfc3164, iso8601 };
enum class SyslogZone : std::uint8_t { local, utc };

struct SyslogShape {
  SyslogFormat format = SyslogFormat::rfc3164;
  SyslogFraming framing = SyslogFraming::lf;
  SyslogTime timestamp = SyslogTime::rfc3164;  // of format rfc3164
  SyslogZone zone = SyslogZone::local;         // of timestamp rfc3164
  unsigned facility = 20;                      // 0-23 (RFC 5424, table 1); 20 = local4
  unsigned severity = 6;                       // 0-7 (table 2); 6 = info
  std::string host;                            // printable ASCII without blanks, not empty
  std::string app_name;                        // likewise; empty: the default that is said above, else "capstan"
  bool has_bom = false;                        // of format rfc5424
  Bytes message_max = 64_KiB;                  // of header and message together; at least 1 KiB
};

// Makes frames one after another. Used by one thread at a time (it remembers the second it last wrote).
class SyslogFrames {
public:
  enum class Outcome : std::uint8_t { whole, cut };

  explicit SyslogFrames(SyslogShape shape);

  // Appends one frame. A message that would be longer than message_max is cut at a UTF-8 border and ends with
  // " …[cut: sha256=<first 16 hex digits of the whole message's> length=<its bytes>]".
  Outcome append(std::string_view message, Timestamp time, std::string& out);

private:
  void write_header(std::string_view message, Timestamp time);
  std::string_view written_time(Timestamp time);

  SyslogShape shape_;
  std::string priority_;  // "<166>"
  std::string header_;    // of the message at hand
  std::string cut_;       // of the message at hand, when it is too long
  std::string time_;
  std::int64_t time_second_ = std::numeric_limits<std::int64_t>::min();
};

}  // namespace capstan::sinks
