#include "mdca_page_sizes.h"

#include <algorithm>

namespace capstan::mdca {

namespace {

// The caps that have been reported, and below.
// More than this in one plain page has not been reported.
constexpr std::int64_t allowed_max = 500;
constexpr std::int64_t steps[] = {5000, 2500, 1000, 500, 250, 100, 50, 25, 10, 1};

}  // namespace

std::int64_t PageSizes::size(Reading reading, std::int64_t wanted) const {
  const Learned& learned = reading == Reading::scan ? scan_ : pages_;
  const std::int64_t size = std::max(wanted, std::min(learned.allowed, allowed_max));
  return learned.most > 0 ? std::min(size, learned.most) : size;
}

void PageSizes::answered(Reading reading, std::int64_t asked, std::int64_t given, bool has_more,
                         std::optional<std::int64_t> max) {
  if (reading == Reading::singles || given == 0) return;
  auto& [most, cap, allowed] = of(reading);
  if (has_more) cap = std::max(cap, given);
  // A cap that the answer names holds, unless the answer itself goes beyond it.
  if (max && *max >= given && *max <= asked && *max > 1) cap = *max;
  if (max && *max > asked) allowed = *max;
}

bool PageSizes::refused(Reading reading, std::int64_t asked) {
  if (reading == Reading::singles) return false;
  const auto* smaller = std::ranges::find_if(steps, [asked](std::int64_t step) { return step < asked; });
  if (smaller == std::end(steps)) return false;
  of(reading).most = *smaller;
  return true;
}

}  // namespace capstan::mdca
