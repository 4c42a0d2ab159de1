// What one event costs on the road from the journal to the destination, in the program's own steps: journal → CEF →
// TCP, and → file. The receiver is another process, so its time is not in the figures. Prints CPU and wall time an
// event, and the ratio to encoding alone is what encode_bench prints.
//
//   road_bench [EVENTS] [DIRECTORY]      default 1,000,000 events of 2.9 KB (2.9 GB) below the directory for temporary
//   files
#include <arpa/inet.h>
#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "activities.h"
#include "app/components.h"
#include "base/clock.h"
#include "config/document.h"
#include "runtime/engine.h"
#include "runtime/program.h"

namespace {

using namespace capstan;

constexpr std::size_t events_default = 1'000'000;
constexpr std::size_t events_in_batch = 2000;
constexpr double target_us = 2.5;

class NoHttp final : public net::HttpClient {
public:
  Result<net::Response> send(const net::Request&, const Call&) override {
    return Error(ErrorCode::connection_failed, "a route asked for HTTP");
  }
};

class NoDeadLetters final : public runtime::DeadLetterBox {
public:
  Result<> add(const runtime::UndeliverableRecord&) override {
    return Error(ErrorCode::internal, "a generated record was dead-lettered");
  }
};

template <class T>
T sure(Result<T> result) {
  if (!result) {
    fmt::print(stderr, "road_bench: {}\n", result.error().text());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

double kernel_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_stime.tv_sec) + static_cast<double>(used.ru_stime.tv_usec) * 1e-6;
}

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// A receiver that reads and forgets, in a process of its own.
struct Receiver {
  pid_t process = 0;
  std::uint16_t port = 0;

  Receiver() {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener, 1) != 0) std::exit(1);
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    process = ::fork();
    if (process != 0) {
      ::close(listener);
      return;
    }
    std::vector<char> buffer(1U << 20);
    for (;;) {
      const int peer = ::accept(listener, nullptr, nullptr);
      while (::read(peer, buffer.data(), buffer.size()) > 0) {
      }
      ::close(peer);
    }
  }
  ~Receiver() {
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
  }
};

runtime::Plan plan_of(const std::string& directory, const std::string& sink, World& world, FileSystem& files) {
  const std::string yaml = fmt::format(R"(
data_dir: {0}
journal: {{max_bytes: 100GiB, reserve: 1B}}
tenants: {{nobody: {{api_url: 'https://nobody.invalid', auth: {{method: token, token: '${{env:BENCH_TOKEN}}'}}}}}}
sources: {{mdca: {{type: mdca, tenant: nobody, feeds: [activities]}}}}
sinks: {{out: {1}}}
routes: {{road: {{from: mdca, encode: {{format: cef}}, to: out}}}}
)",
                                       directory, sink);
  config::Findings findings;
  const config::Node root = config::parse(yaml, "bench", config::system_references(files), findings);
  auto plan = runtime::make_plan(root, app::builtin_components(), world, findings);
  for (const config::Finding& finding : findings.all())
    if (!plan) fmt::print(stderr, "{}\n", config::to_string(finding));
  if (!plan) std::exit(1);
  return std::move(*plan);
}

// Fills the journal of the source: the same records for both roads.
std::uint64_t fill(World& world, const std::string& directory, std::size_t events) {
  store::JournalOptions options;
  options.max_bytes = 100_GiB;
  options.reserve = 1_B;
  auto journal =
      sure(store::Journal::open(world.files, world.clock, runtime::journal_directory(directory, "mdca"), options));
  std::mt19937_64 random(20'261'124);
  std::uint64_t bytes = 0;
  for (std::size_t done = 0; done < events;) {
    Batch batch;
    for (; batch.size() < events_in_batch && done < events; ++done) {
      const std::string id = fmt::format("97134000_15600_{}", bench::hex(random, 36));
      const std::string raw = bench::activity(random, done, id);
      RecordView record;
      record.feed = "activities";
      record.id = id;
      record.raw = raw;
      record.event_time = record.saved_time = from_epoch_ms(1'595'096'313'000 + static_cast<std::int64_t>(done));
      record.content_hash = done;
      sure(batch.add(record));
    }
    bytes += batch.stored_size();
    sure(journal->append(batch, Checkpoint{}));
    sure(journal->sync());
  }
  return bytes;
}

void measure(std::string_view name, World& world, const std::string& directory, const std::string& sink,
             std::size_t events) {
  std::filesystem::remove(runtime::journal_directory(directory, "mdca") + "/cursors");
  NoDeadLetters dead_letters;
  auto program = sure(runtime::Program::open(plan_of(directory, sink, world, world.files), world, dead_letters, 1));
  runtime::RouteRunner& route = *program->routes().front();
  const double cpu = cpu_seconds();
  const double kernel_before = kernel_seconds();
  const auto begin = std::chrono::steady_clock::now();
  while (!route.is_caught_up()) {
    (void)route.step({});
    if (const auto held = route.held_by()) {
      fmt::print(stderr, "road_bench: {}\n", held->text());
      std::exit(1);
    }
  }
  route.close();
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const double used = cpu_seconds() - cpu;
  const double kernel = kernel_seconds() - kernel_before;
  const auto count = static_cast<double>(events);
  fmt::print("{:24} {:6.2f} us CPU an event ({:.2f} of it the kernel), {:9.0f} events/s of wall time, {} delivered\n",
             name, used / count * 1e6, kernel / count * 1e6, count / wall, route.status().delivered);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t events = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : events_default;
  const std::string directory = (argc > 2 ? std::string(argv[2]) : std::filesystem::temp_directory_path().string()) +
                                fmt::format("/capstan-bench-{}", ::getpid());
  ::setenv("BENCH_TOKEN", "0", 1);
  // As the engine bounds the allocator (runtime/memory.cpp).
  ::mallopt(M_MMAP_THRESHOLD, 2 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 8 << 20);
  const Receiver receiver;
  SystemClock clock;
  PosixFileSystem files;
  NoHttp http;
  World world{clock, files, http};
  const std::uint64_t bytes = fill(world, directory, events);
  fmt::print("{} events, {:.2f} GB in the journal, {:.0f} bytes an event\n", events, static_cast<double>(bytes) / 1e9,
             static_cast<double>(bytes) / static_cast<double>(events));
  measure("journal → CEF → TCP", world, directory,
          fmt::format("{{type: syslog, address: '127.0.0.1:{}', transport: tcp}}", receiver.port), events);
  measure("journal → CEF → file", world, directory, fmt::format("{{type: file, path: '{}/out.cef'}}", directory),
          events);
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  fmt::print("peak memory of this process: {:.1f} MiB (filling the journal included)\n",
             static_cast<double>(used.ru_maxrss) / 1024);
  fmt::print("target: at most {} us CPU an event to TCP\n", target_us);
  std::filesystem::remove_all(directory);
}
