// One value of a message: from a cell, by what its key takes, to escaped text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/function_ref.h"
#include "kql/datum.h"

namespace capstan::encoders {

// What a key of a format takes. What cannot be said so is not written.
enum class CellKind : std::uint8_t {
  text,     // an array's items by commas, an object as its JSON
  ipv4,     // the first that is one, without a port
  ipv6,     // the first that is one, without a port
  address,  // either
  integer,  // decimal, cut at the point
  real,
  epoch_ms,  // a datetime, a number of milliseconds or an ISO 8601 text, as milliseconds since 1970
};

constexpr std::size_t no_limit = static_cast<std::size_t>(-1);

class CellWriter {
public:
  struct Rules {
    FunctionRef<void(std::string_view text, std::string& out)> escape;
    FunctionRef<std::string_view(std::string_view text)> trim;
    // Nothing is trimmed, cut or left out: empty items of a list stay.
    bool keeps_all = false;
  };
  CellWriter(const Rules& rules, std::string& out) : rules_(rules), out_(out) {}

  // Appends nothing where there is no value. `length_max` is in bytes, before escaping.
  void write(const kql::Datum& cell, CellKind kind, std::size_t length_max);
  void write_text(std::string_view text, std::size_t length_max);

private:
  std::string_view text_of(const kql::Datum& cell);
  std::string_view text_of(const kql::Dynamic& value);
  std::string_view integer_text(std::int64_t number);
  void write_list(const kql::Dynamic& list, std::size_t length_max);
  void write_integer(const kql::Datum& cell);
  void write_time(const kql::Datum& cell);
  void write_address(const kql::Datum& cell, CellKind kind);
  void write_number(std::int64_t number);

  const Rules& rules_;
  std::string& out_;
  std::array<char, 24> digits_{};
  std::string scratch_;
};

}  // namespace capstan::encoders
