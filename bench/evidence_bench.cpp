// What evidence costs: sealing closed segments, receipts, and what compressing frames would cost and save. CPU time of
// this thread only, so other load on the machine changes little.
//
//   evidence_bench [ROAD_US] [EVENTS]   CPU an event on the road as road_bench prints it (2.5), and how many (200,000
//                                       of 2.9 KB, below the directory for temporary files)
#include <fmt/format.h>
#include <stdlib.h>
#include <time.h>
#include <zstd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "activities.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/sha256.h"
#include "event/batch.h"
#include "store/journal.h"
#include "store/receipts.h"
#include "store/seal.h"

namespace {

using namespace capstan;

constexpr std::size_t events_in_batch = 500;
constexpr std::size_t frame_size = 256U << 10;

template <class T>
T sure(Result<T> result) {
  if (!result) {
    fmt::print(stderr, "evidence_bench: {}\n", result.error().text());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Bench {
  PosixFileSystem files;
  SystemClock clock;
  std::string root;
  double road_us = 2.5;
  std::size_t events = 200'000;

  void line(std::string_view what, double seconds, double bytes) const {
    const double us = seconds * 1e6 / static_cast<double>(events);
    fmt::print("{:<44} {:>9.3f} {:>9.1f} {:>10.2f}\n", what, us, us / road_us * 100,
               bytes / static_cast<double>(events));
  }

  std::string record(std::size_t number) const {
    std::mt19937_64 random(number % 2000);
    return bench::activity(random, number, bench::hex(random, 64));
  }

  std::unique_ptr<store::Journal> fill() {
    store::JournalOptions options;
    options.max_bytes = Bytes{std::uint64_t{64} << 30};
    auto journal = sure(store::Journal::open(files, clock, root + "/journal", options));
    std::vector<std::string> raws;
    for (std::size_t n = 0; n < 2000; ++n) raws.push_back(record(n));
    for (std::size_t n = 0; n < events; n += events_in_batch) {
      Batch batch;
      for (std::size_t i = n; i < n + events_in_batch; ++i) {
        const std::string& raw = raws[i % raws.size()];
        const std::string id = fmt::format("{:064x}", i);
        sure(batch.add({.feed = "activities",
                        .id = id,
                        .raw = raw,
                        .event_time = from_epoch_ms(1'700'000'000'000 + static_cast<std::int64_t>(i)),
                        .saved_time = from_epoch_ms(1'700'000'000'000 + static_cast<std::int64_t>(i)),
                        .content_hash = i}));
      }
      sure(journal->append(batch, {"checkpoint"}));
      sure(journal->sync());
    }
    return journal;
  }

  void sealing(store::Journal& journal) const {
    const double before = cpu_seconds();
    std::size_t steps = 0;
    while (sure(journal.seal_next())) ++steps;
    const double spent = cpu_seconds() - before;
    double bytes = 0;
    std::uint64_t sealed = 0;
    for (const auto& entry : std::filesystem::directory_iterator(root + "/journal"))
      if (entry.path().extension() == ".seal") bytes += static_cast<double>(entry.file_size());
    const auto seals = sure(store::Seals::open(const_cast<PosixFileSystem&>(files), root + "/journal"));
    for (const store::SealHead& head : seals->heads()) sealed += head.records;
    const double share = static_cast<double>(events) / static_cast<double>(sealed);
    line(fmt::format("sealing ({} segments, {} steps)", seals->heads().size(), steps), spent * share, bytes * share);
  }

  void receipts() {
    for (const std::size_t events_in_payload : {90U, 1U}) {
      const std::size_t payloads = events / events_in_payload;
      store::ReceiptWriter writer(files, fmt::format("{}/receipts{}", root, events_in_payload));
      store::Receipt receipt;
      receipt.destination = "syslog tls://siem.example.com:6514";
      receipt.rule = std::string(64, 'a');
      receipt.acknowledged = from_epoch_ms(1'700'000'000'000);
      const double before = cpu_seconds();
      for (std::size_t i = 0; i < payloads; ++i) {
        receipt.from = receipt.to;
        receipt.to.offset += 2900 * events_in_payload;
        receipt.acknowledged += std::chrono::milliseconds(7);
        receipt.first_attempt = receipt.last_attempt = receipt.acknowledged - std::chrono::milliseconds(3);
        receipt.delivered = events_in_payload;
        receipt.outcomes = {{receipt.from, store::Outcome::delivered}};
        writer.add("siem", receipt);
        if (i % 35 == 34) sure(writer.flush());
      }
      sure(writer.flush());
      const double spent = cpu_seconds() - before;
      double bytes = 0;
      for (const auto& entry :
           std::filesystem::recursive_directory_iterator(fmt::format("{}/receipts{}", root, events_in_payload)))
        if (entry.is_regular_file()) bytes += static_cast<double>(entry.file_size());
      line(fmt::format("receipts, {} events a payload ({:.0f} B each)", events_in_payload,
                       bytes / static_cast<double>(payloads)),
           spent, bytes);
    }
  }

  template <class Work>
  void measured(const std::string& what, std::size_t count, double bytes_an_event, Work work) const {
    const double before = cpu_seconds();
    for (std::size_t i = 0; i < count; ++i) work(i);
    const double spent = (cpu_seconds() - before) / static_cast<double>(count);
    line(what, spent * static_cast<double>(events), bytes_an_event * static_cast<double>(events));
  }

  // What one event costs when its frame of 256 KiB is compressed, and when what comes of it is hashed.
  void compression() const {
    std::vector<std::string> frames(8);
    std::size_t in_frames = 0;
    for (std::string& frame : frames)
      for (; frame.size() < frame_size; ++in_frames) frame += record(in_frames);
    const double events_in_frame = static_cast<double>(in_frames) / static_cast<double>(frames.size());
    const std::string one = record(7);
    measured("SHA-256 of one event", 20'000, 0, [&](std::size_t) { static_cast<void>(sha256(one)); });
    const auto per_event = [&](const std::string& what, double bytes, std::size_t rounds, auto work) {
      const double before = cpu_seconds();
      for (std::size_t i = 0; i < rounds; ++i) work(frames[i % frames.size()]);
      const double spent = (cpu_seconds() - before) / static_cast<double>(rounds) / events_in_frame;
      line(what, spent * static_cast<double>(events), bytes * static_cast<double>(events));
    };
    per_event("SHA-256 in frames of 256 KiB", 0, 200,
              [](const std::string& frame) { static_cast<void>(sha256(frame)); });
    per_event("CRC-32C in frames", 0, 200, [](const std::string& frame) { static_cast<void>(crc32c(frame)); });
    const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(), ZSTD_freeCCtx);
    std::string out(ZSTD_compressBound(frame_size * 2), '\0');
    for (const int level : {-7, -3, -1, 1, 3, 6}) {
      std::size_t compressed = 0;
      std::size_t plain = 0;
      for (const std::string& frame : frames) {
        compressed += ZSTD_compressCCtx(context.get(), out.data(), out.size(), frame.data(), frame.size(), level);
        plain += frame.size();
      }
      const double bytes = static_cast<double>(compressed) / static_cast<double>(in_frames);
      per_event(fmt::format("zstd {} in frames (to {:.0f} %)", level,
                            static_cast<double>(compressed) / static_cast<double>(plain) * 100),
                bytes, level < 3 ? 200 : 60, [&](const std::string& frame) {
                  ZSTD_compressCCtx(context.get(), out.data(), out.size(), frame.data(), frame.size(), level);
                });
    }
    const std::string_view third = std::string_view(frames[0]).substr(0, frames[0].size() / 3);
    per_event("SHA-256 of a third of the bytes", 0, 200, [&](const std::string&) { static_cast<void>(sha256(third)); });
  }
};

}  // namespace

int main(int count, char** words) {
  Bench bench;
  if (count > 1) bench.road_us = std::strtod(words[1], nullptr);
  if (count > 2) bench.events = std::strtoull(words[2], nullptr, 10) / events_in_batch * events_in_batch;
  std::string directory = (std::filesystem::temp_directory_path() / "capstan_evidence_XXXXXX").string();
  if (::mkdtemp(directory.data()) == nullptr) return 1;
  bench.root = directory;
  fmt::print("{:<44} {:>9} {:>9} {:>10}\n", "", "us/event", "% of road", "bytes/event");
  {
    const auto journal = bench.fill();
    bench.sealing(*journal);
  }
  bench.receipts();
  bench.compression();
  std::filesystem::remove_all(directory);
  return 0;
}
