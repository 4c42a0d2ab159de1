#include "name_lookups.h"

#include <fmt/format.h>
#include <pthread.h>

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <system_error>
#include <thread>

namespace capstan::net {
namespace {

// Look-ups of one name that may hang at the same time. With the number of configured names this bounds the threads.
constexpr unsigned lookups_per_name_max = 4;

// Signals are for the threads of the program; this one may never come back to see what they set.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

struct NameLookups::Board {
  struct Name {
    unsigned running = 0;
    std::chrono::steady_clock::time_point newest_begun{};
    unsigned waiting = 0;
    std::uint64_t answers = 0;  // so far; a caller takes the first one that comes after it began to wait
    Result<std::vector<std::string>> answer = std::vector<std::string>();
  };

  LookUp look_up;
  std::chrono::nanoseconds patience;
  std::mutex mutex;
  std::condition_variable_any answered;
  std::map<std::string, Name> names;  // those with somebody who waits or something that runs

  void forget_if_idle(const std::string& host) {
    const auto found = names.find(host);
    if (found != names.end() && found->second.running == 0 && found->second.waiting == 0) names.erase(found);
  }
};

NameLookups::NameLookups(LookUp look_up, std::chrono::nanoseconds patience) : board_(std::make_shared<Board>()) {
  board_->look_up = std::move(look_up);
  board_->patience = patience;
}

Result<std::vector<std::string>> NameLookups::find(const std::string& host, const Call& call) {
  const auto end = std::chrono::steady_clock::now() + call.timeout;
  std::unique_lock lock(board_->mutex);
  Board::Name& name = board_->names[host];
  ++name.waiting;
  const std::uint64_t before = name.answers;
  begin_if_needed(host);
  const bool has_answer = board_->answered.wait_until(lock, call.stop, end, [&] { return name.answers != before; });
  auto answer = has_answer ? name.answer
                           : Result<std::vector<std::string>>(Error(
                                 call.stop.stop_requested() ? ErrorCode::interrupted : ErrorCode::name_not_resolved,
                                 fmt::format("resolving \"{}\": {}", host,
                                             call.stop.stop_requested() ? "stopped" : "no answer in time")));
  --name.waiting;
  board_->forget_if_idle(host);
  return answer;
}

// Under the board's lock.
void NameLookups::begin_if_needed(const std::string& host) {
  Board::Name& name = board_->names[host];
  const auto now = std::chrono::steady_clock::now();
  const bool is_fresh = name.running > 0 && now - name.newest_begun < board_->patience;
  if (is_fresh || name.running >= lookups_per_name_max) return;
  const auto tell = [](Board& board, const std::string& asked, Result<std::vector<std::string>> answer) {
    Board::Name& asked_name = board.names[asked];
    asked_name.answer = std::move(answer);
    ++asked_name.answers;
    board.answered.notify_all();
  };
  try {
    std::thread([board = board_, host, tell] {
      block_signals();
      auto answer = board->look_up(host);
      const std::lock_guard lock(board->mutex);
      --board->names[host].running;
      tell(*board, host, std::move(answer));
      board->forget_if_idle(host);
    }).detach();
    ++name.running;
    name.newest_begun = now;
  } catch (const std::system_error& error) {
    if (name.running == 0)
      tell(*board_, host,
           Error(ErrorCode::name_not_resolved, fmt::format("resolving \"{}\": no thread: {}", host, error.what())));
  }
}

}  // namespace capstan::net
