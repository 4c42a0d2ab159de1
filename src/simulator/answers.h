// Answers that several parts of the tenant give.
#pragma once

#include <string>
#include <string_view>

#include "net/http_server.h"

namespace capstan::simulator {

net::ServerResponse json_answer(int status, std::string body);
// {"detail": …}, the form of errors of authentication, permission and pace.
net::ServerResponse detail_answer(int status, std::string_view detail);
// What a portal or a proxy shows when something broke.
net::ServerResponse html_answer(int status);

// Names and values of an application/x-www-form-urlencoded text.
std::vector<net::Header> read_form(std::string_view text);
std::string base64url(std::string_view bytes);
// Both alphabets, with or without padding; nothing when it is neither.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace capstan::simulator
