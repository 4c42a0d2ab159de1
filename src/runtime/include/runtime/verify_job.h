// A verify that runs beside everything else: asking a tenant again takes as long as its request budget makes it, far
// longer than one HTTP call should last. One at a time. Any thread may call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "runtime/verify.h"

namespace capstan::runtime {

class VerifyJob {
public:
  using Progress = std::function<void(const std::string&)>;
  using Work = std::function<Result<VerifyReport>(const VerifyOptions&, const std::stop_token&, const Progress&)>;

  struct State {
    std::uint64_t number = 0;  // of the job, from 1; 0: none was started yet
    bool is_running = false;
    std::string progress;                // what it does at the moment
    std::optional<VerifyReport> report;  // of the job that ended last
    std::optional<Error> error;          // why it gave none
  };

  explicit VerifyJob(Work work);
  ~VerifyJob();  // stops and waits
  VerifyJob(const VerifyJob&) = delete;
  VerifyJob& operator=(const VerifyJob&) = delete;

  // The number of the job that was started; busy when one runs.
  Result<std::uint64_t> start(VerifyOptions options);
  State state() const;
  void stop();

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace capstan::runtime
