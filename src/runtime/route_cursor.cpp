#include "runtime/route_cursor.h"

#include <algorithm>

namespace capstan::runtime {

namespace {
std::uint64_t difference(std::uint64_t larger, std::uint64_t smaller) {
  return larger > smaller ? larger - smaller : 0;
}
}  // namespace

RouteCursor where_it_stands(std::string source, const store::Journal& journal, store::Cursor cursor,
                            const std::optional<InHand>& in_hand, std::uint64_t passed_over) {
  const InHand hand = in_hand.value_or(InHand{cursor.position, cursor.number, 0, 0});
  const std::uint64_t counted = cursor.counted();
  const store::Behind all = journal.behind(hand.end, hand.end_number);
  const std::uint64_t fresh_from = std::max(hand.end_number, counted);
  const store::Behind fresh = fresh_from == hand.end_number ? all : journal.behind(hand.end, fresh_from);
  // Between the records in hand damage may have taken some.
  const std::uint64_t span = fresh_from - std::max(cursor.number, counted);
  const std::uint64_t waiting = hand.fresh + fresh.records;

  RouteCursor stands;
  stands.source = std::move(source);
  stands.backlog_records = difference(hand.records + all.records, passed_over);
  stands.repeated = difference(stands.backlog_records, waiting);
  if (stands.backlog_records > 0) {
    const std::uint64_t bytes = journal.behind(cursor.position, cursor.number).bytes;
    stands.backlog_bytes = std::max<std::uint64_t>(bytes, 1);
  }
  cursor.lost_to_retention += fresh.lost_to_retention;
  cursor.lost_to_damage += fresh.lost_to_damage + difference(span, hand.fresh);
  stands.cursor = std::move(cursor);
  return stands;
}

void add_cursor(RouteStatus& status, RouteCursor cursor) {
  status.backlog_bytes += cursor.backlog_bytes;
  status.backlog_records += cursor.backlog_records;
  status.delivered += cursor.cursor.delivered;
  status.dropped += cursor.cursor.dropped;
  status.rejected += cursor.cursor.rejected;
  status.resent += cursor.cursor.resent;
  status.lost_to_retention += cursor.cursor.lost_to_retention;
  status.lost_to_damage += cursor.cursor.lost_to_damage;
  status.cursors.push_back(std::move(cursor));
}

}  // namespace capstan::runtime
