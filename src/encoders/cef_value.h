// One value of a CEF line: from the slots of a row, by a named conversion, to escaped text.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "cef_mapping.h"
#include "component/encoder.h"

namespace capstan::cef {

class ValueWriter {
public:
  enum class Place { header, extension };
  // `is_exact` keeps blanks at the ends, empty items and any length, as the agent did.
  ValueWriter(const Row& row, Place place, bool is_exact, std::string_view url_before, std::string& out)
      : row_(row), place_(place), is_exact_(is_exact), url_before_(url_before), out_(out) {}

  // Appends nothing where there is no value.
  void write(Conversion conversion, std::span<const std::size_t> slots, std::size_t length_max);
  void write_text(std::string_view text, std::size_t length_max);

private:
  std::string_view first_text(std::span<const std::size_t> slots) const;
  template <class Accept>
  std::string_view first_accepted(std::span<const std::size_t> slots, Accept accept) const;
  void write_number(std::int64_t number);
  void write_integer(std::string_view text);
  void write_time(std::string_view text);
  void write_word(std::string_view number, std::string_view (*name)(std::int64_t), std::size_t length_max);
  void write_list(std::span<const std::size_t> slots, std::size_t length_max);
  void write_app_ids(std::span<const std::size_t> slots, std::size_t length_max);
  void write_raw_record(std::size_t length_max);
  void write_reason(std::size_t length_max);
  void escape(std::string_view text);

  const Row& row_;
  Place place_;
  bool is_exact_;
  std::string_view url_before_;
  std::string& out_;
};

}  // namespace capstan::cef
