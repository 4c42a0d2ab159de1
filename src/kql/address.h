// IP addresses with prefixes, as KQL's ipv4_ and ipv6_ functions read them (docs "IP-prefix notation").
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace capstan::kql {

struct Ipv4 {
  std::uint32_t bits = 0;  // the first octet highest
  int prefix = 32;
};
// "203.0.113.10", "203.0.113.0/24": four octets without leading zeros.
std::optional<Ipv4> parse_ipv4(std::string_view text);
std::uint32_t ipv4_mask(int prefix);

struct Ipv6 {
  std::array<std::uint8_t, 16> bytes{};
  int prefix = 128;
};
// RFC 4291 texts, a zone behind "%" is passed over; an IPv4 address becomes ::ffff:a.b.c.d with its prefix + 96.
std::optional<Ipv6> parse_ipv6(std::string_view text);
// -1, 0, 1 of the first `prefix` bits.
int compare(const Ipv6& a, const Ipv6& b, int prefix);

}  // namespace capstan::kql
