#include "questions.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/text.h"

namespace capstan::api {

namespace json = boost::json;

namespace {

Error wrong(std::string sentence) { return {ErrorCode::wrong_usage, "reading the question: " + std::move(sentence)}; }

Error expected(std::string_view member, std::string_view what, const json::value& got) {
  const std::string text = json::serialize(got);
  return wrong(fmt::format("{}: expected {}, got {}", member, what, cut_utf8(text, 100)));
}

// An object whose members are all known.
Result<json::object> read_object(std::string_view body, std::span<const std::string_view> known) {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return json::object();
  boost::system::error_code failed;
  json::value value = json::parse({body.data(), body.size()}, failed);
  if (failed || !value.is_object()) return wrong("expected a JSON object");
  for (const auto& member : value.as_object()) {
    const std::string_view name(member.key().data(), member.key().size());
    if (std::ranges::find(known, name) != known.end()) continue;
    const std::string_view near = nearest(name, known);
    return wrong(fmt::format("there is no member {}{}", json_quote(name),
                             near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
  }
  return std::move(value.as_object());
}

Result<std::optional<std::string>> text(const json::object& object, std::string_view member) {
  const json::value* value = object.if_contains({member.data(), member.size()});
  if (value == nullptr || value->is_null()) return std::optional<std::string>();
  if (!value->is_string()) return expected(member, "text", *value);
  return std::optional<std::string>(std::string(value->as_string()));
}

Result<std::optional<Duration>> span(const json::object& object, std::string_view member) {
  const auto written = TRY(text(object, member));
  if (!written) return std::optional<Duration>();
  const auto duration = parse_duration(*written);
  if (!duration) return expected(member, "a span such as \"2h\"", json::value(*written));
  return duration;
}

// A time, or how long ago.
Result<std::optional<runtime::VerifyMoment>> moment(const json::object& object, std::string_view member) {
  const auto written = TRY(text(object, member));
  if (!written) return std::optional<runtime::VerifyMoment>();
  if (const auto ago = parse_duration(*written)) return std::optional<runtime::VerifyMoment>(*ago);
  const auto point = parse_iso8601(*written);
  if (!point)
    return expected(member, "a time such as \"2026-11-24T08:00:00Z\" or a span such as \"2d\"", json::value(*written));
  return std::optional<runtime::VerifyMoment>(*point);
}

Result<std::optional<Timestamp>> time(const json::object& object, std::string_view member, Timestamp now) {
  const auto asked = TRY(moment(object, member));
  if (!asked) return std::optional<Timestamp>();
  if (const Duration* ago = std::get_if<Duration>(&*asked)) return std::optional<Timestamp>(now - *ago);
  return std::optional<Timestamp>(std::get<Timestamp>(*asked));
}

Result<std::vector<std::string>> texts(const json::object& object, std::string_view member) {
  const json::value* value = object.if_contains({member.data(), member.size()});
  std::vector<std::string> all;
  if (value == nullptr || value->is_null()) return all;
  if (!value->is_array()) return expected(member, "a list of text", *value);
  for (const auto& item : value->as_array()) {
    if (!item.is_string()) return expected(member, "a list of text", *value);
    all.emplace_back(item.as_string());
  }
  return all;
}

Result<bool> yes_or_no(const json::object& object, std::string_view member) {
  const json::value* value = object.if_contains({member.data(), member.size()});
  if (value == nullptr || value->is_null()) return false;
  if (!value->is_bool()) return expected(member, "true or false", *value);
  return value->as_bool();
}

}  // namespace

Result<runtime::VerifyOptions> read_verify_question(std::string_view body) {
  static constexpr std::array<std::string_view, 7> known{"since", "until",  "tenants",   "sources",
                                                         "feeds", "repair", "late_after"};
  const json::object object = TRY(read_object(body, known));
  runtime::VerifyOptions options;
  options.since = TRY(moment(object, "since"));
  options.until = TRY(moment(object, "until"));
  options.tenants = TRY(texts(object, "tenants"));
  options.sources = TRY(texts(object, "sources"));
  options.feeds = TRY(texts(object, "feeds"));
  options.repair = TRY(yes_or_no(object, "repair"));
  if (const auto late_after = TRY(span(object, "late_after"))) options.late_after = *late_after;
  return options;
}

Result<ReplayQuestion> read_replay_question(std::string_view body, Timestamp now) {
  static constexpr std::array<std::string_view, 3> known{"route", "since", "until"};
  const json::object object = TRY(read_object(body, known));
  const auto route = TRY(text(object, "route"));
  const auto since = TRY(time(object, "since", now));
  if (!route || route->empty()) return wrong("expected the name of a route in \"route\"");
  if (!since) return wrong("expected a time in \"since\"");
  ReplayQuestion question{*route, *since, TRY(time(object, "until", now))};
  if (question.until && *question.until <= question.since)
    return wrong(fmt::format("expected since before until, got {} and {}", to_iso8601(question.since),
                             to_iso8601(*question.until)));
  return question;
}

Result<ReloadQuestion> read_reload_question(std::string_view body) {
  static constexpr std::array<std::string_view, 4> known{"file", "dry_run", "max_change_percent", "look_back_seconds"};
  const json::object object = TRY(read_object(body, known));
  ReloadQuestion question;
  question.file = TRY(text(object, "file")).value_or("");
  question.options.only_shows = TRY(yes_or_no(object, "dry_run"));
  if (const json::value* percent = object.if_contains("max_change_percent")) {
    if (!percent->is_number() || percent->to_number<double>() < 0 || percent->to_number<double>() > 100)
      return wrong("expected a number from 0 to 100 in \"max_change_percent\"");
    question.options.change_percent_max = percent->to_number<double>();
  }
  if (const json::value* seconds = object.if_contains("look_back_seconds")) {
    constexpr std::int64_t seconds_max = 400LL * 86'400;
    if (!seconds->is_int64() || seconds->as_int64() < 1 || seconds->as_int64() > seconds_max)
      return wrong("expected whole seconds, at most 400 days, in \"look_back_seconds\"");
    question.options.look_back = std::chrono::seconds(seconds->as_int64());
  }
  return question;
}

}  // namespace capstan::api
