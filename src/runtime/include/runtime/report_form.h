// The forms of a day's report. JSON is the report itself: canonical (RFC 8785), in an envelope with its signature.
//
//   {"report":{…},"signature":{"algorithm":"Ed25519","key":"<SHA-256 of the public key>","value":"<base64>"}}
//             └──── these bytes are signed ────┘            without a key there is no "signature"
//
// Text and HTML are made from the JSON and from nothing else; HTML carries it whole. docs/formats/report.md is the
// specification.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ed25519.h"
#include "runtime/day_report.h"

namespace capstan::runtime {

constexpr int report_version = 1;

// The content of the report: canonical JSON, without envelope.
std::string to_canonical_json(const DayReport& report);
// The envelope, with a line end: what is kept as a file.
std::string in_envelope(const std::string& report, const SigningKey* key);

// An envelope taken apart; nothing when a byte is not as in_envelope writes it.
struct Envelope {
  std::string report;  // canonical JSON
  struct Signature {
    std::string key;    // fingerprint
    std::string value;  // 64 bytes
  };
  std::optional<Signature> signature;
};
std::optional<Envelope> open_envelope(std::string_view file);
// The envelope in a page that to_html made; nothing when the page is another one, in any byte.
std::optional<std::string> envelope_of_html(std::string_view page);

// For a terminal. `envelope`: as in_envelope writes it.
std::string to_text(std::string_view envelope);
// One page that needs nothing else, to read and to print.
std::string to_html(std::string_view envelope);

}  // namespace capstan::runtime
