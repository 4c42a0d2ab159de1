// The mappings that come with Capstan (mappings/*.yaml), as `capstan mapping show` prints them.
#pragma once

#include <string_view>
#include <vector>

namespace capstan::encoders {

// By name.
std::vector<std::string_view> mapping_names();
// Its YAML, byte for byte; empty: there is none of that name.
std::string_view mapping_text(std::string_view name);

}  // namespace capstan::encoders
