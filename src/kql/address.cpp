#include "address.h"

#include <algorithm>
#include <charconv>

namespace capstan::kql {

namespace {

std::optional<int> whole_number(std::string_view text, int most) {
  int value = 0;
  if (text.empty() || text.front() == '-' || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::optional<std::uint32_t> octets(std::string_view text) {
  std::uint32_t bits = 0;
  for (int i = 0; i < 4; ++i) {
    const std::size_t dot = i < 3 ? text.find('.') : text.size();
    if (dot == std::string_view::npos) return std::nullopt;
    const auto octet = whole_number(text.substr(0, dot), 255);
    if (!octet) return std::nullopt;
    bits = (bits << 8) | static_cast<std::uint32_t>(*octet);
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return bits;
}

struct Cut {
  std::string_view address;
  std::optional<std::string_view> prefix;
};
Cut cut_prefix(std::string_view text) {
  text = trimmed(text);
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {text, std::nullopt};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

// Groups of one side of "::" (or of the whole), the last may be an IPv4 address.
std::optional<std::size_t> read_groups(std::string_view text, std::array<std::uint16_t, 8>& groups) {
  std::size_t count = 0;
  while (!text.empty()) {
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string_view group = text.substr(0, colon);
    if (colon == text.size() && group.contains('.')) {
      const auto bits = octets(group);
      if (!bits || count > 6) return std::nullopt;
      groups[count++] = static_cast<std::uint16_t>(*bits >> 16);
      groups[count++] = static_cast<std::uint16_t>(*bits & 0xFFFF);
      return count;
    }
    std::uint16_t value = 0;
    const auto [end, failure] = std::from_chars(group.data(), group.data() + group.size(), value, 16);
    if (group.empty() || group.size() > 4 || failure != std::errc{} || end != group.data() + group.size() || count > 7)
      return std::nullopt;
    groups[count++] = value;
    if (colon == text.size()) return count;
    text.remove_prefix(colon + 1);
    if (text.empty()) return std::nullopt;  // a colon at the end
  }
  return count;
}

}  // namespace

std::uint32_t ipv4_mask(int prefix) { return prefix <= 0 ? 0 : ~std::uint32_t{0} << (32 - std::min(prefix, 32)); }

std::optional<Ipv4> parse_ipv4(std::string_view text) {
  const Cut cut = cut_prefix(text);
  const auto bits = octets(cut.address);
  const auto prefix = cut.prefix ? whole_number(*cut.prefix, 32) : std::optional<int>(32);
  if (!bits || !prefix) return std::nullopt;
  return Ipv4{*bits, *prefix};
}

std::optional<Ipv6> parse_ipv6(std::string_view text) {
  if (const auto v4 = parse_ipv4(text)) {
    Ipv6 mapped;
    mapped.bytes[10] = mapped.bytes[11] = 0xFF;
    for (std::size_t i = 0; i < 4; ++i) mapped.bytes[12 + i] = static_cast<std::uint8_t>(v4->bits >> (24 - 8 * i));
    mapped.prefix = v4->prefix + 96;
    return mapped;
  }
  const Cut cut = cut_prefix(text);
  const auto prefix = cut.prefix ? whole_number(*cut.prefix, 128) : std::optional<int>(128);
  if (!prefix || !cut.address.contains(':')) return std::nullopt;
  const std::string_view address = cut.address.substr(0, cut.address.find('%'));
  std::array<std::uint16_t, 8> front{};
  std::array<std::uint16_t, 8> back{};
  const std::size_t gap = address.find("::");
  std::array<std::uint16_t, 8> groups{};
  if (gap == std::string_view::npos) {
    if (read_groups(address, front) != 8U) return std::nullopt;
    groups = front;
  } else {
    const auto before = read_groups(address.substr(0, gap), front);
    const auto behind = read_groups(address.substr(gap + 2), back);
    if (!before || !behind || *before + *behind > 7) return std::nullopt;
    std::copy_n(front.begin(), *before, groups.begin());
    std::copy_n(back.begin(), *behind, groups.end() - static_cast<std::ptrdiff_t>(*behind));
  }
  Ipv6 parsed;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    parsed.bytes[2 * i] = static_cast<std::uint8_t>(groups[i] >> 8);
    parsed.bytes[2 * i + 1] = static_cast<std::uint8_t>(groups[i] & 0xFF);
  }
  parsed.prefix = *prefix;
  return parsed;
}

int compare(const Ipv6& a, const Ipv6& b, int prefix) {
  for (std::size_t i = 0; i < a.bytes.size(); ++i) {
    const int bits = std::clamp(prefix - static_cast<int>(i) * 8, 0, 8);
    const int mask = 0xFF & ~(0xFF >> bits);
    const int difference = (a.bytes[i] & mask) - (b.bytes[i] & mask);
    if (difference != 0) return difference < 0 ? -1 : 1;
  }
  return 0;
}

}  // namespace capstan::kql
