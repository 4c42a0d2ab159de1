// Several writers of one file, at random: two sinks that take it from each other, one of them through a symbolic link,
// are killed in the middle of any operation, fail and heal, while somebody else appends to the file, moves it away and
// removes its directory. The oracle knows nothing of the sink: it reads the files at the end and counts lines.
//
//   CAPSTAN_FILE_WRITERS_RUNS=20000 file_writers_test   more runs
//   CAPSTAN_FILE_WRITERS_SEED=17                        that one
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <set>

#include "cutting_files_for_test.h"
#include "file_sink.h"
#include "payload_for_test.h"

namespace capstan::sinks {
namespace {

constexpr std::uint64_t runs_by_default = 150;
constexpr int operations = 120;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class Scene {
public:
  explicit Scene(std::uint64_t seed) : random_(seed) {
    std::filesystem::create_directories(directory_.path() + "/real");
    std::filesystem::create_symlink("real/out.log", directory_.path() + "/link.log");
    const std::array<Compression, 3> ways{Compression::none, Compression::gzip, Compression::zstd};
    for (auto& writer : writers_) {
      writer.options = {.path = directory_.path() + (&writer == &writers_[0] ? "/real/out.log" : "/link.log"),
                        .rotate_bytes = Bytes{1024 + random_() % 4096},
                        .rotate_every = {},
                        .keep = 0,
                        .compression = ways[random_() % ways.size()]};
      writer.name = &writer == &writers_[0] ? "a" : "b";
    }
  }

  void play() {
    for (int i = 0; i < operations; ++i) act();
    for (auto& writer : writers_) finish(writer);
  }

  // Empty: all is well.
  std::string judge() {
    read_everything();
    for (const auto& writer : writers_)
      for (std::uint64_t i = 0; i < writer.next; ++i)
        if (const auto times = take(line(writer, i)); times != 1)
          return fmt::format("line {} of {} stands there {} times", i, writer.name, times);
    for (const auto& [text, is_glued] : theirs_) {
      const auto times = take(text);
      if (times == 0 && is_glued && is_behind_a_torn_line(text)) continue;
      if (times != 1) return fmt::format("the line of somebody else {} stands there {} times", text, times);
    }
    // What is left was torn by a kill, and there is no more of it than that.
    for (const auto& [text, times] : lines_)
      if (!text.empty() && !is_torn(text)) return fmt::format("nobody wrote the line \"{}\"", text);
    if (torn_ > breaks_) return fmt::format("{} torn lines after {} breaks", torn_, breaks_);
    return "";
  }

  std::uint64_t refusals = 0;
  std::uint64_t kills = 0;

private:
  struct Writer {
    std::string name;
    FileOptions options;
    std::unique_ptr<CuttingFiles> disk;
    std::unique_ptr<FileSink> sink;
    std::uint64_t next = 0;         // acknowledged before
    std::uint64_t stored_next = 0;  // by the cursor that outlives a kill
    std::uint64_t tried = 0;        // up to here, lines may stand in the file
    std::string receipt;
    std::string stored_receipt;
  };

  static std::string line(const Writer& writer, std::uint64_t number) {
    return fmt::format("{}-{}-{}", writer.name, number, std::string(20 + number * 37 % 300, writer.name[0]));
  }

  std::uint64_t dice(std::uint64_t sides) { return random_() % sides; }

  void act() {
    Writer& writer = writers_[dice(2)];
    switch (dice(12)) {
      case 0:
        return kill(writer);
      case 1:
        return stop(writer);
      case 2:
        return fail_and_heal(writer);
      case 3:
      case 4:
        return append_theirs();
      case 5:
        return dice(4) == 0 ? move_away() : append_theirs();
      default:
        deliver(writer);
    }
  }

  bool start(Writer& writer) {
    if (writer.sink) return true;
    writer.disk = std::make_unique<CuttingFiles>();
    writer.sink = std::make_unique<FileSink>(writer.options, clock_, *writer.disk);
    if (writer.sink->resume(writer.stored_receipt)) return true;
    ++refusals;
    writer.sink.reset();
    return false;
  }

  bool deliver(Writer& writer) {
    if (!start(writer)) return false;
    const std::uint64_t count = 1 + dice(5);
    std::vector<std::string> messages;
    for (std::uint64_t i = 0; i < count; ++i) messages.push_back(line(writer, writer.next + i));
    writer.tried = std::max(writer.tried, writer.next + count);
    const auto delivery = writer.sink->deliver(make_payload("p", messages), {});
    if (!delivery) return false;
    writer.next += count;
    writer.receipt = delivery->receipt;
    if (writer.stored_next == 0 || dice(3) == 0) store(writer);
    return true;
  }

  static void store(Writer& writer) {
    writer.stored_next = writer.next;
    writer.stored_receipt = writer.receipt;
  }

  static void die(Writer& writer) {
    writer.sink.reset();
    writer.next = writer.stored_next;
    writer.receipt = writer.stored_receipt;
  }

  // In the middle of a delivery, or between two; not before the first receipt is stored, without which nothing tells
  // how far back to look.
  void kill(Writer& writer) {
    if (writer.stored_next == 0 || !start(writer)) return;
    ++kills;
    ++breaks_;
    writer.disk->cut_at(writer.disk->operations() + dice(6));
    for (int i = 0; i < 3 && deliver(writer); ++i) {
    }
    die(writer);
  }

  void stop(Writer& writer) {
    if (!writer.sink) return;
    store(writer);
    writer.sink.reset();
  }

  void fail_and_heal(Writer& writer) {
    if (writer.stored_next == 0 || !start(writer)) return;
    ++breaks_;
    writer.disk->cut_at(writer.disk->operations() + dice(4));
    const std::uint64_t before = writer.next;
    const bool is_done = deliver(writer);
    writer.disk->heal();
    if (!is_done && writer.next == before && dice(2) == 0) append_theirs();
  }

  void append_theirs() {
    std::filesystem::create_directories(directory_.path() + "/real");
    const std::string path = directory_.path() + "/real/out.log";
    std::ifstream in(path, std::ios::binary | std::ios::ate);
    char last = '\n';
    if (in && in.tellg() > 0) {
      in.seekg(-1, std::ios::end);
      in.get(last);
    }
    const std::string text = fmt::format("theirs-{}-{}", theirs_.size(), std::string(dice(200), 't'));
    theirs_.emplace_back(text, last != '\n');
    std::ofstream(path, std::ios::binary | std::ios::app) << text << '\n';
  }

  // Only while everything that is written is stored: what lies in a file that was moved away cannot be compared.
  void move_away() {
    for (auto& writer : writers_) {
      if (writer.tried > writer.stored_next) return;
    }
    const std::string path = directory_.path() + "/real/out.log";
    if (!std::filesystem::exists(path)) return;
    std::filesystem::rename(path, fmt::format("{}/moved-{}", directory_.path(), moved_++));
  }

  void finish(Writer& writer) {
    for (auto& other : writers_) {
      if (&other != &writer) stop(other);
    }
    if (writer.disk) writer.disk->heal();
    // Everything that was ever tried comes again, and a little more.
    const std::uint64_t wanted = writer.tried + 5;
    for (int i = 0; i < 1000 && writer.next < wanted; ++i) deliver(writer);
    stop(writer);
  }

  void read_everything() {
    PosixFileSystem files;
    const std::string real = directory_.path() + "/real";
    const auto rotated = list_rotated(files, real, "out.log").value();
    for (const auto& file : rotated) read(*open_unpacked(files, real + "/" + file.name, file.compression).value());
    for (int i = 0; i < moved_; ++i)
      read(*open_unpacked(files, fmt::format("{}/moved-{}", directory_.path(), i), Compression::none).value());
    read(*open_unpacked(files, real + "/out.log", Compression::none).value());
  }

  void read(UnpackedReader& reader) {
    std::string all;
    std::string chunk(4096, '\0');
    for (std::size_t size = 0; (size = reader.read(chunk).value()) > 0;) all.append(chunk, 0, size);
    for (std::size_t begin = 0; begin < all.size();) {
      const std::size_t end = std::min(all.find('\n', begin), all.size());
      ++lines_[all.substr(begin, end - begin)];
      begin = end + 1;
    }
  }

  std::uint64_t take(const std::string& text) {
    const auto found = lines_.find(text);
    if (found == lines_.end()) return 0;
    const std::uint64_t times = found->second;
    lines_.erase(found);
    return times;
  }

  bool is_torn(std::string_view text) {
    for (const auto& writer : writers_) {
      const std::size_t dash = text.find('-', 2);
      if (!text.starts_with(writer.name + "-")) continue;
      if (dash == std::string_view::npos) return ++torn_, true;
      const std::string whole = line(writer, std::strtoull(text.data() + 2, nullptr, 10));
      if (whole.starts_with(text)) return ++torn_, true;
    }
    return text == writers_[0].name || text == writers_[1].name;
  }

  bool is_behind_a_torn_line(const std::string& text) {
    for (const auto& [glued, times] : lines_) {
      if (!glued.ends_with(text)) continue;
      const std::string torn = glued.substr(0, glued.size() - text.size());
      if (!is_torn(torn) && !torn.starts_with("theirs-")) continue;
      lines_.erase(glued);
      return true;
    }
    return false;
  }

  OwnDirectory directory_;
  StandingClock clock_;
  std::mt19937_64 random_;
  std::array<Writer, 2> writers_;
  std::vector<std::pair<std::string, bool>> theirs_;  // and whether it was appended behind a line without an end
  int moved_ = 0;
  std::uint64_t breaks_ = 0;
  std::uint64_t torn_ = 0;
  std::map<std::string, std::uint64_t> lines_;
};

TEST(FileWriters, lose_double_and_destroy_nothing) {
  const std::uint64_t only = number_from_environment("CAPSTAN_FILE_WRITERS_SEED", 0);
  const std::uint64_t runs = only != 0 ? 1 : number_from_environment("CAPSTAN_FILE_WRITERS_RUNS", runs_by_default);
  std::uint64_t kills = 0;
  std::uint64_t refusals = 0;
  for (std::uint64_t run = 1; run <= runs; ++run) {
    const std::uint64_t seed = only != 0 ? only : run;
    Scene scene(seed);
    scene.play();
    ASSERT_EQ(scene.judge(), "") << "CAPSTAN_FILE_WRITERS_SEED=" << seed;
    kills += scene.kills;
    refusals += scene.refusals;
  }
  EXPECT_GT(kills, 0U);
  EXPECT_GT(refusals, 0U);
  std::cout << runs << " runs, " << kills << " kills, " << refusals << " refusals of a second writer\n";
}

}  // namespace
}  // namespace capstan::sinks
