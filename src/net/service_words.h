// What a service says in an answer that is not the one we wanted: its own words, and the pause it asks for.
// Pure. Shapes seen (mdca-api-introduction, Entra error responses): {"detail": …}, {"error_description": …},
// {"error": {"message": …}}, {"errors": [{"error": …}]}, {"<field>": [{"error": …}], "error": true}, HTML pages.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "net/http.h"

namespace capstan::net {

// One line of at most 300 characters; empty when the body says nothing. Of a body that is not JSON: the first 80
// characters without tags.
std::string service_words(std::string_view body);

// Whether the body speaks of throttling, whatever the status (the service has been seen to do so).
bool speaks_of_throttling(std::string_view body);

// Retry-After (seconds, or a date compared with the answer's own Date, else with `now`); else "in 23 seconds" in the
// words; else nothing. At least one second; at most an hour, so that a broken header does not stop collection for days.
std::optional<Duration> asked_pause(const Response& response, Timestamp now);

// RFC 9110 section 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT".
std::optional<Timestamp> parse_http_date(std::string_view text);

}  // namespace capstan::net
