// The envelope of a list answer: {"data": […], "hasNext": …, "total": …, "moreThanTotal": …, "nextQueryFilters": {…}}.
// Nothing in it is trusted: `total` is approximate, `hasNext` may lie, members come in any order.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace capstan::mdca {

// Views into the answer's body.
struct Page {
  std::vector<std::string_view> records;
  bool has_next = false;
  std::optional<std::int64_t> total;
  bool more_than_total = false;
  std::optional<std::int64_t> max;  // the cap that the service names
  std::string_view next_filters;    // the object as written; empty: none
};

// Fails with unexpected_answer when it is not such an envelope: without `data`, or with `"data": null`, which is no
// list.
Result<Page> read_page(std::string_view body);

}  // namespace capstan::mdca
