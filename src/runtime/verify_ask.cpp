#include "verify_ask.h"

#include <algorithm>

namespace capstan::runtime {

namespace {

// Between two polls that brought neither records nor a new checkpoint, whatever the source asks for: a source that says
// "ask again at once" must not turn the processor.
constexpr Duration idle_wait_min = std::chrono::milliseconds(200);
constexpr Duration wait_max = std::chrono::minutes(2);
// How long a tenant that cannot be reached is tried: longer than a name server or a proxy takes to be restarted.
constexpr Duration unreachable_patience = std::chrono::minutes(1);
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
  return error.code() == ErrorCode::connection_failed || error.code() == ErrorCode::name_not_resolved;
}

// One question, carried on from poll to poll.
class Question {
public:
  Question(Source& source, const Window& window, Duration patience, const VerifyWorld& world)
      : source_(source), window_(window), patience_(patience), world_(world) {}

  Result<Answered> put(Checkpoint checkpoint, const std::function<Result<>(const Batch&)>& see) {
    MonotonicTime moved = world_.clock->monotonic();
    while (answered_.polls < polls_max) {
      if (world_.stop.stop_requested()) return interrupted();
      ++answered_.polls;
      auto poll = source_.poll(checkpoint, Call{.timeout = std::chrono::seconds(60), .stop = world_.stop});
      if (world_.stop.stop_requested()) return interrupted();
      bool has_moved = false;
      Duration wait = idle_wait_min;
      if (poll) {
        TRY(see(poll->batch));
        has_moved = !poll->batch.is_empty() || poll->next != checkpoint;
        wait = poll->wait;
        note(*poll);
        if (!answered_.error && poll->is_drained) {
          answered_.is_whole = true;
          return std::move(answered_);
        }
        checkpoint = std::move(poll->next);
      } else {
        answered_.error = poll.error();
        wait = poll.error().pause().value_or(std::chrono::seconds(1));
      }
      if (answered_.error && !passes_by_itself(*answered_.error)) return std::move(answered_);
      if (has_moved) moved = world_.clock->monotonic();
      if (world_.clock->monotonic() - moved >= patience()) return std::move(answered_);
      if (answered_.error && world_.progress) world_.progress("waiting: " + answered_.error->text());
      if (!has_moved) wait = std::max(wait, idle_wait_min);
      if (wait > Duration::zero() && !world_.wait(std::min(wait, wait_max), world_.stop)) return interrupted();
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
  Answered answered_;
};

}  // namespace

Result<Answered> ask(Source& source, const Window& window, Duration patience, const VerifyWorld& world,
                     const std::function<Result<>(const Batch&)>& see) {
  auto checkpoint = source.window(window);
  if (!checkpoint) {
    Answered answered;
    answered.can_be_asked = false;
    answered.note = "this feed cannot be asked again by time";
    return answered;
  }
  return Question(source, window, patience, world).put(std::move(*checkpoint), see);
}

}  // namespace capstan::runtime
