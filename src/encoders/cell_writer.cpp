#include "cell_writer.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "base/text.h"
#include "base/time.h"
#include "event/json_check.h"
#include "ip_text.h"
#include "kql/program.h"

namespace capstan::encoders {

namespace {

using kql::Datum;
using kql::Dynamic;
using kql::Type;

bool is_scalar(const Dynamic& value) { return value.kind != Dynamic::Kind::array && value.kind != Dynamic::Kind::bag; }

// A dynamic that holds one plain value, as a typed one.
Datum plain(const Datum& cell) {
  if (cell.type != Type::dynamic || cell.is_null || cell.is_json()) return cell;
  switch (cell.dynamic->kind) {
    case Dynamic::Kind::boolean:
      return Datum::of(cell.dynamic->boolean);
    case Dynamic::Kind::long_integer:
      return Datum::of_long(cell.dynamic->number);
    case Dynamic::Kind::real:
      return Datum::of_real(cell.dynamic->real);
    case Dynamic::Kind::string:
      return Datum::of(cell.dynamic->text);
    default:
      return cell;
  }
}

std::optional<std::int64_t> whole(double real) {
  constexpr double bound = 9223372036854775808.0;  // 2^63: the first that does not fit
  if (!(std::abs(real) < bound)) return std::nullopt;
  return static_cast<std::int64_t>(real);
}

std::optional<std::int64_t> whole(std::string_view number) {
  std::int64_t integer = 0;
  const char* const end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, integer);
  if (error == std::errc{} && stop == end) return integer;
  double real = 0;
  const auto [real_stop, real_error] = std::from_chars(number.data(), end, real);
  if (real_error != std::errc{} || real_stop != end) return std::nullopt;
  return whole(real);
}

std::optional<std::int64_t> whole(const Datum& value) {
  if (value.is_null) return std::nullopt;
  switch (value.type) {
    case Type::integer:
    case Type::long_integer:
      return value.number;
    case Type::real:
      return whole(value.real);
    case Type::string:
      return whole(value.text);
    default:
      return std::nullopt;
  }
}

}  // namespace

void CellWriter::write(const Datum& cell, CellKind kind, std::size_t length_max) {
  if (cell.is_null) return;
  switch (kind) {
    case CellKind::text:
      if (cell.type == Type::dynamic && !cell.is_json() && cell.dynamic->kind == Dynamic::Kind::array)
        return write_list(*cell.dynamic, length_max);
      return write_text(text_of(cell), length_max);
    case CellKind::ipv4:
    case CellKind::ipv6:
    case CellKind::address:
      return write_address(cell, kind);
    case CellKind::integer:
      return write_integer(cell);
    case CellKind::real: {
      const Datum value = plain(cell);
      if (value.type == Type::real || whole(value)) write_text(text_of(value), length_max);
      return;
    }
    case CellKind::epoch_ms:
      return write_time(cell);
  }
}

void CellWriter::write_text(std::string_view text, std::size_t length_max) {
  if (rules_.keeps_all) return rules_.escape(text, out_);
  text = rules_.trim(text);
  if (text.size() > length_max) text = rules_.trim(cut_utf8(text, length_max));
  rules_.escape(text, out_);
}

std::string_view CellWriter::integer_text(std::int64_t number) {
  const auto end = std::to_chars(digits_.data(), digits_.data() + digits_.size(), number).ptr;
  return {digits_.data(), static_cast<std::size_t>(end - digits_.data())};
}

std::string_view CellWriter::text_of(const Datum& cell) {
  const Datum value = plain(cell);
  if (value.type == Type::string) return value.text;
  if (value.is_json()) return mended_json(value.text, scratch_);
  if (value.is_null) return {};
  if (value.type == Type::boolean) return value.boolean ? "true" : "false";
  if (value.type == Type::integer || value.type == Type::long_integer) return integer_text(value.number);
  scratch_.clear();
  kql::append_json(value, scratch_);
  std::string_view text = scratch_;
  if (text.starts_with('"')) text = text.substr(1, text.size() - 2);
  return text;
}

std::string_view CellWriter::text_of(const Dynamic& value) {
  return value.kind == Dynamic::Kind::string ? value.text : text_of(Datum::of(&value));
}

// What does not fit is left out from the first item on that does not. An array of objects is its JSON.
void CellWriter::write_list(const Dynamic& list, std::size_t length_max) {
  for (const Dynamic& item : list.items) {
    if (is_scalar(item)) continue;
    scratch_.clear();
    kql::append_json(Datum::of(&list), scratch_);
    return write_text(scratch_, length_max);
  }
  std::size_t room = length_max;
  bool is_first = true;
  for (const Dynamic& item : list.items) {
    const std::string_view text = rules_.keeps_all ? text_of(item) : rules_.trim(text_of(item));
    const std::size_t comma = is_first ? 0 : 1;
    if (!rules_.keeps_all) {
      if (text.empty()) continue;
      if (text.size() + comma > room) {
        if (is_first) write_text(text, room);
        return;
      }
      room -= text.size() + comma;
    }
    if (!is_first) out_ += ',';
    rules_.escape(text, out_);
    is_first = false;
  }
}

void CellWriter::write_number(std::int64_t number) { out_ += integer_text(number); }

void CellWriter::write_integer(const Datum& cell) {
  if (const auto number = whole(plain(cell))) write_number(*number);
}

// No time is written as none: 1970 is where an absent one ends up.
void CellWriter::write_time(const Datum& cell) {
  const Datum value = plain(cell);
  constexpr std::int64_t ticks_per_ms = 10'000;
  std::optional<std::int64_t> ms = whole(value);
  if (value.type == Type::datetime) ms = (value.number - kql::ticks_of_1970) / ticks_per_ms;
  if (!ms && value.type == Type::string)
    if (const auto time = parse_iso8601(value.text)) ms = epoch_ms(*time);
  if (ms && *ms > 0) write_number(*ms);
}

void CellWriter::write_address(const Datum& cell, CellKind kind) {
  const auto write_if_good = [&](std::string_view text) {
    const std::string_view address = without_port(text);
    const bool is_good = (kind != CellKind::ipv6 && is_ipv4(address)) || (kind != CellKind::ipv4 && is_ipv6(address));
    if (is_good) rules_.escape(address, out_);
    return is_good;
  };
  if (cell.type == Type::string) {
    write_if_good(cell.text);
  } else if (cell.type == Type::dynamic && !cell.is_json() && cell.dynamic->kind == Dynamic::Kind::array) {
    for (const Dynamic& item : cell.dynamic->items)
      if (item.kind == Dynamic::Kind::string && write_if_good(item.text)) return;
  } else {
    write_if_good(text_of(cell));
  }
}

}  // namespace capstan::encoders
