// The positive control: what the other files do wrongly, done rightly.
#include <fmt/format.h>

#include "base/log.h"
#include "base/result.h"
#include "base/secret.h"
#include "component/source.h"
#include "store/journal.h"

capstan::Result<int> doubled(capstan::Result<int> number) {
  const int value = TRY(std::move(number));
  return 2 * value;
}

std::string shown(const capstan::Secret& secret) {
  capstan::log::info("a secret", {{"is_empty", secret.is_empty()}});
  return fmt::format("{}", secret.is_empty() ? "empty" : "set");
}
