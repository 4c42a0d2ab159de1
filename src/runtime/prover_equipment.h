// A source at work for the tests of the prover: a tenant in memory that shows records late, a real journal with its id
// index on disk, the committer, and a collector that brings what it is told to. Time only moves when it is told to.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "runtime/committer.h"
#include "runtime/prover.h"
#include "verify_equipment.h"

namespace capstan::runtime::equipment {

constexpr std::int64_t hour_ms = 3'600'000;

// Shows each record from a moment on, and says since when it is collected.
class LateTenant final : public Source {
public:
  struct Shown {
    Made made;
    std::int64_t shown_ms = 0;  // from then on
  };
  std::vector<FeedTraits> traits{{"activities", Repetition::by_id, std::chrono::hours(72)}};
  std::vector<Shown> records;
  std::optional<Timestamp> since;
  std::optional<Error> trouble;
  std::uint64_t polls = 0;
  std::uint64_t questions = 0;
  std::size_t page = 50;
  std::function<Timestamp()> service_clock;

  Result<Poll> poll(const Checkpoint& from, const Call&) override {
    ++polls;
    Poll poll;
    poll.next = from;
    if (trouble) return *trouble;
    poll.service_time = service_clock();
    const Window& window = windows_.at(std::stoul(from.text.substr(0, from.text.find('|'))));
    std::size_t offset = std::stoul(from.text.substr(from.text.find('|') + 1));
    std::vector<const Made*> wanted;
    for (const Shown& shown : records)
      if (is_shown(shown, window)) wanted.push_back(&shown.made);
    for (const std::size_t end = offset + page; offset < std::min(end, wanted.size()); ++offset)
      if (auto added = poll.batch.add(wanted[offset]->view()); !added) return added.error();
    poll.is_drained = offset >= wanted.size();
    poll.next.text = from.text.substr(0, from.text.find('|') + 1) + std::to_string(offset);
    return poll;
  }
  std::vector<FeedTraits> feeds() const override { return traits; }
  std::optional<Checkpoint> window(const Window& window) const override {
    auto* self = const_cast<LateTenant*>(this);
    self->windows_.push_back(window);
    ++self->questions;
    EXPECT_EQ(window.manner, Manner::otherwise);
    return Checkpoint{std::to_string(windows_.size() - 1) + "|0"};
  }
  std::optional<Timestamp> collected_since(const Checkpoint&, std::string_view) const override { return since; }
  std::vector<FeedReport> probe(const Call&) override { return {}; }
  const std::vector<Window>& windows() const { return windows_; }

private:
  bool is_shown(const Shown& shown, const Window& window) const {
    if (shown.made.feed != window.feed || from_epoch_ms(shown.shown_ms) > service_clock()) return false;
    if (shown.made.feed == "entities") return true;
    return from_epoch_ms(shown.made.saved_ms) >= window.from && from_epoch_ms(shown.made.saved_ms) < window.to;
  }
  std::vector<Window> windows_;
};

class Workshop {
public:
  static constexpr std::int64_t start_ms = 1'760'000'400'000 / hour_ms * hour_ms;

  explicit Workshop(store::JournalOptions journal_options = {}) : journal_options_(journal_options) {
    // In memory where that is possible: thousands of syncs a test.
    const std::filesystem::path place =
        std::filesystem::exists("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path();
    std::string name = (place / "capstan_prover_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory = name;
    clock.wall = from_epoch_ms(start_ms);
    tenant.service_clock = [this] { return service_now(); };
    tenant.since = from_epoch_ms(start_ms);
    open();
  }
  ~Workshop() {
    close();
    std::filesystem::remove_all(directory);
  }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;

  Timestamp service_now() const {
    return from_epoch_ms(start_ms) +
           Duration(static_cast<std::int64_t>(static_cast<double>(clock.passed.count()) * service_speed));
  }

  void open() {
    auto journal = store::Journal::open(files, clock, directory + "/journal", journal_options_);
    ASSERT_TRUE(journal) << journal.error().text();
    auto index = store::IdIndex::open(files, directory + "/index", tenant.traits, **journal);
    ASSERT_TRUE(index) << index.error().text();
    committer = std::make_unique<Committer>(clock, Committer::Options{});
    number = committer->add("mdca", std::move(*journal), std::move(*index), tenant.traits);
    if (is_proving) make_prover();
  }
  void make_prover() {
    Prover::Options options;
    options.name = "mdca";
    options.ledger = directory + "/proof";
    options.proof = proof;
    options.entries_max = entries_max;
    Prover::Surroundings surroundings;
    surroundings.service_time = [this]() -> std::optional<Timestamp> { return service_now(); };
    surroundings.seals = seals;
    surroundings.lost_to_damage = [this] { return lost_to_damage; };
    surroundings.before_repair = [this](const Batch& batch) {
      for (std::size_t i = 0; i < batch.size(); ++i) told.emplace_back(batch[i].id);
    };
    prover =
        std::make_unique<Prover>(std::move(options), tenant, *committer, number, files, clock, std::move(surroundings));
  }
  void close() {
    EXPECT_TRUE(!prover || prover->finish().has_value());
    EXPECT_TRUE(!committer || committer->finish().has_value());
    prover.reset();
    committer.reset();
  }
  // As after a kill: what was not written is gone.
  void kill() {
    prover.reset();
    committer.reset();
  }

  // A record that is saved so many minutes after the start and shown so much later.
  Made made(std::int64_t minute, const std::string& id, Duration late = {}) {
    Made m;
    m.id = id;
    m.saved_ms = start_ms + minute * 60'000;
    tenant.records.push_back({m, m.saved_ms + late.count()});
    return m;
  }
  // What the collector brings.
  std::shared_ptr<Submission> submit(const Made& m) {
    Batch batch;
    EXPECT_TRUE(batch.add(m.view()).has_value());
    return committer->submit(number, std::move(batch), std::nullopt);
  }
  void collect(const Made& m) {
    const auto submission = submit(m);
    committer->step();
    ASSERT_TRUE(submission->is_done());
    EXPECT_TRUE(submission->take().has_value());
  }
  // Everything of the activities and alerts that is shown now and was saved within `overlap`, as a collector would.
  void collect_shown(Duration overlap = std::chrono::hours(2)) {
    Batch batch;
    for (const LateTenant::Shown& shown : tenant.records) {
      const Timestamp saved = from_epoch_ms(shown.made.saved_ms);
      if (from_epoch_ms(shown.shown_ms) > service_now() || saved < service_now() - overlap) continue;
      EXPECT_TRUE(batch.add(shown.made.view()).has_value());
    }
    if (batch.is_empty()) return;
    committer->submit(number, std::move(batch), std::nullopt);
    committer->step();
  }

  // The prover and the committer, until the prover wants to wait.
  void settle() {
    for (int i = 0; i < 100'000; ++i) {
      const Step step = prover->step({});
      committer->step();
      if (step.at && *step.at > clock.monotonic() + std::chrono::milliseconds(500)) return;
      if (step.at && *step.at > clock.monotonic()) clock.passed += std::chrono::milliseconds(200);
    }
    ADD_FAILURE() << "the prover never waits";
  }
  void pass(Duration span, Duration step = std::chrono::minutes(15)) {
    for (Duration passed{}; passed < span; passed += step) {
      clock.passed += step;
      if (is_collecting) collect_shown();
      settle();
    }
  }

  // Every id in the journal that can be read, with how often it stands there.
  std::map<std::string, int> journaled() const {
    std::map<std::string, int> ids;
    const auto journal = committer->journal(number);
    for (store::Position at = journal->report().first; at < journal->report().durable;) {
      const auto slice = journal->read(at, 1_MiB);
      if (!slice) break;
      for (const auto& item : slice->items) ++ids[std::string(item.record.id)];
      if (slice->end <= at) break;
      at = slice->end;
    }
    return ids;
  }
  store::Position position_of(const std::string& id) const {
    const auto journal = committer->journal(number);
    for (store::Position at = journal->report().first; at < journal->report().durable;) {
      const auto slice = journal->read(at, 1_MiB);
      if (!slice) break;
      for (const auto& item : slice->items)
        if (item.record.id == id) return item.position;
      if (slice->end <= at) break;
      at = slice->end;
    }
    return {};
  }
  // Flips a bit of the record's frame on disk.
  void damage(const std::string& id) const {
    const store::Position at = position_of(id);
    std::string segment;
    std::uint64_t base = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory + "/journal")) {
      const std::string name = entry.path().filename().string();
      if (!name.ends_with(".segment")) continue;
      const std::uint64_t begin = std::stoull(name.substr(0, 20));
      if (begin > at.offset || (!segment.empty() && begin < base)) continue;
      base = begin;
      segment = entry.path().string();
    }
    std::fstream file(segment, std::ios::in | std::ios::out | std::ios::binary);
    const auto place = static_cast<std::streamoff>(at.offset - base + 60);
    file.seekg(place);
    const char byte = static_cast<char>(file.get() ^ 4);
    file.seekp(place);
    file.put(byte);
  }
  store::ProofLedger written_ledger() {
    auto ledger = store::read_proof_ledger(files, directory + "/proof");
    EXPECT_TRUE(ledger.has_value());
    return ledger ? *ledger : store::ProofLedger{};
  }

  PosixFileSystem files;
  StepClock clock;
  double service_speed = 1;
  std::string directory;
  LateTenant tenant;
  ProofOptions proof;
  std::size_t entries_max = 200'000;
  std::function<Result<std::unique_ptr<SealView>>()> seals;
  std::uint64_t lost_to_damage = 0;
  bool is_collecting = false;
  bool is_proving = true;
  std::unique_ptr<Committer> committer;
  std::size_t number = 0;
  std::unique_ptr<Prover> prover;
  std::vector<std::string> told;

private:
  store::JournalOptions journal_options_;
};

}  // namespace capstan::runtime::equipment
