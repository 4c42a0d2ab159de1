// Configurations in YAML for tests of a reload: sources that go on by themselves, sinks that keep what they were given,
// by name.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "config/document.h"
#include "engine_equipment.h"
#include "runtime/plan.h"
#include "runtime/reload.h"

namespace capstan::runtime::equipment {

// What the sources and sinks of all plans of one test share.
struct Sea {
  std::atomic<std::uint64_t> records{0};  // that each source has by now: "one-0", "one-1", …
  std::atomic<std::uint64_t> at_once{7};
  std::atomic<int> polls_hanging{0};
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Inbox>> inboxes;

  std::shared_ptr<Inbox> inbox(const std::string& name) {
    const std::lock_guard lock(mutex);
    std::shared_ptr<Inbox>& one = inboxes[name];
    if (one == nullptr) one = std::make_shared<Inbox>();
    return one;
  }
};

struct GrowingOptions {
  std::string note;                                 // does nothing; a difference
  std::vector<std::string> feeds = {"activities"};  // traits only
  bool hangs = false;                               // polls come back when they are interrupted
};

class GrowingSource final : public Source {
public:
  GrowingSource(std::string name, GrowingOptions options, std::shared_ptr<Sea> sea)
      : name_(std::move(name)), options_(std::move(options)), sea_(std::move(sea)) {}

  Result<Poll> poll(const Checkpoint& from, const Call& call) override {
    if (options_.hangs) {
      ++sea_->polls_hanging;
      while (!call.stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      --sea_->polls_hanging;
      return Error(ErrorCode::interrupted, "polling: stopped");
    }
    Poll poll;
    std::uint64_t at = from.text.empty() ? 0 : std::stoull(from.text);
    const std::uint64_t end = std::min<std::uint64_t>(sea_->records, at + sea_->at_once);
    for (; at < end; ++at) {
      const std::string id = fmt::format("{}-{}", name_, at);
      const std::string raw = fmt::format(R"({{"_id":"{}","n":{}}})", id, at);
      TRY(poll.batch.add({.feed = "activities",
                          .id = id,
                          .raw = raw,
                          .event_time = from_epoch_ms(1'795'000'000'000),
                          .saved_time = from_epoch_ms(1'795'000'000'000),
                          .content_hash = hash64(raw)}));
    }
    poll.next.text = std::to_string(at);
    poll.is_drained = at >= sea_->records;
    poll.wait = std::chrono::milliseconds(2);
    FeedReport report;
    report.feed = "activities";
    report.records_read = poll.batch.size();
    report.is_drained = poll.is_drained;
    poll.feeds.push_back(report);
    return poll;
  }
  std::vector<FeedTraits> feeds() const override {
    std::vector<FeedTraits> traits;
    for (const std::string& feed : options_.feeds) traits.push_back({feed, Repetition::by_id, std::nullopt});
    return traits;
  }
  std::optional<Checkpoint> window(const Window&) const override { return std::nullopt; }
  std::vector<FeedReport> probe(const Call&) override { return {}; }

private:
  std::string name_;
  GrowingOptions options_;
  std::shared_ptr<Sea> sea_;
};

struct NoteOptions {
  std::string note;
};

inline Registry registry_of(const std::shared_ptr<Sea>& sea) {
  Registry registry;
  Kind<Source> source;
  source.name = "growing";
  source.make = [sea](const config::Node& node, const BuildContext& context, config::Findings& findings) {
    config::Schema<GrowingOptions> schema;
    schema.option("note", &GrowingOptions::note, "nothing");
    schema.option("feeds", &GrowingOptions::feeds, "feeds");
    schema.option("hangs", &GrowingOptions::hangs, "whether it hangs");
    return std::make_unique<GrowingSource>(context.name, schema.decode(node, "source " + context.name, findings), sea);
  };
  registry.sources.add(std::move(source));
  Kind<Encoder> encoder;
  encoder.name = "raw";
  encoder.make = [](const config::Node& node, const BuildContext&, config::Findings& findings) {
    config::Schema<NoteOptions> schema;
    schema.option("note", &NoteOptions::note, "nothing");
    schema.decode(node, "encoder raw", findings);
    return std::make_unique<RawEncoder>();
  };
  registry.encoders.add(std::move(encoder));
  Kind<Sink> sink;
  sink.name = "inbox";
  sink.make = [sea](const config::Node& node, const BuildContext& context, config::Findings& findings) {
    config::Schema<NoteOptions> schema;
    schema.option("note", &NoteOptions::note, "nothing");
    schema.decode(node, "sink " + context.name, findings);
    return std::make_unique<InboxSink>(sea->inbox(context.name));
  };
  registry.sinks.add(std::move(sink));
  return registry;
}

}  // namespace capstan::runtime::equipment
