// The one formula by which a route's place in a journal becomes figures: of a running route and of one that is stopped.
#pragma once

#include <optional>
#include <string>

#include "runtime/status.h"
#include "store/journal.h"

namespace capstan::runtime {

// Records that a route has read and not delivered: retention cannot take them any more.
struct InHand {
  store::Position end;           // behind the last of them
  std::uint64_t end_number = 0;  // records of the journal before `end`
  std::uint64_t records = 0;
  std::uint64_t fresh = 0;  // of those: not counted before
};

// `passed_over`: records behind the cursor that the route will not be given again (a replay that ends before the place
// where it began).
RouteCursor where_it_stands(std::string source, const store::Journal& journal, store::Cursor cursor,
                            const std::optional<InHand>& in_hand, std::uint64_t passed_over);

// Adds what one cursor says to the route's figures.
void add_cursor(RouteStatus& status, RouteCursor cursor);

}  // namespace capstan::runtime
