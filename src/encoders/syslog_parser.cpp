#include "encoders/syslog_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "encoders/device_date.h"

namespace capstan {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr int priority_max = 191;
constexpr int severities = 8;

// RFC 5424 section 6.2.1; the names are syslog.h's.
constexpr std::array<std::string_view, 24> facilities{"kern",   "user",   "mail",   "daemon", "auth",     "syslog",
                                                      "lpr",    "news",   "uucp",   "cron",   "authpriv", "ftp",
                                                      "ntp",    "audit",  "alert",  "clock",  "local0",   "local1",
                                                      "local2", "local3", "local4", "local5", "local6",   "local7"};
constexpr std::array<std::string_view, severities> severity_names{"emerg",   "alert",  "crit", "err",
                                                                  "warning", "notice", "info", "debug"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class SyslogParser {
public:
  SyslogParser(std::string_view line, Timestamp now) : line_(line), now_(now) {
    while (!line_.empty() && (line_.back() == '\n' || line_.back() == '\r')) line_.remove_suffix(1);
  }

  Result<SyslogMessage> message() {
    pass_octet_count();
    const bool has_priority = TRY(priority());
    if (has_priority && begins_5424()) {
      TRY(header_5424());
    } else {
      const bool has_date = date_3164();
      if (!has_priority && !has_date) return wrong(0, "expected <PRI> or a date");
      if (has_date) host_3164();
      tag_3164();
    }
    std::string_view text = rest();
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    message_.message = text;
    return std::move(message_);
  }

private:
  std::string_view rest() const { return line_.substr(std::min(at_, line_.size())); }
  void pass_blanks() { at_ = std::min(line_.find_first_not_of(' ', at_), line_.size()); }

  // "123 <14>…": a frame that was written into a file with its count.
  void pass_octet_count() {
    std::size_t digits = 0;
    while (digits < line_.size() && is_digit(line_[digits])) ++digits;
    if (digits > 0 && line_.substr(digits).starts_with(" <")) at_ = digits + 1;
  }

  Result<bool> priority() {
    if (!rest().starts_with('<')) return false;
    const char* const begin = line_.data() + at_ + 1;
    const char* const end = line_.data() + line_.size();
    int value = 0;
    const auto [stop, failure] = std::from_chars(begin, end, value);
    if (failure != std::errc{} || stop == end || *stop != '>' || value < 0 || value > priority_max)
      return wrong(at_, fmt::format("expected a number from 0 to {} between \"<\" and \">\"", priority_max));
    message_.facility = value / severities;
    message_.severity = value % severities;
    at_ = static_cast<std::size_t>(stop - line_.data()) + 1;
    return true;
  }

  // "1 " and what may be a time; "1 cup of coffee" is text.
  bool begins_5424() const {
    const std::string_view text = rest();
    return text.size() > 2 && text.starts_with("1 ") && (text[2] == '-' || is_digit(text[2]));
  }

  Result<> header_5424() {
    message_.is_5424 = true;
    at_ += 2;
    const std::size_t time_begin = at_;
    const std::string time = TRY(word("a time"));
    if (!time.empty()) {
      message_.time = parse_iso8601(time);
      if (!message_.time) return wrong(time_begin, fmt::format("expected a time or \"-\", got \"{}\"", time));
    }
    message_.host = TRY(word("a host"));
    message_.application = TRY(word("an application"));
    message_.process_id = TRY(word("a process id"));
    message_.message_id = TRY(word("a message id"));
    return structured_data();
  }

  // Up to a blank; "-" is nothing.
  Result<std::string> word(std::string_view what) {
    const std::size_t end = std::min(line_.find(' ', at_), line_.size());
    if (end == at_) return wrong(at_, fmt::format("expected {} or \"-\"", what));
    std::string text(line_.substr(at_, end - at_));
    at_ = std::min(end + 1, line_.size());
    if (text == "-") return std::string{};
    return text;
  }

  // Some senders leave the structured data out: what stands there is the message then.
  Result<> structured_data() {
    if (rest().starts_with('-')) {
      at_ += 1;
    } else {
      while (rest().starts_with('[')) TRY(element());
    }
    if (rest().starts_with(' ')) at_ += 1;
    return {};
  }

  Result<> element() {
    ++at_;
    StructuredElement element;
    element.id = name();
    if (element.id.empty()) return wrong(at_, "expected the name of structured data");
    for (;;) {
      pass_blanks();
      if (rest().starts_with(']')) break;
      std::string parameter = name();
      if (parameter.empty() || !rest().starts_with("=\"")) return wrong(at_, "expected name=\"value\" or \"]\"");
      at_ += 2;
      element.parameters.emplace_back(std::move(parameter), TRY(quoted()));
    }
    ++at_;
    message_.structured_data.push_back(std::move(element));
    return {};
  }

  std::string name() {
    const std::size_t end = std::min(line_.find_first_of(" =]\"", at_), line_.size());
    std::string text(line_.substr(at_, end - at_));
    at_ = end;
    return text;
  }

  // Behind the opening quote to behind the closing one. A backslash before anything else is itself (section 6.3.3).
  Result<std::string> quoted() {
    const std::size_t begin = at_;
    std::string value;
    for (; at_ < line_.size(); ++at_) {
      if (line_[at_] == '"') {
        ++at_;
        return value;
      }
      const bool is_escape =
          line_[at_] == '\\' && at_ + 1 < line_.size() && std::string_view("\"\\]").contains(line_[at_ + 1]);
      if (is_escape) ++at_;
      value += line_[at_];
    }
    return wrong(begin, "expected \"\\\"\" behind the value");
  }

  // RFC 3164's date, with a year or not, or ISO 8601 as newer daemons write it.
  bool date_3164() {
    const std::size_t begin = at_;
    pass_blanks();
    if (const auto date = read_month_date(rest(), now_)) {
      message_.time = date->time;
      at_ += date->size;
    } else {
      const std::string_view word = rest().substr(0, rest().find(' '));
      message_.time = word.contains('T') ? parse_iso8601(word) : std::nullopt;
      if (!message_.time) {
        at_ = begin;
        return false;
      }
      at_ += word.size();
    }
    if (rest().starts_with(':')) ++at_;
    pass_blanks();
    return true;
  }

  bool begins_event() const { return rest().starts_with("CEF:") || rest().starts_with("LEEF:"); }

  // A word that is no tag. Where nothing follows it is the message.
  void host_3164() {
    if (begins_event()) return;
    const std::string_view word = rest().substr(0, rest().find(' '));
    if (word.size() == rest().size() || word.ends_with(':') || word.contains('[')) return;
    message_.host = word;
    at_ += word.size();
    pass_blanks();
  }

  // "sshd[12]: " or "sshd: ". A first word that is followed by neither is text.
  void tag_3164() {
    pass_blanks();
    if (begins_event()) return;
    constexpr std::size_t tag_size_max = 128;  // 32 in the RFC; senders with long dotted tags are common
    const std::string_view text = rest();
    const std::size_t end = text.find_first_of("[: ");
    if (end == std::string_view::npos || end == 0 || end > tag_size_max || text[end] == ' ') return;
    std::size_t behind = end;
    std::string_view process_id;
    if (text[end] == '[') {
      const std::size_t close = text.find(']', end);
      if (close == std::string_view::npos || close - end > tag_size_max) return;
      process_id = text.substr(end + 1, close - end - 1);
      if (process_id.contains(' ')) return;
      behind = close + 1;
    }
    const std::string_view mark = text.substr(behind);
    const bool is_tag = mark.starts_with(": ") || mark == ":" || (text[end] == '[' && mark.starts_with(' '));
    if (!is_tag) return;
    message_.application = text.substr(0, end);
    message_.process_id = process_id;
    at_ += behind + (mark.starts_with(':') ? 1 : 0);
    if (rest().starts_with(' ')) ++at_;
  }

  static Error wrong(std::size_t at, std::string_view why) {
    return {ErrorCode::not_syslog, fmt::format("reading a syslog line: column {}: {}", at + 1, why)};
  }

  std::string_view line_;
  Timestamp now_;
  std::size_t at_ = 0;
  SyslogMessage message_;
};

}  // namespace

Result<SyslogMessage> parse_syslog(std::string_view line, Timestamp now) { return SyslogParser(line, now).message(); }

std::string_view facility_name(int facility) {
  const auto index = static_cast<std::size_t>(facility);
  return facility >= 0 && index < facilities.size() ? facilities[index] : std::string_view{};
}

std::string_view severity_name(int severity) {
  const auto index = static_cast<std::size_t>(severity);
  return severity >= 0 && index < severity_names.size() ? severity_names[index] : std::string_view{};
}

}  // namespace capstan
