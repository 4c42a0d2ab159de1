// SHA-256 (FIPS 180-4) as bytes: of one text, or of pieces one after another. For evidence that a third party checks;
// base/digest.h has the cheap hashes that tell records apart. A hasher is used by one thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace capstan {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(std::string_view bytes);
std::string_view bytes_of(const Sha256& hash);
std::string to_hex(const Sha256& hash);  // lower case, 64 characters
// 64 lower-case hexadecimal digits; nothing for anything else.
std::optional<Sha256> parse_sha256(std::string_view hex);

class Sha256Hasher {
public:
  Sha256Hasher();
  ~Sha256Hasher();
  Sha256Hasher(const Sha256Hasher&) = delete;
  Sha256Hasher& operator=(const Sha256Hasher&) = delete;
  void add(std::string_view piece);
  Sha256 finish();  // and begins anew

private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace capstan
