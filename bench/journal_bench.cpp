// How fast events become durable, beside what the disk itself can do.
//   journal_bench [DIRECTORY]      the directory is made and removed; the working directory's disk by default
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "store/journal.h"

namespace {

using namespace capstan;
using Watch = std::chrono::steady_clock;

constexpr std::size_t event_size = 1024;
constexpr auto time_per_figure = std::chrono::seconds(2);

double seconds_since(Watch::time_point start) { return std::chrono::duration<double>(Watch::now() - start).count(); }

double percentile(std::vector<double>& values, double p) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(static_cast<double>(values.size() - 1) * p)];
}

struct Figures {
  double syncs_a_second = 0;
  double p50_ms = 0;
  double p99_ms = 0;
};

template <class Step>
Result<Figures> measure(Step step) {
  std::vector<double> latencies;
  const auto start = Watch::now();
  while (Watch::now() - start < time_per_figure) {
    const auto begin = Watch::now();
    TRY(step());
    latencies.push_back(seconds_since(begin) * 1e3);
  }
  return Figures{static_cast<double>(latencies.size()) / seconds_since(start), percentile(latencies, 0.5),
                 percentile(latencies, 0.99)};
}

// Appending `size` bytes to a plain file and fdatasync: what no journal can beat.
Result<Figures> measure_disk(FileSystem& files, const std::string& directory, std::size_t size) {
  const std::string path = directory + "/raw";
  auto file = TRY(files.open(path, FileSystem::OpenMode::create_or_open));
  TRY(file->truncate(0));
  const std::string bytes(size, 'x');
  std::uint64_t at = 0;
  return measure([&]() -> Result<> {
    TRY(file->write_at(at, bytes));
    at += size;
    return file->sync();
  });
}

Result<Figures> measure_journal(FileSystem& files, const std::string& directory, std::size_t batch_size) {
  const SystemClock clock;
  store::JournalOptions options;
  options.max_bytes = 64_GiB;
  auto journal = TRY(store::Journal::open(files, clock, directory, options));
  Batch batch;
  const std::string raw(event_size - 60, 'e');
  for (std::size_t i = 0; i < batch_size; ++i)
    TRY(batch.add({.feed = "activities", .id = fmt::format("{:014}", i), .raw = raw}));
  return measure([&]() -> Result<> {
    TRY(journal->append(batch, {"checkpoint"}));
    return journal->sync();
  });
}

Result<> run(const std::string& directory) {
  PosixFileSystem files;
  TRY(files.make_directories(directory));
  fmt::print("{:>6} {:>14} {:>12} {:>10} {:>10} {:>16} {:>8}\n", "batch", "events/s", "MiB/s", "p50 ms", "p99 ms",
             "disk syncs/s", "ratio");
  for (const std::size_t batch_size : {1U, 10U, 100U, 1000U}) {
    const Figures disk = TRY(measure_disk(files, directory, batch_size * event_size));
    const Figures journal = TRY(measure_journal(files, fmt::format("{}/journal{}", directory, batch_size), batch_size));
    const double events = journal.syncs_a_second * static_cast<double>(batch_size);
    fmt::print("{:>6} {:>14.0f} {:>12.1f} {:>10.3f} {:>10.3f} {:>16.0f} {:>8.2f}\n", batch_size, events,
               events * event_size / (1 << 20), journal.p50_ms, journal.p99_ms, disk.syncs_a_second,
               journal.syncs_a_second / disk.syncs_a_second);
    std::filesystem::remove_all(directory);
    TRY(files.make_directories(directory));
  }
  return {};
}

}  // namespace

int main(int count, char** words) {
  const std::string directory = (count > 1 ? std::string(words[1]) : std::string(".")) + "/capstan_journal_bench";
  const auto done = run(directory);
  std::filesystem::remove_all(directory);
  if (!done) fmt::print(stderr, "{}\n", done.error().text());
  return done ? 0 : 1;
}
