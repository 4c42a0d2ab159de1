#include "mdca_page.h"

#include <charconv>

#include "base/text.h"
#include "event/json_split.h"

namespace capstan::mdca {

namespace {

// Larger ones would burden every checkpoint; the walk goes on by time instead.
constexpr std::size_t next_filters_size_max = 64U << 10;

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

}  // namespace

Result<Page> read_page(std::string_view body) {
  if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
  Page page;
  bool has_records = false;
  for (const auto& [name, value] : TRY(split_object(body))) {
    if (name == "data" && !has_records) {
      has_records = true;
      page.records = TRY(split_array(value));
    } else if (name == "hasNext") {
      page.has_next = value == "true";
    } else if (name == "total") {
      page.total = number(value);
    } else if (name == "max") {
      page.max = number(value);
    } else if (name == "moreThanTotal") {
      page.more_than_total = value == "true";
    } else if (name == "nextQueryFilters" && value.starts_with('{') && value.size() <= next_filters_size_max) {
      page.next_filters = value;
    }
  }
  if (!has_records)
    return Error(ErrorCode::unexpected_answer, "expected a list with \"data\", got " + std::string(cut_utf8(body, 80)));
  return page;
}

}  // namespace capstan::mdca
