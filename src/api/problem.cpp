#include "problem.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/text.h"

namespace capstan::api {

namespace json = boost::json;

namespace {

// Of an answer that is not ours (a proxy's page), for the message.
constexpr std::size_t shown_max = 200;

int status_of(const Error& error) {
  if (error.code() == ErrorCode::not_found) return 404;
  if (error.code() == ErrorCode::busy) return 409;
  if (error.code() == ErrorCode::request_not_allowed) return 403;
  switch (error.error_class()) {
    case ErrorClass::usage:
    case ErrorClass::configuration:
      return 400;
    case ErrorClass::retry:
      return 503;
    default:
      return 500;
  }
}

}  // namespace

net::ServerResponse json_response(int status, std::string body) {
  net::ServerResponse response;
  response.status = status;
  response.headers = {
      {"Content-Type", "application/json"}, {"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
  response.body = std::move(body) + "\n";
  return response;
}

net::ServerResponse problem(int status, const Error& error) {
  const ErrorEntry& row = entry(error.code());
  return json_response(status,
                       fmt::format(R"({{"code":{},"name":{},"message":{},"advice":{}}})", json_quote(label(row.code)),
                                   json_quote(row.name), json_quote(error.sentence()), json_quote(row.advice)));
}

net::ServerResponse problem(const Error& error) { return problem(status_of(error), error); }

Error error_of_problem(int status, std::string_view body) {
  boost::system::error_code failed;
  const json::value value = json::parse({body.data(), body.size()}, failed);
  if (!failed && value.is_object()) {
    const json::value* code = value.as_object().if_contains("code");
    const json::value* message = value.as_object().if_contains("message");
    if (code != nullptr && message != nullptr && code->is_string() && message->is_string())
      if (const ErrorEntry* row = find_entry({code->as_string().data(), code->as_string().size()}))
        return {row->code, std::string(message->as_string())};
  }
  return {ErrorCode::unexpected_answer,
          fmt::format("reading the admin API's answer of status {}: expected JSON, got {}", status,
                      json_quote(cut_utf8(body, shown_max)))};
}

}  // namespace capstan::api
