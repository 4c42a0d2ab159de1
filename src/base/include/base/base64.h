// Base64 (RFC 4648, section 4), with padding. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace capstan {

std::string to_base64(std::string_view bytes);
// Strict: only what to_base64 writes comes back, so two texts never mean the same bytes.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace capstan
