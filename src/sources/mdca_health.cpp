#include "mdca_health.h"

#include <algorithm>

#include "base/digest.h"

namespace capstan::mdca {

namespace {

// The first only confirms.
constexpr Duration holds[] = {std::chrono::seconds(1), std::chrono::seconds(15), std::chrono::minutes(1),
                              std::chrono::minutes(5)};
constexpr Duration backoff_min = std::chrono::seconds(1);
constexpr Duration backoff_max = std::chrono::minutes(5);
constexpr unsigned failures_until_suspected = 3;

}  // namespace

void Health::succeeded(const std::string& feed, const std::string& job) {
  feeds_.erase(feed);
  Trouble& trouble = jobs_[job];
  const bool is_narrowing = trouble.is_narrowing;
  trouble = {};
  trouble.is_narrowing = is_narrowing;
}

bool Health::hold(Trouble& trouble, const Error& error) const {
  const Duration wait = holds[std::min<std::size_t>(trouble.attempts, std::size(holds) - 1)];
  trouble.retry_at = clock_.monotonic() + std::max(wait, error.pause().value_or(Duration::zero()));
  if (trouble.attempts++ == 0) return false;
  trouble.error = error;
  return true;
}

bool Health::failed(const std::string& feed, const std::string& job, const Error& error, const Failure& failure) {
  if (error.error_class() == ErrorClass::hold) return hold(failure.is_main ? feeds_[feed] : jobs_[job], error);
  Trouble& trouble = jobs_[job];
  const MonotonicTime now = clock_.monotonic();
  trouble.error = error;
  if (error.code() == ErrorCode::throttled) {
    trouble.retry_at = now + error.pause().value_or(std::chrono::seconds(60));
    return true;
  }
  trouble.retry_at = now + std::max(backoff(job, trouble.attempts), error.pause().value_or(Duration::zero()));
  ++trouble.attempts;
  if (!failure.blames_window) return true;
  ++trouble.window_failures;
  if (trouble.window_failures >= (trouble.is_narrowing && !failure.is_narrow ? 1 : failures_until_suspected))
    trouble.is_suspected = true;
  return true;
}

void Health::pause(const std::string& job, Duration pause) {
  MonotonicTime& retry_at = jobs_[job].retry_at;
  retry_at = std::max(retry_at, clock_.monotonic() + pause);
}

bool Health::is_suspected(const std::string& job) const {
  const auto trouble = jobs_.find(job);
  return trouble != jobs_.end() && trouble->second.is_suspected;
}

void Health::acquit(const std::string& job) {
  Trouble& trouble = jobs_[job];
  trouble.is_suspected = false;
  trouble.is_narrowing = false;
  trouble.window_failures = 0;
}

void Health::narrowing(const std::string& feed, const std::string& job) {
  succeeded(feed, job);
  jobs_[job].is_narrowing = true;
}

void Health::is_through(const std::string& job) { jobs_.erase(job); }

Duration Health::wait(const std::string& feed, const std::string& job) const {
  MonotonicTime until{};
  if (const auto trouble = feeds_.find(feed); trouble != feeds_.end()) until = trouble->second.retry_at;
  if (const auto trouble = jobs_.find(job); trouble != jobs_.end()) until = std::max(until, trouble->second.retry_at);
  return std::max(std::chrono::ceil<Duration>(until - clock_.monotonic()), Duration::zero());
}

bool Health::is_held(const std::string& feed) const {
  const auto trouble = feeds_.find(feed);
  return trouble != feeds_.end() && trouble->second.error;
}

bool Health::is_job_held(const std::string& job) const {
  const auto trouble = jobs_.find(job);
  return trouble != jobs_.end() && trouble->second.error && trouble->second.error->error_class() == ErrorClass::hold;
}

std::optional<Error> Health::common_error(const std::vector<Member>& members) const {
  std::optional<Error> first;
  std::optional<Duration> pause;
  for (const auto& [feed, job] : members) {
    const auto held = feeds_.find(feed);
    const auto own = jobs_.find(job);
    auto error = own != jobs_.end() ? own->second.error : std::nullopt;
    if (held != feeds_.end() && held->second.error) error = held->second.error;
    if (!error) return std::nullopt;
    if (!first) first = error;
    const Duration until = wait(feed, job);
    pause = std::min(pause.value_or(until), until);
  }
  if (first) return Error(*first).asking_for(std::max(*pause, Duration(1)));
  return first;
}

// 1 s, 2 s, 4 s … 5 min, each between three and five quarters of it.
Duration Health::backoff(const std::string& job, unsigned attempts) const {
  const Duration base = std::min(Duration(backoff_min.count() << std::min(attempts, 20U)), backoff_max);
  const auto spread =
      static_cast<std::int64_t>(hash64(seed_ + job, attempts) % static_cast<std::uint64_t>(base.count() / 2 + 1));
  return base * 3 / 4 + Duration(spread);
}

}  // namespace capstan::mdca
