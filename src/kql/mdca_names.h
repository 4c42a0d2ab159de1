// The words for numbers of the Defender for Cloud Apps API, for mdca_name(). Each table holds what has been seen in
// public lines of Microsoft's SIEM agent, docs and clients.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace capstan::kql {

struct MdcaName {
  std::int64_t number;
  std::string_view text;
};

struct MdcaNames {
  std::string_view kind;    // as mdca_name() takes it
  std::string_view prefix;  // before a number that has no word; with none the number is written as it is
  std::span<const MdcaName> names;
};

std::span<const MdcaNames> mdca_names();
// nullptr: no such kind.
const MdcaNames* find_mdca_names(std::string_view kind);
// Empty where the number has no known word.
std::string_view mdca_word(const MdcaNames& names, std::int64_t number);

}  // namespace capstan::kql
