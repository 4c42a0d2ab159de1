// Answers that go wrong by plan. docs/guide/try-it.md describes the script. Not safe for threads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/http_server.h"

namespace capstan::simulator {

struct Fault {
  std::uint64_t number = 0;  // given when it is added

  // Which requests: all of these must hold.
  std::string path = "/";      // prefix
  std::optional<double> from;  // seconds since the script was added
  std::optional<double> to;
  std::optional<std::uint64_t> from_request;  // the first such request is 1
  std::optional<std::uint64_t> to_request;
  std::optional<std::uint64_t> every;  // each n-th of them
  std::uint64_t count = 0;             // at most so many times; 0: no end
  std::string record;                  // only pages that hold the record of this id

  // What becomes of them. Without status, body, html and garbage the true answer is given, but for what follows.
  std::optional<int> status;
  std::optional<std::string> body;
  bool html = false;
  bool garbage = false;
  std::optional<std::int64_t> retry_after;
  std::vector<net::Header> headers;
  std::optional<bool> wrong_has_next;
  bool no_data = false;
  Duration delay{};
  std::optional<std::size_t> cut_after;

  bool replaces_answer() const { return status || body || html || garbage; }
};

class FaultScript {
public:
  explicit FaultScript(const Clock& clock) : clock_(clock) {}

  // A JSON list of faults, or one. Errors: wrong_value.
  Result<> add(std::string_view text);
  void clear() { planned_.clear(); }

  // The first fault that wants this request, counted as used unless it waits for a record (then `take` counts it).
  // All counters of requests move.
  std::optional<Fault> next(const std::string& path);
  void take(std::uint64_t number);
  std::uint64_t taken() const { return taken_; }

private:
  struct Planned {
    Fault fault;
    MonotonicTime added;
    std::uint64_t requests = 0;
    std::uint64_t taken = 0;
  };
  static bool wants(const Planned& planned, MonotonicTime now);

  const Clock& clock_;
  std::vector<Planned> planned_;
  std::uint64_t taken_ = 0;
  std::uint64_t added_ = 0;
};

// The answer that replaces the true one.
net::ServerResponse faulty_answer(const Fault& fault);

}  // namespace capstan::simulator
