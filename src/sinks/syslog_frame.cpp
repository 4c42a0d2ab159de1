#include "sinks/syslog_frame.h"

#include <fmt/format.h>

#include <cstring>
#include <ctime>

#include "base/digest.h"
#include "base/text.h"

namespace capstan::sinks {
namespace {

constexpr std::string_view default_app_name = "capstan";
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

// Every receiver reads "CEF:" behind the host as the tag, and SIEMs expect just that ("logger -t CEF '0|…'").
bool is_its_own_tag(std::string_view message) { return message.starts_with("CEF:") || message.starts_with("LEEF:"); }

std::string cut_mark(std::string_view message) {
  return fmt::format(" …[cut: sha256={} length={}]", sha256_hex(message).substr(0, 16), message.size());
}

// An escape cut in half ("\" without what it escapes) would swallow the mark's blank in a CEF parser.
std::string_view without_half_escape(std::string_view text) {
  const std::size_t last = text.find_last_not_of('\\');
  const std::size_t backslashes = text.size() - (last == std::string_view::npos ? 0 : last + 1);
  return backslashes % 2 == 0 ? text : text.substr(0, text.size() - 1);
}

void replace_line_breaks(char* text, std::size_t size) {
  for (const char broken : {'\n', '\r', '\0'}) {
    char* const end = text + size;
    for (char* at = text; at != end;) {
      at = static_cast<char*>(std::memchr(at, broken, static_cast<std::size_t>(end - at)));
      if (at == nullptr) break;
      *at++ = ' ';
    }
  }
}

// RFC 3164, 4.1.2: "Mmm dd hh:mm:ss", English months, the day padded with a blank.
std::string written_rfc3164(std::time_t second, SyslogZone zone) {
  static constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm parts{};
  if (zone == SyslogZone::utc)
    ::gmtime_r(&second, &parts);
  else
    ::localtime_r(&second, &parts);
  return fmt::format("{} {:2} {:02}:{:02}:{:02}", months[static_cast<std::size_t>(parts.tm_mon)], parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace

SyslogFrames::SyslogFrames(SyslogShape shape)
    : shape_(std::move(shape)), priority_(fmt::format("<{}>", shape_.facility * 8 + shape_.severity)) {}

SyslogFrames::Outcome SyslogFrames::append(std::string_view message, Timestamp time, std::string& out) {
  write_header(message, time);
  Outcome outcome = Outcome::whole;
  if (header_.size() + message.size() > shape_.message_max.count) {
    const std::string mark = cut_mark(message);
    const std::size_t taken = header_.size() + mark.size();
    const std::size_t room = shape_.message_max.count > taken ? shape_.message_max.count - taken : 0;
    cut_.assign(without_half_escape(cut_utf8(message, room)));
    cut_ += mark;
    message = cut_;
    outcome = Outcome::cut;
  }
  if (shape_.framing == SyslogFraming::octet_counting)
    fmt::format_to(std::back_inserter(out), "{} ", header_.size() + message.size());
  out += header_;
  const std::size_t begin = out.size();
  out += message;
  if (shape_.framing == SyslogFraming::lf) {
    replace_line_breaks(out.data() + begin, message.size());
    out += '\n';
  }
  return outcome;
}

void SyslogFrames::write_header(std::string_view message, Timestamp time) {
  header_.clear();
  if (shape_.format == SyslogFormat::none) return;
  header_ += priority_;
  if (shape_.format == SyslogFormat::rfc5424) {
    header_ += "1 ";
    header_ += written_time(time);
    header_ += ' ';
    header_ += shape_.host;
    header_ += ' ';
    header_ += shape_.app_name.empty() ? default_app_name : std::string_view(shape_.app_name);
    header_ += " - - - ";
    if (shape_.has_bom) header_ += byte_order_mark;
    return;
  }
  header_ += written_time(time);
  header_ += ' ';
  header_ += shape_.host;
  header_ += ' ';
  if (shape_.app_name.empty() && is_its_own_tag(message)) return;
  header_ += shape_.app_name.empty() ? default_app_name : std::string_view(shape_.app_name);
  header_ += ": ";
}

std::string_view SyslogFrames::written_time(Timestamp time) {
  if (shape_.format == SyslogFormat::rfc5424 || shape_.timestamp == SyslogTime::iso8601)
    return time_ = to_iso8601(time);
  const std::int64_t second = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  if (second != time_second_) {
    time_ = written_rfc3164(second, shape_.zone);
    time_second_ = second;
  }
  return time_;
}

}  // namespace capstan::sinks
