#include "fault_script.h"

#include <boost/json.hpp>

#include <fmt/format.h>

#include "answers.h"
#include "dice.h"

namespace capstan::simulator {
namespace {

namespace json = boost::json;

constexpr std::size_t faults_max = 10'000;
constexpr std::size_t garbage_size = 4096;

Error wrong(std::string_view what) {
  return {ErrorCode::wrong_value, fmt::format("reading the fault script: {}", what)};
}

template <class T>
Result<> read(const json::value& value, std::string_view name, T& into) {
  boost::system::error_code error;
  if constexpr (std::is_same_v<T, bool>) {
    if (value.is_bool()) return into = value.as_bool(), Result<>{};
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (value.is_string()) return into = std::string(value.as_string()), Result<>{};
    // A body is easier to write as the JSON it is.
    if (name == "body") return into = json::serialize(value), Result<>{};
  } else {
    const T number = value.to_number<T>(error);
    if (!error) return into = number, Result<>{};
  }
  return wrong(fmt::format("\"{}\": expected {}, got {}", name,
                           std::is_same_v<T, bool>          ? "true or false"
                           : std::is_same_v<T, std::string> ? "a text"
                                                            : "a number",
                           json::serialize(value)));
}

template <class T>
Result<> read(const json::value& value, std::string_view name, std::optional<T>& into) {
  T plain{};
  TRY(read(value, name, plain));
  into = std::move(plain);
  return {};
}

Result<> read_headers(const json::value& value, std::vector<net::Header>& into) {
  if (!value.is_object()) return wrong("\"headers\": expected an object of names and texts");
  for (const auto& [name, text] : value.as_object()) {
    std::string plain;
    TRY(read(text, name, plain));
    into.push_back({std::string(name), std::move(plain)});
  }
  return {};
}

Result<> read_member(std::string_view name, const json::value& value, Fault& fault) {
  if (name == "path") return read(value, name, fault.path);
  if (name == "from") return read(value, name, fault.from);
  if (name == "to") return read(value, name, fault.to);
  if (name == "from_request") return read(value, name, fault.from_request);
  if (name == "to_request") return read(value, name, fault.to_request);
  if (name == "every") return read(value, name, fault.every);
  if (name == "count") return read(value, name, fault.count);
  if (name == "record") return read(value, name, fault.record);
  if (name == "status") return read(value, name, fault.status);
  if (name == "body") return read(value, name, fault.body);
  if (name == "html") return read(value, name, fault.html);
  if (name == "garbage") return read(value, name, fault.garbage);
  if (name == "retry_after") return read(value, name, fault.retry_after);
  if (name == "headers") return read_headers(value, fault.headers);
  if (name == "wrong_has_next") return read(value, name, fault.wrong_has_next);
  if (name == "no_data") return read(value, name, fault.no_data);
  if (name == "cut_after") return read(value, name, fault.cut_after);
  if (name == "delay_ms") {
    std::int64_t ms = 0;
    TRY(read(value, name, ms));
    fault.delay = Duration(ms);
    return {};
  }
  return wrong(
      fmt::format("there is no member \"{}\"; expected path, from, to, from_request, to_request, every, count, "
                  "record, status, body, html, garbage, retry_after, headers, wrong_has_next, no_data, "
                  "delay_ms or cut_after",
                  name));
}

Result<Fault> read_fault(const json::value& value) {
  if (!value.is_object()) return wrong(fmt::format("expected an object per fault, got {}", json::serialize(value)));
  Fault fault;
  for (const auto& [name, member] : value.as_object()) TRY(read_member(name, member, fault));
  if (fault.every == 0U) return wrong("\"every\": expected a number above 0, got 0");
  if (fault.status && (*fault.status < 200 || *fault.status > 599))
    return wrong(fmt::format("\"status\": expected 200 to 599, got {}", *fault.status));
  return fault;
}

}  // namespace

Result<> FaultScript::add(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error) return wrong(fmt::format("expected a JSON list of faults: {}", error.message()));
  const json::array one{value};
  const json::array& list = value.is_array() ? value.as_array() : one;
  std::vector<Planned> added;
  for (const json::value& each : list) added.push_back({.fault = TRY(read_fault(each)), .added = clock_.monotonic()});
  if (planned_.size() + added.size() > faults_max) return wrong(fmt::format("expected at most {} faults", faults_max));
  for (Planned& each : added) each.fault.number = ++added_;
  planned_.insert(planned_.end(), std::make_move_iterator(added.begin()), std::make_move_iterator(added.end()));
  return {};
}

bool FaultScript::wants(const Planned& planned, MonotonicTime now) {
  const Fault& fault = planned.fault;
  const double elapsed = std::chrono::duration<double>(now - planned.added).count();
  return (!fault.from || elapsed >= *fault.from) && (!fault.to || elapsed < *fault.to) &&
         (!fault.from_request || planned.requests >= *fault.from_request) &&
         (!fault.to_request || planned.requests <= *fault.to_request) &&
         (!fault.every || planned.requests % *fault.every == 0) && (fault.count == 0 || planned.taken < fault.count);
}

std::optional<Fault> FaultScript::next(const std::string& path) {
  const MonotonicTime now = clock_.monotonic();
  std::optional<Fault> wanted;
  for (Planned& planned : planned_) {
    if (!path.starts_with(planned.fault.path)) continue;
    ++planned.requests;
    if (!wanted && wants(planned, now)) wanted = planned.fault;
  }
  if (wanted && wanted->record.empty()) take(wanted->number);
  return wanted;
}

void FaultScript::take(std::uint64_t number) {
  for (Planned& planned : planned_)
    if (planned.fault.number == number) ++planned.taken;
  ++taken_;
}

net::ServerResponse faulty_answer(const Fault& fault) {
  net::ServerResponse answer;
  if (fault.html) {
    answer = html_answer(fault.status.value_or(200));
  } else if (fault.garbage) {
    std::string bytes = "{\"data\":[{\"_id\":\"";
    for (std::uint64_t i = 0; bytes.size() < garbage_size; ++i) bytes += static_cast<char>(mix(i) & 0xff);
    answer = json_answer(fault.status.value_or(200), std::move(bytes));
  } else {
    answer = json_answer(fault.status.value_or(200), fault.body.value_or(R"({"detail":"Something went wrong"})"));
  }
  if (fault.retry_after) answer.headers.push_back({"Retry-After", std::to_string(*fault.retry_after)});
  return answer;
}

}  // namespace capstan::simulator
