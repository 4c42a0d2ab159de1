// Writing text into a CEF line (OpenText "CEF Implementation Standard", chapters "Character Encoding" and "Header").
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace capstan::cef {

// A value of the extension: \ = CR LF escaped, other control characters become a space. `|` must stay as it is.
void append_value(std::string_view text, std::string& out);
// A header field: \ and | escaped, control characters become a space (a line break has no escape there).
void append_header(std::string_view text, std::string& out);

// Without the blanks, and what becomes one, at both ends: receivers strip them at will.
std::string_view trimmed(std::string_view text);
// The same for a header field, where line breaks become blanks too.
std::string_view trimmed_header(std::string_view text);
// `text` where it is UTF-8; else a mended copy (base/text.h) in `scratch`.
std::string_view as_utf8(std::string_view text, std::string& scratch);

}  // namespace capstan::cef
