#include "file_sink.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>

#include "cutting_files_for_test.h"
#include "payload_for_test.h"

namespace capstan::sinks {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A process that does something and then lives until it is ended.
class ScopedChild {
public:
  explicit ScopedChild(const std::function<bool()>& work) {
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    number_ = ::fork();
    if (number_ == 0) {
      const char outcome = work() ? 'y' : 'n';
      if (::write(ready[1], &outcome, 1) == 1) ::pause();
      ::_exit(0);
    }
    char outcome = 0;
    EXPECT_EQ(::read(ready[0], &outcome, 1), 1);
    EXPECT_EQ(outcome, 'y');
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ScopedChild(const ScopedChild&) = delete;
  ScopedChild& operator=(const ScopedChild&) = delete;
  ~ScopedChild() {
    ::kill(number_, SIGKILL);
    ::waitpid(number_, nullptr, 0);
  }
  pid_t number() const { return number_; }

private:
  pid_t number_ = -1;
};

class FileSinkTest : public testing::Test {
protected:
  FileOptions options(Compression compression = Compression::none) const {
    return {.path = directory.path() + "/out/alerts.cef",
            .rotate_bytes = 1_KiB,
            .rotate_every = {},
            .keep = 0,
            .compression = compression};
  }
  std::unique_ptr<FileSink> make(const FileOptions& with) { return std::make_unique<FileSink>(with, clock, files); }
  std::string path() const { return directory.path() + "/out/alerts.cef"; }

  static std::string content(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void write(const std::string& file, std::string_view text) {
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
  }
  void append_by_hand(std::string_view text) const { std::ofstream(path(), std::ios::binary | std::ios::app) << text; }
  std::vector<std::string> names() { return files.list(directory.path() + "/out").value(); }

  // Everything that was written, rotated files first, unpacked.
  std::string everything() {
    std::string all;
    const auto listed = list_rotated(files, directory.path() + "/out", "alerts.cef").value();
    for (const auto& rotated : listed) {
      auto reader = open_unpacked(files, directory.path() + "/out/" + rotated.name, rotated.compression).value();
      std::string chunk(4096, '\0');
      for (;;) {
        const std::size_t size = reader->read(chunk).value();
        if (size == 0) break;
        all += chunk.substr(0, size);
      }
    }
    return all + content(path());
  }

  OwnDirectory directory;
  StandingClock clock;
  PosixFileSystem files;
};

TEST_F(FileSinkTest, writes_one_message_a_line) {
  auto sink = make(options());
  ASSERT_TRUE(sink->resume(""));
  const auto delivery = sink->deliver(make_payload("a", {"one", "two\nlines"}), {});
  ASSERT_TRUE(delivery) << delivery.error().text();
  EXPECT_EQ(delivery->accepted, 2U);
  EXPECT_EQ(content(path()), "one\ntwo lines\n");
}

TEST_F(FileSinkTest, a_receipt_round_trips) {
  const FileReceipt receipt{
      {7, 1234}, from_epoch_ms(1'764'000'000'000), FileIdentity{5, 77, 1234567890123456789}, "/a path/with blanks"};
  const auto read = parse_file_receipt(to_string(receipt));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->position, receipt.position);
  EXPECT_EQ(read->begun, receipt.begun);
  EXPECT_EQ(read->identity, receipt.identity);
  EXPECT_EQ(read->path, receipt.path);
  const auto old = parse_file_receipt("1 7 1234 1764000000000 1 /a path/with blanks");
  ASSERT_TRUE(old);
  EXPECT_EQ(old->position, receipt.position);
  EXPECT_FALSE(old->identity);
  EXPECT_EQ(old->path, receipt.path);
  for (const auto* broken :
       {"", "1", "3 1 1 1 1 1 1 /a", "1 0 1 1 1 /a", "1 1 -1 1 1 /a", "1 1 1 1 1 ", "2 1 1 1 1 1 /a"})
    EXPECT_FALSE(parse_file_receipt(broken)) << broken;
}

TEST_F(FileSinkTest, what_was_not_acknowledged_is_neither_lost_nor_doubled) {
  std::string receipt;
  {
    auto sink = make(options());
    ASSERT_TRUE(sink->resume(""));
    receipt = sink->deliver(make_payload("a", {"one", "two"}), {})->receipt;
    ASSERT_TRUE(sink->deliver(make_payload("b", {"three", "four"}), {}));  // its receipt is not stored: killed before
  }
  auto sink = make(options());
  ASSERT_TRUE(sink->resume(receipt));
  // The same events come again, cut into payloads differently.
  ASSERT_TRUE(sink->deliver(make_payload("b1", {"three"}), {}));
  EXPECT_EQ(content(path()), "one\ntwo\nthree\nfour\n");  // nothing was taken away from a reader
  ASSERT_TRUE(sink->deliver(make_payload("b2", {"four", "five"}), {}));
  EXPECT_EQ(content(path()), "one\ntwo\nthree\nfour\nfive\n");
}

TEST_F(FileSinkTest, a_torn_line_is_made_whole_and_what_a_power_cut_left_is_cut_off) {
  std::string receipt;
  {
    auto sink = make(options());
    ASSERT_TRUE(sink->resume(""));
    receipt = sink->deliver(make_payload("a", {"one"}), {})->receipt;
  }
  append_by_hand("tw");
  {
    auto sink = make(options());
    ASSERT_TRUE(sink->resume(receipt));
    receipt = sink->deliver(make_payload("b", {"two"}), {})->receipt;
    EXPECT_EQ(content(path()), "one\ntwo\n");
  }
  append_by_hand(std::string_view("th\0\0\0\0\0\0\0\0\0\0", 12));
  auto sink = make(options());
  ASSERT_TRUE(sink->resume(receipt));
  ASSERT_TRUE(sink->deliver(make_payload("c", {"three"}), {}));
  EXPECT_EQ(content(path()), "one\ntwo\nthree\n");
}

TEST_F(FileSinkTest, what_somebody_else_appended_is_kept) {
  std::string receipt;
  {
    auto sink = make(options());
    ASSERT_TRUE(sink->resume(""));
    receipt = sink->deliver(make_payload("a", {"one"}), {})->receipt;
    append_by_hand("theirs 1\n");
    ASSERT_TRUE(sink->deliver(make_payload("b", {"two", "three"}), {}));  // its receipt is not stored: killed before
    append_by_hand("theirs 2\n");
  }
  {
    auto sink = make(options());
    ASSERT_TRUE(sink->resume(receipt));
    ASSERT_TRUE(sink->deliver(make_payload("b1", {"two"}), {}));
    receipt = sink->deliver(make_payload("b2", {"three", "four"}), {})->receipt;
    EXPECT_EQ(content(path()), "one\ntheirs 1\ntwo\nthree\ntheirs 2\nfour\n");
    append_by_hand("torn");
    receipt = sink->deliver(make_payload("c", {"five"}), {})->receipt;
    EXPECT_EQ(content(path()), "one\ntheirs 1\ntwo\nthree\ntheirs 2\nfour\ntorn\nfive\n");
  }
  append_by_hand("theirs 3\ntorn again");
  auto sink = make(options());
  ASSERT_TRUE(sink->resume(receipt));
  ASSERT_TRUE(sink->deliver(make_payload("d", {"six"}), {}));
  EXPECT_THAT(content(path()), testing::EndsWith("torn\nfive\ntheirs 3\ntorn again\nsix\n"));
}

TEST_F(FileSinkTest, a_line_that_is_delivered_again_on_purpose_is_written_again) {
  auto sink = make(options());
  ASSERT_TRUE(sink->resume(""));
  ASSERT_TRUE(sink->deliver(make_payload("a", {"one"}), {}));
  append_by_hand("one\n");
  ASSERT_TRUE(sink->deliver(make_payload("a", {"one"}), {}));
  EXPECT_EQ(content(path()), "one\none\none\n");
}

TEST_F(FileSinkTest, a_file_that_was_there_before_is_never_cut) {
  write(path(), "somebody's\nunfinished");
  std::string receipt;
  {
    auto sink = make(options());
    ASSERT_TRUE(sink->resume(""));
    receipt = sink->deliver(make_payload("a", {"one"}), {})->receipt;
    EXPECT_EQ(content(path()), "somebody's\nunfinished\none\n");
  }
  auto sink = make(options());
  ASSERT_TRUE(sink->resume(receipt));
  ASSERT_TRUE(sink->deliver(make_payload("b", {"two"}), {}));
  EXPECT_EQ(content(path()), "somebody's\nunfinished\none\ntwo\n");
}

TEST_F(FileSinkTest, a_file_from_before_that_begins_alike_is_never_cut_after_a_restart) {
  write(path(), "one\nsomebody's\n");
  std::string receipt;
  {
    auto sink = make(options());
    ASSERT_TRUE(sink->resume(""));
    receipt = sink->deliver(make_payload("a", {"one"}), {})->receipt;
  }
  auto sink = make(options());
  ASSERT_TRUE(sink->resume(receipt));
  ASSERT_TRUE(sink->deliver(make_payload("b", {"two"}), {}));
  EXPECT_EQ(content(path()), "one\nsomebody's\ntwo\n");
}

TEST_F(FileSinkTest, a_failed_delivery_to_a_file_from_before_does_not_make_it_ours) {
  write(path(), "somebody's\n");
  CuttingFiles cutting(1);  // the open is let through, the write only in part
  FileSink sink(options(), clock, cutting);
  ASSERT_TRUE(sink.resume(""));
  ASSERT_FALSE(sink.deliver(make_payload("a", {"one"}), {}));
  cutting.heal();
  ASSERT_TRUE(sink.deliver(make_payload("a", {"one"}), {}));
  EXPECT_EQ(content(path()), "somebody's\none\n");
}

TEST_F(FileSinkTest, a_file_that_was_emptied_or_moved_away_is_begun_anew) {
  auto sink = make(options());
  ASSERT_TRUE(sink->resume(""));
  ASSERT_TRUE(sink->deliver(make_payload("a", {"one"}), {}));
  write(path(), "");
  ASSERT_TRUE(sink->deliver(make_payload("b", {"two"}), {}));
  EXPECT_EQ(content(path()), "two\n");
  std::filesystem::rename(path(), path() + ".away");
  ASSERT_TRUE(sink->deliver(make_payload("c", {"three"}), {}));
  EXPECT_EQ(content(path()), "three\n");
  write(path() + ".other", "theirs\nand more of it\ntorn");
  std::filesystem::rename(path() + ".other", path());
  ASSERT_TRUE(sink->deliver(make_payload("d", {"four"}), {}));
  EXPECT_EQ(content(path()), "theirs\nand more of it\ntorn\nfour\n");
}

TEST_F(FileSinkTest, a_file_that_was_replaced_meanwhile_is_begun_anew) {
  std::string receipt;
  {
    auto sink = make(options());
    ASSERT_TRUE(sink->resume(""));
    receipt = sink->deliver(make_payload("a", {"one"}), {})->receipt;
  }
  // As long as what was written, so that only the identity tells.
  write(path() + ".other", "two\n");
  std::filesystem::rename(path() + ".other", path());
  auto sink = make(options());
  ASSERT_TRUE(sink->resume(receipt));
  ASSERT_TRUE(sink->deliver(make_payload("b", {"two", "three"}), {}));
  EXPECT_EQ(content(path()), "two\nthree\n");  // as after a kill before the receipt was stored
}

TEST_F(FileSinkTest, a_directory_that_was_removed_is_made_again) {
  auto sink = make(options());
  ASSERT_TRUE(sink->resume(""));
  ASSERT_TRUE(sink->deliver(make_payload("a", {"one"}), {}));
  std::filesystem::remove_all(directory.path() + "/out");
  ASSERT_TRUE(sink->deliver(make_payload("b", {"two"}), {}));
  EXPECT_EQ(content(path()), "two\n");
}

TEST_F(FileSinkTest, a_directory_that_was_moved_away_is_waited_for) {
  auto sink = make(options());
  ASSERT_TRUE(sink->resume(""));
  ASSERT_TRUE(sink->deliver(make_payload("a", {"one"}), {}));
  std::filesystem::rename(directory.path() + "/out", directory.path() + "/away");
  for (int i = 0; i < 3; ++i) {
    const auto held = sink->deliver(make_payload("b", {"two"}), {});
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().code(), ErrorCode::output_taken_away);
    EXPECT_THAT(held.error().text(), HasSubstr(directory.path() + "/out was moved away"));
  }
  EXPECT_FALSE(std::filesystem::exists(directory.path() + "/out"));
  std::filesystem::rename(directory.path() + "/away", directory.path() + "/out");
  ASSERT_TRUE(sink->deliver(make_payload("b", {"two"}), {}));
  EXPECT_EQ(content(path()), "one\ntwo\n");
  // Whoever makes the directory anew wants a new file in it.
  std::filesystem::rename(directory.path() + "/out", directory.path() + "/away");
  std::filesystem::create_directory(directory.path() + "/out");
  ASSERT_TRUE(sink->deliver(make_payload("c", {"three"}), {}));
  EXPECT_EQ(content(path()), "three\n");
}

TEST_F(FileSinkTest, rotates_by_size_and_by_time) {
  auto with = options();
  with.rotate_every = std::chrono::hours(1);
  auto sink = make(with);
  ASSERT_TRUE(sink->resume(""));
  ASSERT_TRUE(sink->deliver(make_payload("a", {std::string(2000, 'a')}), {}));
  ASSERT_TRUE(sink->deliver(make_payload("b", {"b"}), {}));
  EXPECT_THAT(names(), ElementsAre("alerts.cef", "alerts.cef.20251124T160000Z.1"));
  clock.advance(std::chrono::minutes(59));
  ASSERT_TRUE(sink->deliver(make_payload("c", {"c"}), {}));
  EXPECT_EQ(content(path()), "b\nc\n");
  clock.advance(std::chrono::minutes(1));
  ASSERT_TRUE(sink->deliver(make_payload("d", {"d"}), {}));
  EXPECT_THAT(names(), ElementsAre("alerts.cef", "alerts.cef.20251124T160000Z.1", "alerts.cef.20251124T170000Z.2"));
  EXPECT_EQ(content(path()), "d\n");
}

TEST_F(FileSinkTest, keeps_as_many_old_files_as_it_is_told) {
  auto with = options(Compression::zstd);
  with.keep = 2;
  auto sink = make(with);
  ASSERT_TRUE(sink->resume(""));
  for (int i = 1; i <= 6; ++i)
    ASSERT_TRUE(sink->deliver(make_payload(std::to_string(i), {std::string(2000, 'a')}), {}));
  EXPECT_THAT(names(),
              ElementsAre("alerts.cef", "alerts.cef.20251124T160000Z.4.zst", "alerts.cef.20251124T160000Z.5.zst"));
}

TEST_F(FileSinkTest, a_second_writer_is_refused_whatever_it_calls_the_file) {
  auto first = make(options());
  ASSERT_TRUE(first->resume(""));
  ASSERT_TRUE(first->deliver(make_payload("a", {"one"}), {}));
  std::filesystem::create_directory_symlink("out", directory.path() + "/link");
  std::filesystem::create_symlink(path(), directory.path() + "/file_link");
  std::filesystem::create_hard_link(path(), directory.path() + "/hard");
  const auto relative = std::filesystem::relative(path()).string();
  for (const auto& name : {path(), directory.path() + "/./out/../out/alerts.cef", directory.path() + "/link/alerts.cef",
                           directory.path() + "/file_link", directory.path() + "/hard", relative}) {
    auto with = options();
    with.path = name;
    auto second = make(with);
    const auto refused = second->resume("");
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code(), ErrorCode::file_in_use);
    EXPECT_EQ(refused.error().sentence(), fmt::format("opening {}: another part of this process writes it", name));
  }
  auto second = make(options());
  ASSERT_FALSE(second->resume(""));
  ASSERT_TRUE(first->deliver(make_payload("b", {"two"}), {}));
  first->close();
  ASSERT_TRUE(second->resume(""));
  ASSERT_TRUE(second->deliver(make_payload("c", {"three"}), {}));
  EXPECT_EQ(content(path()), "one\ntwo\nthree\n");
}

TEST_F(FileSinkTest, a_second_process_is_refused_and_named) {
  write(path(), "");
  std::unique_ptr<File> kept;  // by the other
  const ScopedChild other([&] {
    kept = files.open(path(), FileSystem::OpenMode::append).value();
    return kept->lock().value() == File::Lock::taken;
  });
  auto sink = make(options());
  const auto refused = sink->resume("");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::file_in_use);
  EXPECT_THAT(refused.error().text(), HasSubstr(fmt::format("process {} (", other.number())));
}

// The one that waits must not get the file that was just rotated away.
TEST_F(FileSinkTest, who_waits_gets_the_file_that_the_path_leads_to) {
  auto first = make(options());
  ASSERT_TRUE(first->resume(""));
  ASSERT_TRUE(first->deliver(make_payload("a", {std::string(2000, 'a')}), {}));
  auto second = make(options());
  ASSERT_FALSE(second->resume(""));
  ASSERT_TRUE(first->deliver(make_payload("b", {"b"}), {}));  // rotates before
  ASSERT_FALSE(second->resume(""));
  first->close();
  ASSERT_TRUE(second->resume(""));
  ASSERT_TRUE(second->deliver(make_payload("c", {"c"}), {}));
  EXPECT_EQ(content(path()), "b\nc\n");
}

TEST_F(FileSinkTest, what_is_no_file_holds_the_route_and_is_not_waited_for) {
  const std::string fifo = directory.path() + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  std::filesystem::create_directory(directory.path() + "/directory");
  for (const auto& name : {fifo, directory.path() + "/directory", std::string("/dev/null"), std::string("/dev/full")}) {
    auto with = options();
    with.path = name;
    const auto refused = make(with)->resume("");
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code(), ErrorCode::file_not_writable) << name;
    EXPECT_THAT(refused.error().text(), AllOf(HasSubstr(name), HasSubstr("expected a file")));
    EXPECT_FALSE(make(with)->probe({}));
  }
}

TEST_F(FileSinkTest, rotation_follows_a_symbolic_link) {
  std::filesystem::create_directories(directory.path() + "/big/disk");
  std::filesystem::create_directory(directory.path() + "/out");
  std::filesystem::create_symlink("../big/disk/events.cef", path());
  auto with = options(Compression::gzip);
  with.keep = 2;
  auto sink = make(with);
  ASSERT_TRUE(sink->resume(""));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(sink->deliver(make_payload(std::to_string(i), {std::string(2000, 'a')}), {}));
  EXPECT_TRUE(std::filesystem::is_symlink(path()));
  EXPECT_THAT(names(), ElementsAre("alerts.cef"));
  EXPECT_THAT(files.list(directory.path() + "/big/disk").value(),
              ElementsAre("events.cef", "events.cef.20251124T160000Z.3.gz", "events.cef.20251124T160000Z.4.gz"));
}

TEST_F(FileSinkTest, a_link_that_is_turned_to_another_file_is_followed) {
  std::filesystem::create_directories(directory.path() + "/out");
  std::filesystem::create_symlink("first", path());
  auto sink = make(options());
  ASSERT_TRUE(sink->resume(""));
  ASSERT_TRUE(sink->deliver(make_payload("a", {"one"}), {}));
  std::filesystem::remove(path());
  std::filesystem::create_symlink(directory.path() + "/new/place/second", path());
  ASSERT_TRUE(sink->deliver(make_payload("b", {"two"}), {}));
  EXPECT_EQ(content(directory.path() + "/out/first"), "one\n");
  EXPECT_EQ(content(directory.path() + "/new/place/second"), "two\n");
}

TEST_F(FileSinkTest, a_rotated_name_that_is_taken_is_not_written_over) {
  auto sink = make(options());
  ASSERT_TRUE(sink->resume(""));
  ASSERT_TRUE(sink->deliver(make_payload("a", {std::string(2000, 'a')}), {}));
  write(path() + ".20251124T160000Z.1", "theirs\n");
  ASSERT_TRUE(sink->deliver(make_payload("b", {"b"}), {}));
  EXPECT_EQ(content(path() + ".20251124T160000Z.1"), "theirs\n");
  EXPECT_EQ(content(path() + ".20251124T160000Z.2"), std::string(2000, 'a') + "\n");
  EXPECT_EQ(content(path()), "b\n");
}

TEST_F(FileSinkTest, a_file_that_another_sink_writes_is_neither_packed_nor_removed) {
  auto with = options(Compression::gzip);
  with.keep = 1;
  auto other = options();
  other.path = path() + ".20251124T160000Z.1";  // as if it had been rotated away
  auto theirs = make(other);
  ASSERT_TRUE(theirs->resume(""));
  ASSERT_TRUE(theirs->deliver(make_payload("t", {"theirs"}), {}));
  auto sink = make(with);
  ASSERT_TRUE(sink->resume(""));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(sink->deliver(make_payload(std::to_string(i), {std::string(2000, 'a')}), {}));
  EXPECT_EQ(content(other.path), "theirs\n");
  ASSERT_TRUE(theirs->deliver(make_payload("t", {"more"}), {}));
  EXPECT_EQ(content(other.path), "theirs\nmore\n");
}

TEST_F(FileSinkTest, the_name_of_a_rotated_file_is_known) {
  for (const auto* name : {"a.20251124T160000Z.1", "a.b.20251124T160000Z.17.gz", "a.20251124T160000Z.1.zst.part"})
    EXPECT_TRUE(is_rotated_name(name)) << name;
  for (const auto* name : {"a", "a.1", "a.log.1", "a.20251124T160000Z", "a.20251124T160000Z.0", "a.20251124.1", ""})
    EXPECT_FALSE(is_rotated_name(name)) << name;
}

TEST_F(FileSinkTest, probe_leaves_nothing_behind) {
  auto sink = make(options());
  ASSERT_TRUE(sink->probe({}));
  EXPECT_THAT(names(), IsEmpty());
}

// The whole life of a sink with rotation and packing is run once for every operation that changes the disk, and cut
// there; then a new sink goes on. The cursor is stored only now and then, so that several payloads, and rotations, lie
// beyond its receipt.
class FileSinkCrashTest : public FileSinkTest, public testing::WithParamInterface<std::tuple<Compression, int>> {
protected:
  static constexpr int payloads = 12;
  static Payload payload(int i) {
    return make_payload(std::to_string(i),
                        {fmt::format("{}:{}", i, std::string(static_cast<std::size_t>(150 + 97 * i % 400), 'x')),
                         fmt::format("{}.", i)});
  }
  static std::string expected() {
    std::string all;
    for (int i = 0; i < payloads; ++i)
      for (std::size_t m = 0; m < 2; ++m) all += std::string(payload(i).message(m)) + "\n";
    return all;
  }

  struct Cursor {
    std::string receipt;
    int next = 0;
  };
  // Delivers until it fails or all is delivered; a cut inside the process is tried again once, as the runtime would.
  void run(FileSystem& disk, Cursor& stored, int store_every) {
    FileSink sink(options(std::get<0>(GetParam())), clock, disk);
    if (!sink.resume(stored.receipt)) return;
    for (int i = stored.next; i < payloads; ++i) {
      const auto delivery = sink.deliver(payload(i), {});
      if (!delivery) return;
      if ((i + 1) % store_every == 0) stored = {delivery->receipt, i + 1};
    }
  }
};

TEST_P(FileSinkCrashTest, a_cut_at_any_operation_loses_and_doubles_nothing) {
  const int store_every = std::get<1>(GetParam());
  CuttingFiles whole;
  Cursor untouched;
  run(whole, untouched, store_every);
  ASSERT_EQ(everything(), expected());
  ASSERT_GT(whole.operations(), 30U);

  for (std::uint64_t cut = 0; cut < whole.operations(); ++cut) {
    std::filesystem::remove_all(directory.path() + "/out");
    Cursor stored;
    CuttingFiles cutting(cut);
    run(cutting, stored, store_every);
    CuttingFiles after(cut / 2);  // and once more during the repair
    run(after, stored, store_every);
    CuttingFiles healed;
    run(healed, stored, store_every);
    ASSERT_EQ(everything(), expected()) << "cut at operation " << cut;
  }
}

TEST_P(FileSinkCrashTest, a_failure_at_any_operation_that_heals_loses_and_doubles_nothing) {
  CuttingFiles whole;
  Cursor untouched;
  run(whole, untouched, 1);
  for (std::uint64_t cut = 0; cut < whole.operations(); ++cut) {
    std::filesystem::remove_all(directory.path() + "/out");
    CuttingFiles failing(cut);
    FileSink sink(options(std::get<0>(GetParam())), clock, failing);
    if (!sink.resume("")) {
      failing.heal();
      ASSERT_TRUE(sink.resume(""));
    }
    for (int i = 0; i < payloads; ++i) {
      if (sink.deliver(payload(i), {})) continue;
      failing.heal();
      ASSERT_TRUE(sink.deliver(payload(i), {}));
    }
    ASSERT_EQ(everything(), expected()) << "failed at operation " << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(all, FileSinkCrashTest,
                         testing::Combine(testing::Values(Compression::none, Compression::gzip, Compression::zstd),
                                          testing::Values(1, 5, 100)));

}  // namespace
}  // namespace capstan::sinks
