#include "verify_ask.h"

#include <algorithm>

namespace capstan::runtime {

namespace {

// Between two polls that brought neither records nor a new checkpoint, whatever the source asks for: a source that says
// "ask again at once" must not turn the processor.
constexpr Duration idle_wait_min = std::chrono::milliseconds(200);
constexpr Duration wait_max = std::chrono::minutes(2);
// How long a tenant that cannot be reached is tried: longer than a connection takes that is set up anew.
constexpr Duration unreachable_patience = std::chrono::seconds(20);
// A page of 5,000 records has to fit in.
constexpr Duration poll_timeout = std::chrono::seconds(60);
// A page has up to 5,000 records: this is more than any tenant shows.
constexpr std::uint64_t polls_max = 10'000'000;

const FeedReport* report_of(const Poll& poll, std::string_view feed) {
  for (const auto& report : poll.feeds)
    if (report.feed == feed) return &report;
  return nullptr;
}

bool passes_by_itself(const Error& error) {
  return error.error_class() == ErrorClass::retry || error.error_class() == ErrorClass::split;
}

bool is_unreachable(const Error& error) {
  return error.code() == ErrorCode::connection_failed || error.code() == ErrorCode::name_not_resolved ||
         error.code() == ErrorCode::timed_out;
}

enum class Wants : std::uint8_t { everything, only_the_time };

// One question, carried on from poll to poll.
class Question {
public:
  Question(Source& source, const Window& window, Duration patience, const VerifyWorld& world, Wants wants)
      : source_(source), window_(window), patience_(patience), world_(world), wants_(wants) {}

  Result<Answered> put(Checkpoint checkpoint, const std::function<Result<bool>(const Batch&)>& see) {
    MonotonicTime moved = world_.clock->monotonic();
    while (answered_.polls < polls_max) {
      if (world_.stop.stop_requested()) return interrupted();
      ++answered_.polls;
      auto poll = source_.poll(checkpoint, Call{.timeout = poll_timeout, .stop = world_.stop});
      if (world_.stop.stop_requested()) return interrupted();
      bool has_moved = false;
      Duration wait = idle_wait_min;
      if (poll) {
        note(*poll);
        if (wants_ == Wants::only_the_time && answered_.service_time) return std::move(answered_);
        answered_.was_left = !TRY(see(poll->batch));
        has_moved = !poll->batch.is_empty() || poll->next != checkpoint;
        wait = poll->wait;
        answered_.is_whole = !answered_.error && poll->is_drained && !answered_.was_left;
        if (answered_.is_whole || answered_.was_left) return std::move(answered_);
        checkpoint = std::move(poll->next);
      } else {
        answered_.error = poll.error();
        wait = poll.error().pause().value_or(std::chrono::seconds(1));
      }
      if (answered_.error && !passes_by_itself(*answered_.error)) return std::move(answered_);
      if (has_moved) moved = world_.clock->monotonic();
      answered_.is_dead = world_.clock->monotonic() - moved >= patience();
      if (answered_.is_dead) return std::move(answered_);
      if (answered_.error && world_.progress) world_.progress("waiting: " + answered_.error->text());
      if (!has_moved) wait = std::max(wait, idle_wait_min);
      if (wait > Duration::zero() && !world_.wait(std::min({wait, wait_max, patience()}), world_.stop))
        return interrupted();
    }
    return std::move(answered_);
  }

private:
  Duration patience() const {
    return answered_.error && is_unreachable(*answered_.error) ? std::min(patience_, unreachable_patience) : patience_;
  }

  Error interrupted() const { return {ErrorCode::interrupted, "asking the tenant for " + window_.feed + ": stopped"}; }

  void note(const Poll& poll) {
    answered_.error.reset();
    if (poll.service_time) {
      answered_.service_time = poll.service_time;
      answered_.service_time_at = world_.clock->monotonic();
    }
    const FeedReport* report = report_of(poll, window_.feed);
    if (report == nullptr) return;
    answered_.error = report->error;
    answered_.passed_over += report->records_passed_over;
    if (!report->note.empty()) answered_.note = report->note;
  }

  Source& source_;
  const Window& window_;
  Duration patience_;
  const VerifyWorld& world_;
  Wants wants_;
  Answered answered_;
};

Result<Answered> put(Source& source, const Window& window, Duration patience, const VerifyWorld& world, Wants wants,
                     const std::function<Result<bool>(const Batch&)>& see) {
  auto checkpoint = source.window(window);
  if (!checkpoint) {
    Answered answered;
    answered.can_be_asked = false;
    answered.note = "this feed cannot be asked again";
    return answered;
  }
  return Question(source, window, patience, world, wants).put(std::move(*checkpoint), see);
}

}  // namespace

Result<Answered> ask(Source& source, const Window& window, Duration patience, const VerifyWorld& world,
                     const std::function<Result<bool>(const Batch&)>& see) {
  return put(source, window, patience, world, Wants::everything, see);
}

Result<Answered> ask_time(Source& source, const std::string& feed, Duration patience, const VerifyWorld& world) {
  // A moment in which nothing can have been saved: the answer is short whatever the source asks for.
  const Window moment{feed, world.clock->now(), world.clock->now() + std::chrono::milliseconds(1), Manner::otherwise};
  return put(source, moment, patience, world, Wants::only_the_time, [](const Batch&) -> Result<bool> { return true; });
}

}  // namespace capstan::runtime
