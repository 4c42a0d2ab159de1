// What was taken out of a route with evidence, and when this Capstan ran: data_dir/state.db (SQLite, WAL,
// synchronous=FULL). One object is used by one thread at a time; several processes may have the file open.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "store/journal.h"

namespace capstan::store {

struct DeadLetter {
  std::int64_t number = 0;  // given by add()
  std::string route;
  std::string source;
  Position position;
  std::string feed;
  std::string id;
  ErrorCode code = ErrorCode::internal;
  std::string sentence;
  std::string raw;             // the first 64 KiB
  std::string raw_sha256;      // of the whole
  std::uint64_t raw_size = 0;  // of the whole
  Timestamp time{};
};

struct Run {
  std::int64_t number = 0;
  Timestamp start{};
  std::optional<Timestamp> stop;  // nothing: it runs, or it was killed
  std::string version;
  std::string reason;  // why it stopped
};

class DeadLetters {
public:
  static constexpr std::size_t raw_size_max = 64U << 10;

  // Opens or makes the file. database_failed, with what SQLite says.
  static Result<std::unique_ptr<DeadLetters>> open(const std::string& path);
  virtual ~DeadLetters() = default;

  // Durable when it returns. `letter.raw` is the whole record; number, raw_sha256 and raw_size are filled in here. The
  // same record of the same route is kept once, with the newest reason: a crash between this and the cursor repeats it.
  virtual Result<std::int64_t> add(const DeadLetter& letter) = 0;
  // Newest first; of one route or (empty) of all.
  virtual Result<std::vector<DeadLetter>> list(std::string_view route, std::size_t count_max) = 0;
  virtual Result<std::uint64_t> count(std::string_view route) = 0;
  // After it was replayed. Removing what is not there is fine.
  virtual Result<> remove(std::int64_t number) = 0;

  virtual Result<std::int64_t> run_started(Timestamp start, std::string_view version) = 0;
  virtual Result<> run_stopped(std::int64_t number, Timestamp stop, std::string_view reason) = 0;
  virtual Result<std::vector<Run>> runs(std::size_t count_max) = 0;  // newest first
};

}  // namespace capstan::store
