// Which records a list request gets: filters, order, skip and limit, scan mode. Selecting is apart from writing, so
// that the tenant is locked only while it selects.
#pragma once

#include <boost/json.hpp>

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "feed.h"
#include "net/http_server.h"
#include "query.h"

namespace capstan::simulator {

struct ListRequest {
  boost::json::object filters;
  std::string sort_field;
  bool is_ascending = false;  // the service lists the newest first where it is not told
  std::int64_t skip = 0;
  std::int64_t limit = 0;  // 0: the default
  bool is_scan = false;
};

// From a JSON body, a form or the query, whatever the method. The error is the body of a 400.
std::expected<ListRequest, std::string> read_list_request(const net::ServerRequest& request);

// What of the feed the endpoint shows at all.
struct Scope {
  std::int64_t now = 0;
  Interval event;             // younger than 30 days, or older
  bool scans = false;         // scan mode works here
  bool scan_is_half = false;  // takes isScan, but gives no nextQueryFilters and always says hasNext
  bool crowds_hold_up_scans = false;
  bool counts_all = false;  // the total is exact, which takes a walk over everything
};

struct Page {
  std::vector<Entry> entries;
  bool has_next = false;
  std::int64_t max = 0;
  std::uint64_t total = 0;  // an estimate
  std::optional<boost::json::object> next_filters;
  boost::json::object filters;  // as asked
};

std::expected<Page, std::string> select(const Feed& feed, const ListRequest& request, const Scope& scope);

}  // namespace capstan::simulator
