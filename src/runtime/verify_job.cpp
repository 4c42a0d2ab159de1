#include "runtime/verify_job.h"

#include <mutex>
#include <thread>

namespace capstan::runtime {

struct VerifyJob::Impl {
  Work work;
  mutable std::mutex mutex;
  State state;
  std::jthread thread;

  void run(const std::stop_token& stop, const VerifyOptions& options) {
    auto report = work(options, stop, [this](const std::string& doing) {
      const std::lock_guard lock(mutex);
      state.progress = doing;
    });
    const std::lock_guard lock(mutex);
    state.is_running = false;
    state.progress.clear();
    if (report)
      state.report = std::move(*report);
    else
      state.error = report.error();
  }
};

VerifyJob::VerifyJob(Work work) : impl_(std::make_unique<Impl>()) { impl_->work = std::move(work); }
VerifyJob::~VerifyJob() = default;

Result<std::uint64_t> VerifyJob::start(VerifyOptions options) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->state.is_running) return Error(ErrorCode::busy, "starting verify: one is running already");
  impl_->state =
      State{.number = impl_->state.number + 1, .is_running = true, .progress = {}, .report = {}, .error = {}};
  // The thread of the job before has ended or is about to, with nothing left to lock: joining it here cannot hang.
  impl_->thread = std::jthread(
      [impl = impl_.get(), options = std::move(options)](const std::stop_token& stop) { impl->run(stop, options); });
  return impl_->state.number;
}

VerifyJob::State VerifyJob::state() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->state;
}

void VerifyJob::stop() {
  const std::lock_guard lock(impl_->mutex);
  impl_->thread.request_stop();
}

}  // namespace capstan::runtime
