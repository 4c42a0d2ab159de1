// The source: chooses what to ask next, asks, and turns what came into a batch and a checkpoint.
//
//   choose a job ─► permit ─► question ─► page ─► records ─► walk advances ─► checkpoint     mdca_source.cpp
//                                  └─ error ─► held, tried again, asked in another form, or narrowed down
//                                                                                            mdca_answers.cpp
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "component/source.h"
#include "mdca_arrivals.h"
#include "mdca_feed.h"
#include "mdca_health.h"
#include "mdca_lateness.h"
#include "mdca_page.h"
#include "mdca_page_sizes.h"
#include "mdca_records.h"
#include "mdca_seen_ids.h"
#include "mdca_server_clock.h"
#include "net/tenant.h"

namespace capstan::mdca {

class Mdca final : public Source {
public:
  Mdca(Options options, const std::map<std::string, std::string>& filters, std::shared_ptr<net::Tenant> tenant,
       const Clock& clock);

  Result<Poll> poll(const Checkpoint& from, const Call& call) override;
  std::vector<FeedTraits> feeds() const override;
  std::optional<Checkpoint> window(const Window& window) const override;
  std::optional<Timestamp> collected_since(const Checkpoint& from, std::string_view feed) const override;
  std::vector<FeedReport> probe(const Call& call) override;

private:
  // How a feed's questions have to be put.
  struct Manners {
    std::uint32_t dialect = 0;
    std::int64_t archive_refused_at = 0;
    std::int64_t archive_refused_created_at = 0;
  };
  // What the walk of a job has met, as long as it goes on from where it was left.
  struct Seen {
    SeenIds ids;
    Walk after;
  };
  struct Ended {
    std::int64_t done_at = 0;  // as the checkpoint has it
    MonotonicTime at{};
  };
  // A job of a feed, in the order in which they are served.
  struct Turn {
    Feed* feed;
    JobKind job;
  };

  Result<> load(const Checkpoint& from);
  std::vector<Turn> turns() const;
  std::vector<Health::Member> mains() const;
  bool is_ready(const Turn& turn) const;
  // Until the job begins again; nothing: never.
  std::optional<Duration> due_in(const Turn& turn) const;
  Result<Poll> step(const Turn& turn, const Call& call);
  Result<Poll> ask_time(const Turn& turn, const Call& call);
  Result<Poll> ask_control(const Turn& turn, const Call& call);
  void begin(const Turn& turn);
  void end(const Turn& turn, const Walk& walk);
  Result<net::Response> ask(const Turn& turn, const Question& question, const Call& call);
  Result<Poll> absorb(const Turn& turn, const net::Response& response);
  Result<PageFacts> take_records(const Turn& turn, const Page& page, Poll& poll, FeedReport& report);
  bool is_wanted(const Turn& turn, const RecordView& record, bool is_outside);
  void remember_unread(const Turn& turn, const std::vector<Piece>& pieces, FeedReport& report);
  void narrow_down(const Turn& turn, FeedReport& report);
  Result<Poll> failed(const Turn& turn, Error error);
  bool archive_refused(const Turn& turn, const Error& error);
  bool asks_in_another_form(const Turn& turn, const Error& error);
  bool is_in_window(const RecordView& record) const;
  Poll progress(Poll poll, FeedReport report);
  std::optional<Timestamp> service_time() const;
  Error window_error() const;
  void describe_pace(FeedReport& report) const;
  void learn_manners(const std::string& feed, const FeedState& state);
  std::string note_of(const Feed& feed, const FeedState& state) const;

  FeedState& state_of(const Turn& turn) { return state_.feeds[turn.feed->name()]; }
  Job& job_of(const Turn& turn) { return state_of(turn).jobs[turn.job.name]; }
  std::string key_of(const Turn& turn) const;
  WalkShape shape_of(const Turn& turn);

  const Options options_;
  const std::shared_ptr<net::Tenant> tenant_;
  const Clock& clock_;
  std::vector<std::unique_ptr<Feed>> feeds_;
  std::vector<Turn> order_;

  // The state that belongs to `loaded_`, so that a checkpoint that comes back unchanged is not parsed again.
  State state_;
  std::optional<std::string> loaded_;

  // Pacing and health; a restart loses nothing.
  ServerClock server_;
  Health health_;
  RecordReader reader_;
  std::int64_t record_bytes_ = 3 << 10;  // until it is measured
  std::map<std::string, Lateness> lateness_;
  std::map<std::string, Spans> save_times_;          // saved − event time
  std::map<std::string, std::int64_t> walked_from_;  // where the main walk in progress began
  std::set<std::string> begun_;                      // feeds whose main walk was begun by this process
  std::set<std::string> asked_;                      // and ended
  std::map<std::string, Ended> ended_;               // by job: when this process last ended it
  std::map<std::string, Seen> seen_;                 // by job
  std::map<std::string, std::uint32_t> oddities_;    // by job, of its last walk
  std::map<std::string, std::uint64_t> outside_;     // by feed: records outside of the bounds, so far
  std::map<std::string, PageSizes> page_sizes_;      // by feed
  std::map<std::string, Arrivals> arrivals_;
  std::map<std::string, Manners> manners_;  // as last seen, for windows
  unsigned archive_refusals_ = 0;           // in a row
};

}  // namespace capstan::mdca
