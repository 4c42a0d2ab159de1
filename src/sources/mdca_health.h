// How feeds and their jobs are doing: who is held, until when, and whose window is suspected. In memory only.
//
// What waits for a person (401, 403, 404, …) is asked once more a second later: a blip holds nobody. Then it is a hold:
// looked at again after 15 s, a minute, and every five minutes. It is the feed's when its main job met it, else the
// job's. What passes by itself is a job's: it is tried again after 1 s, 2 s, … 5 min, or when the service says. One
// feed's trouble never blocks another.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace capstan::mdca {

class Health {
public:
  // Delays are spread by a hash of `seed`, so that many tenants do not come back in the same second.
  Health(const Clock& clock, std::string seed) : clock_(clock), seed_(std::move(seed)) {}

  void succeeded(const std::string& feed, const std::string& job);
  struct Failure {
    bool is_main = true;         // the feed does not work without this job
    bool blames_window = false;  // after three of these in a row the job's window is suspected; while it is being
                                 // narrowed down, after one, until it `is_narrow`
    bool is_narrow = false;
  };
  // False: it is not believed yet, and nobody needs to hear of it.
  bool failed(const std::string& feed, const std::string& job, const Error& error, const Failure& failure);
  // The job's next question waits.
  void pause(const std::string& job, Duration pause);
  bool is_suspected(const std::string& job) const;
  // The service does not answer anything: it is not the window.
  void acquit(const std::string& job);
  // The window was narrowed down: it is tried at once, and suspected after one more failure.
  void narrowing(const std::string& feed, const std::string& job);
  void is_through(const std::string& job);

  Duration wait(const std::string& feed, const std::string& job) const;
  bool is_held(const std::string& feed) const;
  bool is_job_held(const std::string& job) const;
  // The error to report when each of these feeds has one, with the pause until the first is tried again.
  struct Member {
    std::string feed;
    std::string job;
  };
  std::optional<Error> common_error(const std::vector<Member>& members) const;

private:
  struct Trouble {
    std::optional<Error> error;
    MonotonicTime retry_at{};
    unsigned attempts = 0;
    unsigned window_failures = 0;
    bool is_suspected = false;
    bool is_narrowing = false;
  };
  Duration backoff(const std::string& job, unsigned attempts) const;
  bool hold(Trouble& trouble, const Error& error) const;

  const Clock& clock_;
  std::string seed_;
  std::map<std::string, Trouble> jobs_;
  std::map<std::string, Trouble> feeds_;
};

}  // namespace capstan::mdca
