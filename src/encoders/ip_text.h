// Addresses as services write them.
#pragma once

#include <string_view>

namespace capstan::encoders {

bool is_ipv4(std::string_view text);
bool is_ipv6(std::string_view text);
// Some connectors write address and port (1.2.3.4:443, [2001:db8::1]:443): the address alone.
std::string_view without_port(std::string_view address);

}  // namespace capstan::encoders
