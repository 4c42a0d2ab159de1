// Errors as the API answers them: {"code":"E1016","name":"not_found","message":"…","advice":"…"}.
#pragma once

#include <string_view>

#include "base/error.h"
#include "net/http_server.h"

namespace capstan::api {

net::ServerResponse json_response(int status, std::string body);
net::ServerResponse problem(int status, const Error& error);
// With the status that fits the error: 400 for a wrong question, 404 not_found, 409 busy, 503 what passes, else 500.
net::ServerResponse problem(const Error& error);
// The error that a problem's body names; unexpected_answer when it names none.
Error error_of_problem(int status, std::string_view body);

}  // namespace capstan::api
