// The ipv4_ and ipv6_ functions: extensions of ours with Kusto's meaning. Of several prefixes the shortest counts.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "address.h"
#include "convert.h"
#include "functions.h"

namespace capstan::kql {

namespace {

// The optional third argument; 0 … most, or nothing when it is outside.
std::optional<int> chosen_prefix(Arguments a, int most) {
  if (a.size() < 3) return most;
  if (a[2].is_null || a[2].number < 0 || a[2].number > most) return std::nullopt;
  return static_cast<int>(a[2].number);
}

std::optional<int> compare_ipv4(Arguments a) {
  const auto x = parse_ipv4(a[0].text);
  const auto y = parse_ipv4(a[1].text);
  const auto prefix = chosen_prefix(a, 32);
  if (!x || !y || !prefix) return std::nullopt;
  const std::uint32_t mask = ipv4_mask(std::min({x->prefix, y->prefix, *prefix}));
  const std::uint32_t p = x->bits & mask;
  const std::uint32_t q = y->bits & mask;
  return p < q ? -1 : p > q ? 1 : 0;
}

std::optional<int> compare_ipv6(Arguments a) {
  const auto x = parse_ipv6(a[0].text);
  const auto y = parse_ipv6(a[1].text);
  const auto prefix = chosen_prefix(a, 128);
  if (!x || !y || !prefix) return std::nullopt;
  return compare(*x, *y, std::min({x->prefix, y->prefix, *prefix}));
}

// Whether an address, or a whole network, lies inside a range.
template <auto Parse, std::optional<int> (*Compare)(Arguments)>
std::optional<bool> lies_in(std::string_view address, std::string_view range) {
  const auto x = Parse(address);
  const auto y = Parse(range);
  if (!x || !y) return std::nullopt;
  const std::array<Datum, 2> pair{Datum::of(address), Datum::of(range)};
  return x->prefix >= y->prefix && Compare(pair) == 0;
}

template <std::optional<int> (*Compare)(Arguments)>
Datum compared(Frame&, Arguments a) {
  const auto order = Compare(a);
  return order ? Datum::of_long(*order) : Datum::null(Type::long_integer);
}
template <std::optional<int> (*Compare)(Arguments)>
Datum is_match(Frame&, Arguments a) {
  const auto order = Compare(a);
  return order ? Datum::of(*order == 0) : Datum::null(Type::boolean);
}

using LiesIn = std::optional<bool> (*)(std::string_view address, std::string_view range);
constexpr LiesIn ipv4_lies_in = lies_in<parse_ipv4, compare_ipv4>;
constexpr LiesIn ipv6_lies_in = lies_in<parse_ipv6, compare_ipv6>;

template <LiesIn Test>
Datum is_in(Frame&, Arguments a) {
  const auto inside = Test(a[0].text, a[1].text);
  return inside ? Datum::of(*inside) : Datum::null(Type::boolean);
}

// The ranges come one by one or as one dynamic array. A range that is none makes the answer null unless another holds
// the address.
template <LiesIn Test>
Datum is_in_any(Frame& frame, Arguments a) {
  bool met_nonsense = false;
  const auto holds = [&](const Datum& range) {
    const auto inside = Test(a[0].text, convert(range, Type::string, frame.work).text);
    met_nonsense = met_nonsense || !inside;
    return inside.value_or(false);
  };
  for (const Datum& range : a.subspan(1)) {
    if (range.type == Type::dynamic && !range.is_null && range.dynamic->kind == Dynamic::Kind::array) {
      for (const Dynamic& item : range.dynamic->items)
        if (holds(Datum::of(&item))) return Datum::of(true);
    } else if (holds(range)) {
      return Datum::of(true);
    }
  }
  return met_nonsense ? Datum::null(Type::boolean) : Datum::of(false);
}

Datum ipv4_number(Frame&, Arguments a) {
  const auto address = parse_ipv4(a[0].text);
  if (!address) return Datum::null(Type::long_integer);
  return Datum::of_long(static_cast<std::int64_t>(address->bits & ipv4_mask(address->prefix)));
}

Datum ipv4_masked_number(Frame&, Arguments a) {
  const auto address = parse_ipv4(a[0].text);
  if (!address || a[1].is_null || a[1].number < 0 || a[1].number > 32) return Datum::null(Type::long_integer);
  const int prefix = std::min(address->prefix, static_cast<int>(a[1].number));
  return Datum::of_long(static_cast<std::int64_t>(address->bits & ipv4_mask(prefix)));
}

Datum ipv4_suffix(Frame&, Arguments a) {
  const auto address = parse_ipv4(a[0].text);
  return address ? Datum::of_long(address->prefix) : Datum::null(Type::long_integer);
}

// RFC 1918. With a prefix: whether the whole network is inside.
Datum ipv4_is_private(Frame&, Arguments a) {
  const auto address = parse_ipv4(a[0].text);
  if (!address) return Datum::null(Type::boolean);
  constexpr std::array<Ipv4, 3> networks{{{0x0A000000, 8}, {0xAC100000, 12}, {0xC0A80000, 16}}};
  return Datum::of(std::ranges::any_of(networks, [&](const Ipv4& network) {
    return address->prefix >= network.prefix && (address->bits & ipv4_mask(network.prefix)) == network.bits;
  }));
}

// Eight groups of four digits; "" where it is no address.
Datum ipv6_text(Frame& frame, Arguments a) {
  const auto address = parse_ipv6(a[0].text);
  if (!address) return Datum::of(std::string_view{});
  std::string text;
  for (std::size_t i = 0; i < address->bytes.size(); ++i) {
    const int bits = std::clamp(address->prefix - static_cast<int>(i) * 8, 0, 8);
    text += fmt::format("{}{:02x}", i > 0 && i % 2 == 0 ? ":" : "", address->bytes[i] & (0xFF & ~(0xFF >> bits)));
  }
  return Datum::of(frame.work.arena.copy(text));
}

constexpr std::array rows{
    FunctionRow{"parse_ipv4", "s", "l", Tier::extension, NameKind::none, ipv4_number},
    FunctionRow{"parse_ipv4_mask", "sl", "l", Tier::extension, NameKind::none, ipv4_masked_number},
    FunctionRow{"ipv4_compare", "ssl?", "l", Tier::extension, NameKind::none, compared<compare_ipv4>},
    FunctionRow{"ipv4_is_match", "ssl?", "b", Tier::extension, NameKind::none, is_match<compare_ipv4>},
    FunctionRow{"ipv4_is_in_range", "ss", "b", Tier::extension, NameKind::none, is_in<ipv4_lies_in>},
    FunctionRow{"ipv4_is_in_any_range", "sa*", "b", Tier::extension, NameKind::none, is_in_any<ipv4_lies_in>},
    FunctionRow{"ipv4_is_private", "s", "b", Tier::extension, NameKind::none, ipv4_is_private},
    FunctionRow{"ipv4_netmask_suffix", "s", "l", Tier::extension, NameKind::none, ipv4_suffix},
    FunctionRow{"parse_ipv6", "s", "s", Tier::extension, NameKind::none, ipv6_text},
    FunctionRow{"ipv6_compare", "ssl?", "l", Tier::extension, NameKind::none, compared<compare_ipv6>},
    FunctionRow{"ipv6_is_match", "ssl?", "b", Tier::extension, NameKind::none, is_match<compare_ipv6>},
    FunctionRow{"ipv6_is_in_range", "ss", "b", Tier::extension, NameKind::none, is_in<ipv6_lies_in>},
    FunctionRow{"ipv6_is_in_any_range", "sa*", "b", Tier::extension, NameKind::none, is_in_any<ipv6_lies_in>},
};

}  // namespace

std::span<const FunctionRow> address_functions() { return rows; }

}  // namespace capstan::kql
