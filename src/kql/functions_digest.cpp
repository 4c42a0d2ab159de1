// Digests of text (docs "hash_sha256()" and its kin): the value is hashed as tostring() writes it; "" and null give "".
#include <array>

#include "base/digest.h"
#include "functions.h"
#include "operators.h"

namespace capstan::kql {

namespace {

template <std::string (*Digest)(std::string_view)>
Datum digest(Frame& frame, Arguments a) {
  return a[0].text.empty() ? Datum::of(std::string_view{}) : Datum::of(frame.work.arena.copy(Digest(a[0].text)));
}

// hash_xxhash64(value[, modulus]): the remainder is never negative.
Datum xxhash(Frame&, Arguments a) {
  if (a[0].is_null) return Datum::null(Type::long_integer);
  // A datetime is hashed as its ticks, eight bytes, lowest first.
  std::array<char, sizeof(std::int64_t)> ticks{};
  if (a[0].type == Type::datetime)
    for (std::size_t i = 0; i < ticks.size(); ++i)
      ticks[i] = static_cast<char>(static_cast<std::uint64_t>(a[0].number) >> (8 * i));
  const std::string_view bytes = a[0].type == Type::datetime ? std::string_view(ticks.data(), ticks.size()) : a[0].text;
  const auto hash = static_cast<std::int64_t>(xxhash64(bytes));
  if (a.size() < 2) return Datum::of_long(hash);
  if (a[1].is_null || a[1].number <= 0) return Datum::null(Type::long_integer);
  const std::int64_t rest = hash % a[1].number;
  return Datum::of_long(rest < 0 ? rest + a[1].number : rest);
}

constexpr std::array rows{
    FunctionRow{"hash_sha256", "x", "s", Tier::portable, NameKind::none, digest<sha256_hex>},
    FunctionRow{"hash_md5", "x", "s", Tier::extension, NameKind::none, digest<md5_hex>},
    FunctionRow{"hash_sha1", "x", "s", Tier::extension, NameKind::none, digest<sha1_hex>},
    FunctionRow{"hash_xxhash64", "hl?", "l", Tier::extension, NameKind::none, xxhash},
};

}  // namespace

std::span<const FunctionRow> digest_functions() { return rows; }

}  // namespace capstan::kql
