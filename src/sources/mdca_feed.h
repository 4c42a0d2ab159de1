// What makes one feed different from another: which jobs it has, when they are due, what a walk of theirs reads.
// Pure: state in, state out. All times are the server's, in milliseconds.
#pragma once

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "component/source.h"
#include "mdca_checkpoint.h"
#include "mdca_options.h"
#include "mdca_walk.h"
#include "net/governor.h"

namespace capstan::mdca {

struct ServerTime {
  std::int64_t ms = 0;
  bool is_dated = false;  // from a Date header; else from the newest record, which proves no more than itself
};

struct JobKind {
  std::string name;
  net::Urgency urgency;
};

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constexpr const char* main_job = "main";
constexpr const char* poison_job = "poison";  // asks again for what the service could not show
constexpr const char* window_job = "window";  // of a checkpoint made by Source::window

class Feed {
public:
  Feed(std::string name, const Options& options, std::string filters)
      : name_(std::move(name)), options_(options), filters_(std::move(filters)) {}
  virtual ~Feed() = default;
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  const std::string& name() const { return name_; }
  virtual bool is_inventory() const { return false; }
  virtual std::vector<JobKind> jobs() const = 0;  // the main one first
  virtual FeedTraits traits() const = 0;
  virtual std::int64_t due_at(const FeedState& state, const std::string& job) const = 0;
  virtual Walk plan(FeedState& state, const std::string& job, ServerTime now) const = 0;
  virtual WalkShape shape(const FeedState& state, const std::string& job) const = 0;
  // The walk of a job is through.
  virtual void finished(FeedState& state, const std::string& job, std::int64_t started) const = 0;
  virtual Walk plan_window(const FeedState& state, const Window& window, ServerTime now) const = 0;
  // Why the service cannot be asked for all of a window; empty: it can.
  virtual std::string gap_in(const FeedState&, const Window&, ServerTime) const { return {}; }
  // The tenant answered 400: true when there is another form to ask in, which the state now says.
  virtual bool take_refusal(FeedState& state, const std::string& job) const = 0;
  // What a person should know about the state; empty: nothing.
  virtual std::string note(const FeedState& state) const = 0;

protected:
  const Options& options() const { return options_; }
  const std::string& filters() const { return filters_; }
  // Where collection begins on first contact.
  std::int64_t floor_at(ServerTime now) const;

private:
  std::string name_;
  const Options& options_;
  std::string filters_;
};

std::unique_ptr<Feed> make_feed(const std::string& name, const Options& options, std::string filters);
std::unique_ptr<Feed> make_activities(const Options& options, std::string filters);
std::unique_ptr<Feed> make_alerts(const Options& options, std::string filters);
std::unique_ptr<Feed> make_inventory(const std::string& name, const Options& options, std::string filters);

// --- places that the service cannot show ---
// Remembers one; at most a thousand, then the newest grows to cover the rest.
void add_poisoned(FeedState& state, const Piece& piece, std::uint64_t records, std::int64_t now);
std::int64_t poison_due_at(const FeedState& state);
Walk plan_poison(const FeedState& state, ServerTime now, Reading reading);
// The place that is due could be read, or still could not.
void forget_poisoned(FeedState& state);
void postpone_poisoned(FeedState& state, std::int64_t now);

}  // namespace capstan::mdca
