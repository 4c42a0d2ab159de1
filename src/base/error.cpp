#include "base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace capstan {

namespace {

constexpr std::array catalogue{
#define CAPSTAN_ERROR(number, name, error_class, what, advice) \
  ErrorEntry{ErrorCode::name, #name, ErrorClass::error_class, what, advice},
#include "base/error_catalogue.def"
#undef CAPSTAN_ERROR
};
static_assert(std::ranges::is_sorted(catalogue, {}, &ErrorEntry::code),
              "the catalogue is kept in the order of its numbers");

}  // namespace

std::span<const ErrorEntry> error_catalogue() { return catalogue; }

const ErrorEntry& entry(ErrorCode code) { return *std::ranges::lower_bound(catalogue, code, {}, &ErrorEntry::code); }

const ErrorEntry* find_entry(std::string_view text) {
  if (text.starts_with('E') || text.starts_with('e')) text.remove_prefix(1);
  std::uint16_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size()) return nullptr;
  const auto found = std::ranges::find(catalogue, static_cast<ErrorCode>(number), &ErrorEntry::code);
  return found == catalogue.end() ? nullptr : &*found;
}

std::string_view to_string(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::usage:
      return "usage";
    case ErrorClass::configuration:
      return "configuration";
    case ErrorClass::retry:
      return "retry";
    case ErrorClass::hold:
      return "hold";
    case ErrorClass::split:
      return "split";
    case ErrorClass::dead_letter:
      return "dead_letter";
    case ErrorClass::fault:
      return "fault";
  }
  return "fault";
}

std::string label(ErrorCode code) { return fmt::format("E{}", static_cast<unsigned>(code)); }

std::string Error::text() const { return fmt::format("{} [{}]", sentence_, label(code_)); }

Error&& Error::during(std::string_view doing) && {
  sentence_ = fmt::format("{}: {}", doing, sentence_);
  return std::move(*this);
}

}  // namespace capstan
