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
  // The whole record is checked: UTF-8, brackets, strings, numbers. Halves of surrogate pairs are let through, written
  // as escapes or as bytes (WTF-8): whoever cut a text inside a character did not break the record.
  Result<> open(std::string_view raw);
  // Whether surrogates stand in it as bytes, so that it is not UTF-8 as it is.
  bool is_wtf8() const;
  // Whether it has no members.
  bool is_empty() const;
  // Top-level member as text (strings unescaped, half a surrogate pair as U+FFFD), exact integer, or raw JSON.
  std::optional<std::string> text(std::string_view member);
  // Whether text() is all that the member says: false where half a surrogate pair stands in it. Two members that differ
  // may have the same text then.
  bool is_exact(std::string_view member);
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

// Why a quarantined record is one. What was wrong is found in the same way as when it was collected.
std::string quarantine_reason(std::string_view raw);

}  // namespace capstan
