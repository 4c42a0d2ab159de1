// Any messages, framed one after another, come out of a receiver's de-framer as the same messages: none lost, none
// split, none joined. The de-framers are written here from RFC 6587, section 3.4, and share no code with the sink.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "sinks/syslog_frame.h"

namespace {

using capstan::sinks::SyslogFormat;
using capstan::sinks::SyslogFrames;
using capstan::sinks::SyslogFraming;
using capstan::sinks::SyslogShape;
using capstan::sinks::SyslogTime;
using capstan::sinks::SyslogZone;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "syslog frames: %s\n", what);
  std::abort();
}

// 3.4.2: everything up to a line feed is a message; a receiver that also counts octets takes a leading digit for a
// count.
std::vector<std::string> split_lines(std::string_view stream) {
  std::vector<std::string> frames;
  while (!stream.empty()) {
    require(stream.front() == '<', "a line does not begin with a priority");
    const std::size_t end = stream.find('\n');
    require(end != std::string_view::npos, "the last line has no end");
    frames.emplace_back(stream.substr(0, end));
    stream.remove_prefix(end + 1);
  }
  return frames;
}

// 3.4.1: MSG-LEN SP SYSLOG-MSG, MSG-LEN without a leading zero.
std::vector<std::string> split_counted(std::string_view stream) {
  std::vector<std::string> frames;
  while (!stream.empty()) {
    require(stream.front() >= '1' && stream.front() <= '9', "a count does not begin with a digit from 1 to 9");
    std::size_t length = 0;
    while (!stream.empty() && stream.front() >= '0' && stream.front() <= '9') {
      length = length * 10 + static_cast<std::size_t>(stream.front() - '0');
      require(length <= 100U << 20, "a count is beyond everything");
      stream.remove_prefix(1);
    }
    require(!stream.empty() && stream.front() == ' ', "no blank stands behind the count");
    stream.remove_prefix(1);
    require(length <= stream.size(), "a count is larger than what follows");
    frames.emplace_back(stream.substr(0, length));
    stream.remove_prefix(length);
  }
  return frames;
}

// Takes numbers and messages from the fuzzer's bytes.
class Input {
public:
  Input(const std::uint8_t* bytes, std::size_t size) : rest_(reinterpret_cast<const char*>(bytes), size) {}
  unsigned number() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  // A length byte (times 16, so that cuts happen) and so many bytes.
  std::string_view message() {
    const auto size = std::min<std::size_t>(number() * 16U + number() % 16U, rest_.size());
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  bool is_empty() const { return rest_.empty(); }

private:
  std::string_view rest_;
};

SyslogShape shape_from(Input& input) {
  SyslogShape shape;
  const unsigned choice = input.number();
  shape.format = (choice & 1U) != 0 ? SyslogFormat::rfc5424 : SyslogFormat::rfc3164;
  shape.framing = (choice & 2U) != 0 ? SyslogFraming::octet_counting : SyslogFraming::lf;
  shape.timestamp = (choice & 4U) != 0 ? SyslogTime::iso8601 : SyslogTime::rfc3164;
  shape.zone = SyslogZone::utc;
  shape.has_bom = (choice & 8U) != 0;
  if ((choice & 16U) != 0) shape.app_name = "tag";
  shape.facility = input.number() % 24;
  shape.severity = input.number() % 8;
  shape.host = "host";
  shape.message_max = capstan::Bytes{1024 + input.number()};
  return shape;
}

std::string with_blanks(std::string text) {
  for (char& c : text)
    if (c == '\n' || c == '\r' || c == '\0') c = ' ';
  return text;
}

// The frame ends with the message, whole or cut and marked.
void check(const std::string& frame, std::string_view message, const SyslogShape& shape,
           SyslogFrames::Outcome outcome) {
  const bool is_lf = shape.framing == SyslogFraming::lf;
  const std::string whole = is_lf ? with_blanks(std::string(message)) : std::string(message);
  require(frame.size() <= shape.message_max.count, "a frame is longer than its limit");
  const std::string priority = "<" + std::to_string(shape.facility * 8 + shape.severity) + ">";
  require(frame.starts_with(priority), "a frame does not begin with its priority");
  if (outcome == SyslogFrames::Outcome::whole) {
    require(frame.ends_with(whole), "a message has been changed");
    return;
  }
  const std::string length = " length=" + std::to_string(message.size()) + "]";
  require(frame.ends_with(length), "a cut message does not say its length");
  const std::size_t mark = frame.rfind(" …[cut: sha256=");
  require(mark != std::string::npos, "a cut message is not marked");
  if (capstan::is_utf8(message)) require(capstan::is_utf8(frame), "a cut went through a character");
  // No more was cut than had to be, and what is left behind the header is the message's beginning.
  constexpr std::size_t header_max = 100;
  constexpr std::size_t character_and_escape_max = 4;
  require(frame.size() + character_and_escape_max >= shape.message_max.count, "more was cut than had to be");
  const std::string_view kept = std::string_view(frame).substr(0, mark);
  bool is_prefix = false;
  for (std::size_t begin = priority.size(); begin <= header_max && !is_prefix; ++begin)
    is_prefix = std::string_view(whole).starts_with(kept.substr(begin));
  require(is_prefix, "a cut message does not begin like the whole one");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  constexpr std::size_t messages_max = 64;
  Input input(bytes, size);
  const SyslogShape shape = shape_from(input);
  SyslogFrames frames(shape);
  std::vector<std::string_view> messages;
  std::vector<SyslogFrames::Outcome> outcomes;
  std::string stream;
  while (!input.is_empty() && messages.size() < messages_max) {
    const auto time = capstan::from_epoch_ms(static_cast<std::int64_t>(input.number()) * 12'345'678'901);
    messages.push_back(input.message());
    outcomes.push_back(frames.append(messages.back(), time, stream));
  }
  const auto received = shape.framing == SyslogFraming::lf ? split_lines(stream) : split_counted(stream);
  require(received.size() == messages.size(), "not as many messages came out as went in");
  for (std::size_t i = 0; i < messages.size(); ++i) check(received[i], messages[i], shape, outcomes[i]);
  return 0;
}
