#include "store/id_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <unordered_map>

#include "base/digest.h"
#include "base/log.h"
#include "id_run.h"

namespace capstan::store {

namespace {

constexpr std::size_t table_max = 48U << 10;        // entries in memory: about 4 MiB
constexpr std::uint64_t advance_every = 64U << 20;  // bytes of journal
constexpr std::uint64_t merge_ratio = 4;            // runs differ in size by more than this
constexpr Bytes catch_up_step = 4_MiB;
constexpr std::string_view title = "capstan ids 1 ";
constexpr std::uint64_t manifest_size_max = 1U << 20;

struct HashOfHash {
  std::size_t operator()(const Hash128& h) const { return h.low; }
};

struct Part {
  std::uint64_t number = 0;
  std::unique_ptr<IdRun> run;
};

class RunIndex final : public IdIndex {
public:
  RunIndex(FileSystem& files, std::string directory, std::vector<FeedTraits> feeds, const Journal& journal)
      : files_(files), directory_(std::move(directory)), journal_(journal) {
    for (const FeedTraits& feed : feeds)
      if (feed.remember) remember_[hash64(feed.feed)] = feed.remember->count();
  }

  Result<> begin() {
    TRY(files_.make_directories(directory_));
    if (auto loaded = load(); !loaded) {
      if (loaded.error().code() != ErrorCode::index_rebuilt) return loaded;
      log::repeating(directory_, loaded.error());
      forget_everything();
    }
    TRY(remove_strangers());
    return catch_up();
  }

  Result<Seen> look_up(std::string_view feed, std::string_view id, std::uint64_t content_hash) override {
    const Hash128 key = identity(feed, id);
    auto found = find(key);
    if (!found && found.error().code() == ErrorCode::index_rebuilt) {
      log::repeating(directory_, found.error());
      TRY(rebuild());
      found = find(key);
    }
    const std::optional<IdEntry> entry = TRY(std::move(found));
    if (!entry) return Seen::never;
    return entry->content_hash == content_hash ? Seen::same : Seen::changed;
  }

  Result<> remember(const RecordView& record) override {
    put(record);
    return {};
  }

  Result<> advance(Position complete_to, bool now) override {
    const bool is_due = complete_to.offset - complete_to_.offset >= advance_every || table_.size() >= table_max;
    if (!now && !is_due) return {};
    if (table_.empty() && complete_to == complete_to_) return {};
    complete_to_ = complete_to;
    const std::vector<std::uint64_t> obsolete = TRY(write_table_and_merge());
    TRY(write_manifest());
    for (const std::uint64_t number : obsolete) TRY(files_.remove(run_path(number)));
    return {};
  }

  std::uint64_t size() const override {
    std::uint64_t size = table_.size();
    for (const Part& part : parts_) size += part.run->size();
    return size;
  }

private:
  std::string run_name(std::uint64_t number) const { return fmt::format("{:012}.run", number); }
  std::string run_path(std::uint64_t number) const { return directory_ + "/" + run_name(number); }

  void put(const RecordView& record) {
    const Hash128 key = identity(record.feed, record.id);
    const std::uint64_t feed = hash64(record.feed);
    const std::int64_t saved = epoch_ms(record.saved_time);
    table_[key] = {key.high, key.low, record.content_hash, saved, feed};
    auto [newest, is_new] = newest_.try_emplace(feed, saved);
    newest->second = std::max(newest->second, saved);
  }

  Result<std::optional<IdEntry>> find(Hash128 key) const {
    if (const auto found = table_.find(key); found != table_.end()) return std::optional(found->second);
    for (auto part = parts_.rbegin(); part != parts_.rend(); ++part)
      if (auto entry = TRY(part->run->find(key))) return entry;
    return std::optional<IdEntry>{};
  }

  bool is_forgotten(const IdEntry& entry) const {
    const auto span = remember_.find(entry.feed);
    const auto newest = newest_.find(entry.feed);
    return span != remember_.end() && newest != newest_.end() && entry.saved_ms < newest->second - span->second;
  }

  // The table becomes the newest run; runs of like size become one, so that there are few to look into.
  Result<std::vector<std::uint64_t>> write_table_and_merge() {
    std::vector<std::uint64_t> obsolete;
    if (!table_.empty()) {
      std::vector<IdEntry> entries;
      entries.reserve(table_.size());
      for (const auto& [key, entry] : table_)
        if (!is_forgotten(entry)) entries.push_back(entry);
      std::ranges::sort(entries, {}, &IdEntry::key);
      const std::uint64_t number = next_number_++;
      IdRunWriter writer = TRY(IdRunWriter::make(files_, run_path(number)));
      for (const IdEntry& entry : entries) TRY(writer.add(entry));
      TRY(open_part(number, TRY(writer.finish())));
      table_.clear();
    }
    while (parts_.size() >= 2 && parts_.back().run->size() * merge_ratio > parts_[parts_.size() - 2].run->size())
      TRY(merge_last_two(obsolete));
    TRY(files_.sync_directory(directory_));
    return obsolete;
  }

  Result<> open_part(std::uint64_t number, std::uint64_t entries) {
    if (entries == 0) return files_.remove(run_path(number));
    parts_.push_back({number, TRY(IdRun::open(files_, run_path(number), entries))});
    return {};
  }

  Result<> merge_last_two(std::vector<std::uint64_t>& obsolete) {
    const IdRun& older = *parts_[parts_.size() - 2].run;
    const IdRun& newer = *parts_.back().run;
    const std::uint64_t number = next_number_++;
    IdRunWriter writer = TRY(IdRunWriter::make(files_, run_path(number)));
    struct Front {
      const IdRun& run;
      std::uint64_t next_block = 0;
      std::vector<IdEntry> entries{};
      std::size_t at = 0;
      Result<const IdEntry*> peek() {
        if (at == entries.size()) {
          if (next_block == run.blocks()) return static_cast<const IdEntry*>(nullptr);
          entries = TRY(run.block(next_block++));
          at = 0;
        }
        return static_cast<const IdEntry*>(&entries[at]);
      }
    };
    Front a{older};
    Front b{newer};
    for (;;) {
      const IdEntry* x = TRY(a.peek());
      const IdEntry* y = TRY(b.peek());
      if (!x && !y) break;
      const bool take_newer = y && (!x || y->key() <= x->key());
      const IdEntry& taken = take_newer ? *y : *x;
      if (!is_forgotten(taken)) TRY(writer.add(taken));
      if (take_newer && x && x->key() == y->key()) ++a.at;
      take_newer ? ++b.at : ++a.at;
    }
    const std::uint64_t entries = TRY(writer.finish());
    for (int i = 0; i < 2; ++i) {
      obsolete.push_back(parts_.back().number);
      parts_.pop_back();
    }
    return open_part(number, entries);
  }

  Result<> write_manifest() {
    std::string lines = fmt::format("complete {} {}\n", complete_to_.offset, complete_to_.index);
    for (const Part& part : parts_) lines += fmt::format("run {} {}\n", part.number, part.run->size());
    for (const auto& [feed, saved] : newest_) lines += fmt::format("newest {} {}\n", feed, saved);
    return replace_file(files_, directory_ + "/manifest", fmt::format("{}{:08x}\n{}", title, crc32c(lines), lines))
        .during("writing the id index");
  }

  Result<> load() {
    const std::string path = directory_ + "/manifest";
    if (!TRY(files_.exists(path))) return {};
    const Error damaged(ErrorCode::index_rebuilt, fmt::format("opening the id index: {} is damaged", path));
    const std::string text = TRY(read_file(files_, path, manifest_size_max));
    const std::size_t head = title.size() + 9;
    if (text.size() < head || !text.starts_with(title)) return damaged;
    std::string_view lines = std::string_view(text).substr(head);
    if (text.substr(title.size(), 9) != fmt::format("{:08x}\n", crc32c(lines))) return damaged;
    while (!lines.empty()) {
      const std::size_t end = std::min(lines.find('\n'), lines.size() - 1);
      if (auto taken = load_line(lines.substr(0, end)); !taken) {
        if (taken.error().code() == ErrorCode::unreadable_file) return damaged;
        return taken;
      }
      lines.remove_prefix(end + 1);
    }
    const JournalReport report = journal_.report();
    if (complete_to_ > report.durable)
      return Error(ErrorCode::index_rebuilt,
                   fmt::format("opening the id index: it is complete to {}, the journal ends at {}",
                               to_string(complete_to_), to_string(report.durable)));
    return {};
  }

  Result<> load_line(std::string_view line) {
    const std::size_t first = line.find(' ');
    const std::size_t second = line.find(' ', first + 1);
    std::uint64_t a = 0;
    std::int64_t b = 0;
    if (first == std::string_view::npos || second == std::string_view::npos) return {};
    std::from_chars(line.data() + first + 1, line.data() + second, a);
    std::from_chars(line.data() + second + 1, line.data() + line.size(), b);
    const std::string_view word = line.substr(0, first);
    if (word == "complete") complete_to_ = {a, static_cast<std::uint32_t>(b)};
    if (word == "newest") newest_[a] = b;
    if (word == "run") {
      next_number_ = std::max(next_number_, a + 1);
      return open_part(a, static_cast<std::uint64_t>(b));
    }
    return {};
  }

  void forget_everything() {
    parts_.clear();
    newest_.clear();
    complete_to_ = {};
  }

  // Runs that a crash left behind before the manifest named them, or after it did not any more.
  Result<> remove_strangers() {
    for (const std::string& name : TRY(files_.list(directory_))) {
      if (!name.ends_with(".run")) continue;
      const bool is_ours = std::ranges::any_of(parts_, [&](const Part& p) { return run_name(p.number) == name; });
      if (!is_ours) TRY(files_.remove(directory_ + "/" + name));
    }
    return {};
  }

  // What was remembered and is not durable yet stays in the table.
  Result<> rebuild() {
    forget_everything();
    return catch_up();
  }

  Result<> catch_up() {
    const Position durable = journal_.report().durable;
    Position at = std::max(complete_to_, journal_.report().first);
    while (at < durable) {
      auto slice = journal_.read(at, catch_up_step);
      if (!slice && slice.error().code() == ErrorCode::position_gone && journal_.report().first > at) {
        at = journal_.report().first;
        continue;
      }
      const Slice read = TRY(std::move(slice));
      for (const Slice::Item& item : read.items) put(item.record);
      if (read.end <= at) break;
      at = read.end;
      TRY(advance(at, false));
    }
    return {};
  }

  FileSystem& files_;
  const std::string directory_;
  const Journal& journal_;
  std::unordered_map<std::uint64_t, std::int64_t> remember_;  // by feed, ms
  std::map<std::uint64_t, std::int64_t> newest_;              // saved time by feed
  std::unordered_map<Hash128, IdEntry, HashOfHash> table_;
  std::vector<Part> parts_;  // oldest first
  std::uint64_t next_number_ = 0;
  Position complete_to_;
};

}  // namespace

Result<std::unique_ptr<IdIndex>> IdIndex::open(FileSystem& files, std::string directory, std::vector<FeedTraits> feeds,
                                               const Journal& journal) {
  auto index = std::make_unique<RunIndex>(files, directory + "/ids", std::move(feeds), journal);
  TRY(index->begin().during("opening the id index"));
  return std::unique_ptr<IdIndex>(std::move(index));
}

}  // namespace capstan::store
