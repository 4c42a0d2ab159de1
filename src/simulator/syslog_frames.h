// Syslog messages out of a TCP stream (RFC 6587), cut wherever the network cuts it. A stream that begins with a digit
// counts octets (3.4.1), any other ends its messages with LF (3.4.2).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace capstan::simulator {

class SyslogFrames {
public:
  using OnMessage = std::function<void(std::string_view)>;

  // False when the framing is wrong: nothing after it can be understood.
  bool add(std::string_view bytes, const OnMessage& on_message);
  // The stream is over: an unfinished line is a message, an unfinished count of octets is not.
  void end(const OnMessage& on_message);

private:
  enum class Framing { unknown, octets, lines } framing_ = Framing::unknown;
  std::string pending_;
};

// The value of externalId in a CEF line, escapes undone (an id holds no blank); nothing when it has none.
std::optional<std::string> external_id_of(std::string_view message);

}  // namespace capstan::simulator
