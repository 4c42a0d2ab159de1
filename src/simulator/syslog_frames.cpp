#include "syslog_frames.h"

namespace capstan::simulator {
namespace {

constexpr std::size_t message_max = 64U << 20;
constexpr std::size_t count_digits_max = 9;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool SyslogFrames::add(std::string_view bytes, const OnMessage& on_message) {
  pending_ += bytes;
  if (pending_.empty()) return true;
  if (framing_ == Framing::unknown) framing_ = is_digit(pending_.front()) ? Framing::octets : Framing::lines;
  std::size_t done = 0;
  while (done < pending_.size()) {
    const std::string_view rest = std::string_view(pending_).substr(done);
    if (framing_ == Framing::lines) {
      const std::size_t end = rest.find('\n');
      if (end == std::string_view::npos) break;
      if (end > 0) on_message(rest.substr(0, end));
      done += end + 1;
      continue;
    }
    std::size_t digits = 0;
    std::size_t size = 0;
    for (; digits < rest.size() && digits < count_digits_max && is_digit(rest[digits]); ++digits)
      size = size * 10 + static_cast<std::size_t>(rest[digits] - '0');
    if (digits == rest.size()) break;
    if (digits == 0 || rest[digits] != ' ' || size == 0 || size > message_max) return false;
    if (rest.size() < digits + 1 + size) break;
    on_message(rest.substr(digits + 1, size));
    done += digits + 1 + size;
  }
  pending_.erase(0, done);
  return pending_.size() <= message_max + count_digits_max + 1;
}

void SyslogFrames::end(const OnMessage& on_message) {
  if (framing_ == Framing::lines && !pending_.empty()) on_message(pending_);
  pending_.clear();
}

std::optional<std::string> external_id_of(std::string_view message) {
  constexpr std::string_view key = "externalId=";
  // The extension begins behind the seventh bar of the header; bars within the header are escaped.
  std::size_t at = message.find("CEF:");
  if (at == std::string_view::npos) return std::nullopt;
  for (int bars = 0; bars < 7; ++at) {
    if (at >= message.size()) return std::nullopt;
    if (message[at] == '\\') {
      ++at;
    } else if (message[at] == '|') {
      ++bars;
    }
  }
  for (at = message.find(key, at); at != std::string_view::npos; at = message.find(key, at + 1))
    if (message[at - 1] == ' ' || message[at - 1] == '|') break;
  if (at == std::string_view::npos) return std::nullopt;
  std::string id;
  for (at += key.size(); at < message.size() && message[at] != ' ' && message[at] != '\n' && message[at] != '\r';
       ++at) {
    if (message[at] == '\\' && at + 1 < message.size()) ++at;
    id += message[at];
  }
  if (id.empty()) return std::nullopt;
  return id;
}

}  // namespace capstan::simulator
