// How the windows of one feed end: the four outcomes of verify, from what was counted.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "component/source.h"
#include "verify_survey.h"

namespace capstan::runtime {

// Why a part of the saved time cannot be compared.
struct NotComparable {
  Timestamp from;  // inclusive
  Timestamp to;    // exclusive
  std::string why;
};

struct FeedVerdict {
  Timestamp service_time{};  // now, at the service
  Timestamp local_time{};    // now, by this machine's clock, which times of journaling are of
  Duration late_after{};
  std::vector<NotComparable> gaps;  // the first one that touches a window says why
  std::optional<std::string> held;  // the feed waits for a person
};

// Makes a row of every window of the feed that there is none of yet, and says of each how it ends.
void judge(FeedSurvey& feed, const VerifySource& source, const FeedVerdict& verdict);

}  // namespace capstan::runtime
