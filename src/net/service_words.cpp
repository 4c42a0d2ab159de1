#include "service_words.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "base/text.h"

namespace capstan::net {

namespace {

namespace json = boost::json;

constexpr std::size_t words_max = 300;
constexpr std::size_t head_max = 80;
// Longer bodies are records, not excuses; only their beginning is looked at.
constexpr std::size_t excuse_max = 64U << 10;

bool is_blank(char c) { return static_cast<unsigned char>(c) <= ' '; }

// One line: runs of blanks and control characters become one blank.
std::string one_line(std::string_view text, std::size_t size_max) {
  std::string line;
  for (const char c : text) {
    if (is_blank(c) || c == '\x7f') {
      if (!line.empty() && line.back() != ' ') line += ' ';
    } else {
      line += c;
    }
    if (line.size() > size_max + 4) break;
  }
  line = std::string(cut_utf8(line, size_max));
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

// The text of an HTML page: no tags, no scripts, no styles.
std::string without_tags(std::string_view html) {
  std::string text;
  while (!html.empty()) {
    const std::size_t open = html.find('<');
    text += html.substr(0, open);
    if (open == std::string_view::npos) break;
    html.remove_prefix(open);
    std::string_view end = ">";
    if (html.starts_with("<script")) end = "</script>";
    if (html.starts_with("<style")) end = "</style>";
    const std::size_t close = html.find(end);
    if (close == std::string_view::npos) break;
    html.remove_prefix(close + end.size());
    text += ' ';
  }
  return text;
}

std::string_view text_of(const json::value& value, std::string_view member) {
  if (const auto* object = value.if_object())
    if (const auto* found = object->if_contains(member))
      if (const auto* text = found->if_string()) return *text;
  return {};
}

// {"filters": [{"error": "…"}], "error": true} → "filters: …"
std::string field_errors(const json::object& object) {
  std::string words;
  for (const auto& [name, value] : object) {
    const auto* items = value.if_array();
    if (items == nullptr) continue;
    for (const auto& item : *items) {
      const auto text = text_of(item, "error");
      if (text.empty()) continue;
      if (!words.empty()) words += "; ";
      words += std::string(name) + ": " + std::string(text);
    }
  }
  return words;
}

std::string json_words(const json::value& value) {
  for (const auto* member : {"detail", "error_description", "message", "error"})
    if (const auto text = text_of(value, member); !text.empty()) return std::string(text);
  const auto* object = value.if_object();
  if (object == nullptr) return {};
  if (const auto* error = object->if_contains("error"))
    if (const auto text = text_of(*error, "message"); !text.empty()) return std::string(text);
  return field_errors(*object);
}

// The first number in the text that a unit of time follows: "Expected available in 23 seconds."
std::optional<Duration> pause_in(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] < '0' || text[i] > '9') continue;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data() + i, text.data() + text.size(), number);
    i = static_cast<std::size_t>(end - text.data());
    if (error != std::errc{} || number > 86'400) continue;
    std::string_view unit = text.substr(i);
    while (unit.starts_with(' ')) unit.remove_prefix(1);
    if (unit.starts_with("minute")) return std::chrono::minutes(number);
    if (unit.starts_with("sec") || unit == "s" || unit.starts_with("s ") || unit.starts_with("s."))
      return std::chrono::seconds(number);
  }
  return std::nullopt;
}

Duration within_reason(Duration pause) {
  return std::clamp<Duration>(pause, std::chrono::seconds(1), std::chrono::hours(1));
}

}  // namespace

std::string service_words(std::string_view body) {
  body = body.substr(0, excuse_max);
  while (!body.empty() && is_blank(body.front())) body.remove_prefix(1);
  if (body.starts_with('{')) {
    json::error_code error;
    const json::value value = json::parse(json::string_view(body.data(), body.size()), error);
    if (!error) {
      const std::string words = json_words(value);
      return words.empty() ? one_line(body, head_max) : one_line(words, words_max);
    }
  }
  return one_line(body.starts_with('<') ? without_tags(body) : std::string(body), head_max);
}

bool speaks_of_throttling(std::string_view body) {
  std::string lower(body.substr(0, excuse_max));
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower.contains("throttled");
}

std::optional<Duration> asked_pause(const Response& response, Timestamp now) {
  const std::string_view header = response.header("Retry-After");
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), seconds);
  if (!header.empty() && error == std::errc{} && end == header.data() + header.size())
    return within_reason(std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, 86'400)));
  if (const auto date = parse_http_date(header))
    return within_reason(*date - parse_http_date(response.header("Date")).value_or(now));
  if (const auto pause = pause_in(service_words(response.body))) return within_reason(*pause);
  return std::nullopt;
}

std::optional<Timestamp> parse_http_date(std::string_view text) {
  constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  // "Sun, 06 Nov 1994 08:49:37 GMT": 29 characters, always.
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") return std::nullopt;
  const auto month = std::find(months.begin(), months.end(), text.substr(8, 3));
  if (month == months.end()) return std::nullopt;
  const auto number = static_cast<int>(month - months.begin()) + 1;
  std::string iso = std::string(text.substr(12, 4)) + (number < 10 ? "-0" : "-") + std::to_string(number) + "-";
  iso += text.substr(5, 2);
  iso += 'T';
  iso += text.substr(17, 8);
  iso += 'Z';
  return parse_iso8601(iso);
}

}  // namespace capstan::net
