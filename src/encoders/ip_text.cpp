#include "ip_text.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace capstan::encoders {

bool is_ipv4(std::string_view text) {
  int parts = 1;
  int value = -1;
  for (const char c : text) {
    if (c == '.') {
      if (value < 0 || ++parts > 4) return false;
      value = -1;
    } else if (c >= '0' && c <= '9' && value != 0) {  // no leading zeros: they are octal to some readers
      value = std::max(value, 0) * 10 + (c - '0');
      if (value > 255) return false;
    } else {
      return false;
    }
  }
  return parts == 4 && value >= 0;
}

bool is_ipv6(std::string_view text) {
  // inet_pton ends at a NUL, and what stands behind it would go unseen.
  if (!text.contains(':') || text.contains('\0') || text.size() >= INET6_ADDRSTRLEN) return false;
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  std::copy(text.begin(), text.end(), terminated.begin());
  in6_addr address{};
  return inet_pton(AF_INET6, terminated.data(), &address) == 1;
}

std::string_view without_port(std::string_view address) {
  if (address.starts_with('[') && address.contains(']')) return address.substr(1, address.find(']') - 1);
  const std::size_t colon = address.find(':');
  if (colon == std::string_view::npos || address.find(':', colon + 1) != std::string_view::npos) return address;
  return address.substr(0, colon);
}

}  // namespace capstan::encoders
