// A source, a sink, an encoder, a disk and a clock that do what a test tells them.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "component/registry.h"
#include "runtime/dead_letter_box.h"
#include "runtime/plan.h"
#include "runtime/transform.h"

namespace capstan::runtime::equipment {

class ManualClock final : public Clock {
public:
  Timestamp now() const override {
    return from_epoch_ms(1'795'000'000'000) + std::chrono::duration_cast<Duration>(passed_);
  }
  MonotonicTime monotonic() const override { return MonotonicTime{} + std::chrono::hours(1) + passed_; }
  void advance(Duration span) { passed_ += span; }

private:
  std::chrono::nanoseconds passed_{0};
};

// Nobody answers here.
class NoHttp final : public net::HttpClient {
public:
  Result<net::Response> send(const net::Request&, const net::Call&) override {
    return Error(ErrorCode::connection_failed, "asking: there is no network in this test");
  }
};

// The machine's disk with as much room as the test says.
class RoomyDisk final : public FileSystem {
public:
  std::atomic<std::uint64_t> room{std::uint64_t{1} << 40};

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override { return real_.open(path, mode); }
  Result<std::vector<std::string>> list(const std::string& directory) const override { return real_.list(directory); }
  Result<bool> exists(const std::string& path) const override { return real_.exists(path); }
  Result<std::optional<FileStatus>> status(const std::string& path) const override { return real_.status(path); }
  Result<std::string> real_path(const std::string& path) const override { return real_.real_path(path); }
  Result<> make_directories(const std::string& path) override { return real_.make_directories(path); }
  Result<> rename(const std::string& from, const std::string& to) override { return real_.rename(from, to); }
  Result<> rename_to_new(const std::string& from, const std::string& to) override {
    return real_.rename_to_new(from, to);
  }
  Result<> remove(const std::string& path) override { return real_.remove(path); }
  Result<> sync_directory(const std::string& directory) override { return real_.sync_directory(directory); }
  Result<std::uint64_t> free_bytes(const std::string&) const override { return room.load(); }

private:
  PosixFileSystem real_;
};

// What a scripted source answers next; when the script is over: nothing new, drained.
struct Answer {
  std::vector<std::string> ids;
  std::string content = "1";
  std::optional<Error> error;
};

class ScriptedSource final : public Source {
public:
  explicit ScriptedSource(std::vector<Answer> script) : script_(std::move(script)) {}

  // The checkpoint is how far the script was read: asked from the same place, it answers the same.
  Result<Poll> poll(const Checkpoint& from, const Call&) override {
    ++polls;
    std::size_t at = from.text.empty() ? 0 : static_cast<std::size_t>(std::stoul(from.text));
    Poll poll;
    poll.next = from;
    if (at < script_.size() && script_[at].error) {
      const Error error = *std::exchange(script_[at].error, std::nullopt);
      return error;
    }
    if (at < script_.size()) {
      for (const std::string& id : script_[at].ids) {
        const std::string raw = R"({"_id":")" + id + R"(","v":)" + script_[at].content + "}";
        TRY(poll.batch.add({.feed = feed,
                            .id = id,
                            .raw = raw,
                            .event_time = from_epoch_ms(1'795'000'000'000),
                            .saved_time = from_epoch_ms(1'795'000'000'000),
                            .content_hash = hash64(raw)}));
      }
      poll.next.text = std::to_string(++at);
    }
    poll.is_drained = at >= script_.size();
    poll.wait = poll.is_drained ? Duration(std::chrono::seconds(60)) : Duration{};
    FeedReport report;
    report.feed = feed;
    report.records_read = poll.batch.size();
    report.is_drained = poll.is_drained;
    poll.feeds.push_back(report);
    return poll;
  }
  std::vector<FeedTraits> feeds() const override {
    return {{feed, repetition, std::nullopt}, {"alerts", Repetition::by_content, std::nullopt}};
  }
  std::optional<Checkpoint> window(const Window&) const override { return std::nullopt; }
  std::vector<FeedReport> probe(const Call&) override { return {}; }

  std::string feed = "activities";
  Repetition repetition = Repetition::by_id;
  std::atomic<int> polls{0};

private:
  std::vector<Answer> script_;
};

// The record's id; ids that begin with "odd" cannot be encoded.
class RawEncoder final : public Encoder {
public:
  const kql::Wanted* wanted(std::string_view) const override { return nullptr; }
  WantedOrigin origin(std::string_view, const kql::WantedPlace&) const override { return {}; }
  Result<> encode(const Row& row, std::string& out) const override {
    if (row.record.id.starts_with("odd")) return Error(ErrorCode::not_encodable, "encoding: it is odd");
    out.append(row.record.id);
    return {};
  }
};

inline void write_raw(RoutePlan& route) {
  route.encoder = std::make_unique<RawEncoder>();
  std::vector<TransformProblem> problems;
  route.transform = Transform::compile("", kql::schema_of_feeds({}), {}, *route.encoder, problems);
}

// What sinks were given; outlives them.
struct Inbox {
  std::mutex mutex;
  std::vector<std::string> messages;
  std::vector<std::string> payload_ids;
  std::deque<Error> errors;         // for the next attempts
  std::size_t messages_max = 1000;  // more at once is too long
  std::string refuses;              // this message is a dead letter
  Bytes doubt;                      // of the sinks, a minute long
  std::vector<std::string> resumed_with;
  std::atomic<bool> is_closed{false};
  std::atomic<bool> hangs{false};           // until stopped
  std::atomic<bool> hangs_for_ever{false};  // also when stopped; takes what it was given when it is let go
  std::atomic<int> delivering{0};           // calls that have not come back

  std::vector<std::string> taken() {
    const std::lock_guard lock(mutex);
    return messages;
  }
};

class InboxSink final : public Sink {
public:
  explicit InboxSink(std::shared_ptr<Inbox> inbox) : inbox_(std::move(inbox)) {}
  Result<> resume(std::string_view receipt) override {
    const std::lock_guard lock(inbox_->mutex);
    inbox_->resumed_with.emplace_back(receipt);
    return {};
  }
  Proof proof() const override { return Proof::acknowledged_by_application; }
  Result<Delivery> deliver(const Payload& payload, const Call& call) override {
    ++inbox_->delivering;
    const std::shared_ptr<void> back(nullptr, [this](void*) { --inbox_->delivering; });
    const bool did_hang = inbox_->hangs_for_ever;
    while (inbox_->hangs_for_ever) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    while (inbox_->hangs && !call.stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (call.stop.stop_requested() && !did_hang) return Error(ErrorCode::interrupted, "delivering: stopped");
    const std::lock_guard lock(inbox_->mutex);
    if (!inbox_->errors.empty()) {
      const Error error = inbox_->errors.front();
      inbox_->errors.pop_front();
      return error;
    }
    if (payload.messages.size() > inbox_->messages_max)
      return Error(ErrorCode::message_too_long, "delivering: expected less");
    inbox_->payload_ids.push_back(payload.id);
    Delivery delivery;
    for (std::size_t i = 0; i < payload.messages.size(); ++i) {
      if (payload.message(i) == inbox_->refuses) {
        delivery.rejected.push_back({i, Error(ErrorCode::not_encodable, "delivering: refused")});
        continue;
      }
      inbox_->messages.emplace_back(payload.message(i));
      ++delivery.accepted;
    }
    delivery.receipt = std::to_string(inbox_->messages.size()) + " messages";
    return delivery;
  }
  std::size_t may_have_arrived() const override { return 0; }
  Doubt doubt() const override { return {inbox_->doubt, std::chrono::minutes(1)}; }
  Result<> probe(const Call&) override { return {}; }
  void close() override { inbox_->is_closed = true; }

private:
  std::shared_ptr<Inbox> inbox_;
};

class MemoryLetters final : public DeadLetterBox {
public:
  Result<> add(const UndeliverableRecord& letter) override {
    if (refusals > 0) {
      --refusals;
      return Error(ErrorCode::disk_full, "keeping a dead letter: no room");
    }
    ids.emplace_back(letter.record.id);
    return {};
  }
  std::vector<std::string> ids;
  int refusals = 0;
};

}  // namespace capstan::runtime::equipment
