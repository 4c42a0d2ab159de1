#include "net/stream.h"

#include <charconv>

namespace capstan::net {

std::optional<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return std::nullopt;
    host = host.substr(1, host.size() - 2);
    if (!host.contains(':')) return std::nullopt;
  } else if (host.contains(':')) {
    return std::nullopt;  // an IPv6 literal without brackets: where its port begins would be a guess
  }
  if (host.empty() || host.find_first_of(" \t/[]@") != std::string_view::npos) return std::nullopt;

  unsigned port = 0;
  const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (error != std::errc{} || end != port_text.data() + port_text.size() || port == 0 || port > 65535)
    return std::nullopt;
  return Address{std::string(host), static_cast<std::uint16_t>(port)};
}

std::string to_string(const Address& address) {
  const std::string port = std::to_string(address.port);
  return address.host.contains(':') ? "[" + address.host + "]:" + port : address.host + ":" + port;
}

}  // namespace capstan::net
