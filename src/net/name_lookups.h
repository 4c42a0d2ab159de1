// The look-ups of names that are under way in this process.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/http.h"

namespace capstan::net {

// Any thread may call. Destroying it leaves look-ups that still run to themselves.
class NameLookups {
public:
  // Numeric literals of a host. Called on a thread of its own; may take any time.
  using LookUp = std::function<Result<std::vector<std::string>>(const std::string& host)>;
  // `patience`: a look-up that has run for longer is taken for lost, and the next caller begins another one.
  explicit NameLookups(LookUp look_up, std::chrono::nanoseconds patience = std::chrono::seconds(10));

  // Errors: those of `look_up`, name_not_resolved when no answer came within call.timeout, interrupted (call.stop).
  Result<std::vector<std::string>> find(const std::string& host, const Call& call);

private:
  struct Board;
  void begin_if_needed(const std::string& host);

  std::shared_ptr<Board> board_;  // shared with the threads that look up
};

}  // namespace capstan::net
