// What the proof ledger says of the hours of a day's report, and how hours add up. Pure functions.
#pragma once

#include <optional>

#include "runtime/day_report.h"

namespace capstan::runtime {

// Whether the feed has been compared for a part of [from, to).
bool has_window(const store::ProofFeed& feed, Timestamp from, Timestamp to);
// Of an hour whose counts are there already. An hour is as well proved as the worst of its windows.
HourProof proof_of(const std::optional<store::ProofLedger>& ledger, const FeedHour& hour);
// A feed's day without hours: nothing is known of it, and nothing is worse yet.
FeedHour empty_day(std::string_view feed, Timestamp from, Timestamp to);
// Adds the hour to the feed's day, which is as well proved as the worst of its hours.
void add(FeedHour& total, const FeedHour& hour);

}  // namespace capstan::runtime
