// What the declarations of options (config/schema.h) look like from outside: help on a terminal, a table of the
// reference pages, JSON Schema for editors. Pure functions over OptionDescription, so that no page can say anything
// else than what the parser does.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "config/schema.h"

namespace capstan::config {

// Aligned lines for a terminal: "  name   type   help (default: x)"; the options of an object follow it, indented.
// Lines are broken at `width` characters.
std::string help_text(const std::vector<OptionDescription>& options, std::size_t width = 100);

// A Markdown table "option | what it is | default | meaning"; the options of an object are written "auth.method".
std::string markdown_table(const std::vector<OptionDescription>& options);

// The schema (JSON Schema, draft 2020-12) of a map of these options, one line. `type` is the value of the member "type"
// that picks a component, empty where there is none. Scalars are text until their option says what they are, so a
// number is as good as text where text is expected.
std::string json_schema(const std::vector<OptionDescription>& options, std::string_view type_member = {},
                        std::string_view type = {});

// Well-formed JSON, put on lines with two blanks a level.
std::string indented_json(std::string_view json);

}  // namespace capstan::config
