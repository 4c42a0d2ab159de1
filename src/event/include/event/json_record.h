// Reading single members of one record, and telling whether two records say the same.
// One JsonReader is used by one thread at a time (it owns simdjson's parser and a padded copy where one is needed).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace capstan {

class JsonReader {
public:
  JsonReader();
  ~JsonReader();
  JsonReader(JsonReader&&) noexcept;
  JsonReader& operator=(JsonReader&&) noexcept;

  // Takes a record (copied; no padding is asked for). Fails with broken_record: the sentence says where.
  // The whole record is checked: UTF-8, brackets, strings, numbers.
  Result<> open(std::string_view raw);
  // Top-level member as text (strings unescaped, valid until the next open), exact integer, or raw JSON.
  std::optional<std::string> text(std::string_view member);
  std::optional<std::int64_t> integer(
      std::string_view member);  // also of integral doubles such as 1607952165309.0; fractions are cut
  std::optional<std::string_view> raw(std::string_view member);
  // Independent of member order and blanks, dependent on everything else (names that differ only in case are two
  // names).
  std::uint64_t content_hash();

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace capstan
