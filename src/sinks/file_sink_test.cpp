#include "file_sink.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "payload_for_test.h"

namespace capstan::sinks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Passes on to the real disk and counts what changes it; from the operation `fails_from` on everything fails, as when
// the process ends there. A write that is refused has written its first half.
class CuttingFiles final : public FileSystem {
public:
  explicit CuttingFiles(std::uint64_t fails_from = std::numeric_limits<std::uint64_t>::max())
      : fails_from_(fails_from) {}

  std::uint64_t operations() const { return operations_; }
  bool has_cut() const { return operations_ > fails_from_; }
  void heal() { fails_from_ = std::numeric_limits<std::uint64_t>::max(); }

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    if (mode != OpenMode::read) TRY(step());
    return std::unique_ptr<File>(std::make_unique<CuttingFile>(*this, TRY(real_.open(path, mode))));
  }
  Result<std::vector<std::string>> list(const std::string& directory) const override { return real_.list(directory); }
  Result<bool> exists(const std::string& path) const override { return real_.exists(path); }
  Result<> make_directories(const std::string& path) override { return real_.make_directories(path); }
  Result<> rename(const std::string& from, const std::string& to) override {
    TRY(step());
    return real_.rename(from, to);
  }
  Result<> remove(const std::string& path) override {
    TRY(step());
    return real_.remove(path);
  }
  // Syncs are only counted: what a process that was killed had written outlives it, synced or not.
  Result<> sync_directory(const std::string&) override { return step(); }
  Result<std::uint64_t> free_bytes(const std::string& path) const override { return real_.free_bytes(path); }

private:
  Result<> step() {
    if (operations_++ < fails_from_) return {};
    return Error(ErrorCode::disk_full, "cutting: no more");
  }

  class CuttingFile final : public File {
  public:
    CuttingFile(CuttingFiles& owner, std::unique_ptr<File> real) : owner_(owner), real_(std::move(real)) {}
    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) const override {
      return real_->read_at(offset, into);
    }
    Result<> write_at(std::uint64_t offset, std::span<const std::string_view> pieces) override {
      if (auto allowed = owner_.step(); !allowed) {
        TRY(real_->write_at(offset, pieces[0].substr(0, pieces[0].size() / 2)));
        return allowed;
      }
      return real_->write_at(offset, pieces);
    }
    Result<> truncate(std::uint64_t size) override {
      TRY(owner_.step());
      return real_->truncate(size);
    }
    Result<std::uint64_t> size() const override { return real_->size(); }
    Result<> sync() override { return owner_.step(); }
    Result<> reserve(std::uint64_t size) override { return real_->reserve(size); }
    void forget(std::uint64_t, std::uint64_t) const override {}

  private:
    CuttingFiles& owner_;
    std::unique_ptr<File> real_;
  };

  PosixFileSystem real_;
  std::uint64_t fails_from_;
  std::uint64_t operations_ = 0;
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
  std::unique_ptr<FileSink> make(const FileOptions& with) {
    return std::make_unique<FileSink>(with, clock, files, claims);
  }
  std::string path() const { return directory.path() + "/out/alerts.cef"; }

  static std::string content(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void write(const std::string& file, std::string_view text) {
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
  }
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
  std::shared_ptr<Claims> claims = std::make_shared<Claims>();
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
  const FileReceipt receipt{{7, 1234}, from_epoch_ms(1'764'000'000'000), false, "/a path/with blanks"};
  const auto read = parse_file_receipt(to_string(receipt));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->position, receipt.position);
  EXPECT_EQ(read->begun, receipt.begun);
  EXPECT_FALSE(read->is_ours);
  EXPECT_EQ(read->path, receipt.path);
  for (const auto* broken : {"", "1", "2 1 1 1 1 /a", "1 0 1 1 1 /a", "1 1 -1 1 1 /a", "1 1 1 1 1 "})
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

TEST_F(FileSinkTest, a_torn_line_is_made_whole_and_a_wrong_one_cut_off) {
  std::string receipt;
  {
    auto sink = make(options());
    ASSERT_TRUE(sink->resume(""));
    receipt = sink->deliver(make_payload("a", {"one"}), {})->receipt;
  }
  write(path(), "one\ntw");
  {
    auto sink = make(options());
    ASSERT_TRUE(sink->resume(receipt));
    receipt = sink->deliver(make_payload("b", {"two"}), {})->receipt;
    EXPECT_EQ(content(path()), "one\ntwo\n");
  }
  write(path(), std::string("one\ntwo\nth\0\0\0\0\0\0\0\0\0\0", 20));  // what a power cut may leave
  auto sink = make(options());
  ASSERT_TRUE(sink->resume(receipt));
  ASSERT_TRUE(sink->deliver(make_payload("c", {"three"}), {}));
  EXPECT_EQ(content(path()), "one\ntwo\nthree\n");
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
  CuttingFiles cutting(1);  // the open is let through, the write is not
  FileSink sink(options(), clock, cutting, claims);
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

TEST_F(FileSinkTest, a_second_route_to_the_same_file_is_refused) {
  auto first = make(options());
  ASSERT_TRUE(first->resume(""));
  auto with = options();
  with.path = directory.path() + "/./out/../out/alerts.cef";
  auto second = make(with);
  const auto refused = second->resume("");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::file_not_writable);
  EXPECT_THAT(refused.error().text(), HasSubstr("another route"));
  first->close();
  EXPECT_TRUE(second->resume(""));
}

TEST_F(FileSinkTest, a_directory_in_the_way_holds_the_route) {
  std::filesystem::create_directories(path());
  auto sink = make(options());
  ASSERT_TRUE(sink->resume(""));
  const auto delivery = sink->deliver(make_payload("a", {"one"}), {});
  ASSERT_FALSE(delivery);
  EXPECT_EQ(delivery.error().code(), ErrorCode::file_not_writable);
  EXPECT_THAT(delivery.error().text(), HasSubstr(path()));
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
    FileSink sink(options(std::get<0>(GetParam())), clock, disk, claims);
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
    FileSink sink(options(std::get<0>(GetParam())), clock, failing, claims);
    ASSERT_TRUE(sink.resume(""));
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
