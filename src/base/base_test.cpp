#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/file_system.h"
#include "base/result.h"
#include "base/text.h"
#include "base/time.h"

namespace capstan {
namespace {

TEST(ErrorCatalogue, HasOneRowACodeInOrder) {
  std::set<ErrorCode> codes;
  std::set<std::string_view> names;
  for (const ErrorEntry& row : error_catalogue()) {
    EXPECT_TRUE(codes.insert(row.code).second) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_FALSE(row.what.empty());
    EXPECT_FALSE(row.advice.empty());
    EXPECT_NE(row.what.back(), '.') << row.name;
    EXPECT_EQ(&entry(row.code), &row);
    EXPECT_EQ(find_entry(label(row.code)), &row);
  }
  EXPECT_EQ(find_entry("E1"), nullptr);
  EXPECT_EQ(find_entry("2003x"), nullptr);
}

TEST(Error, PutsWhatWasBeingDoneFirstAndTheCodeLast) {
  const Error error = Error(ErrorCode::throttled, "POST answered 429")
                          .asking_for(std::chrono::seconds(30))
                          .during("polling activities of contoso");
  EXPECT_EQ(error.text(), "polling activities of contoso: POST answered 429 [E2003]");
  EXPECT_EQ(error.pause(), std::chrono::seconds(30));
  EXPECT_EQ(error.error_class(), ErrorClass::retry);
}

Result<int> fails() { return Error(ErrorCode::internal, "no"); }
Result<std::string> passes_on() { return std::to_string(TRY(fails())); }
TEST(Result, TryPassesTheErrorOn) {
  const auto result = passes_on();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().text(), "no [E9001]");
}

TEST(Time, WritesAndReadsIso8601) {
  EXPECT_EQ(to_iso8601(from_epoch_ms(1595096313045)), "2020-07-18T18:18:33.045Z");
  EXPECT_EQ(to_iso8601(from_epoch_ms(-1)), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(parse_iso8601("2020-07-18T18:18:33.0451234Z"), from_epoch_ms(1595096313045));
  EXPECT_EQ(parse_iso8601("2020-07-18T20:18:33+02:00"), from_epoch_ms(1595096313000));
  EXPECT_EQ(parse_iso8601("2020-07-18"), parse_iso8601("2020-07-18T00:00"));
  for (const auto* wrong : {"", "2020", "2020-13-01", "2020-02-30", "2020-07-18T", "2020-07-18T25:00",
                            "2020-07-18T18:18:33.", "2020-07-18x"})
    EXPECT_FALSE(parse_iso8601(wrong).has_value()) << wrong;
}

TEST(Time, DurationsAreReadAsTheyAreWritten) {
  using namespace std::chrono_literals;
  EXPECT_EQ(parse_duration("1h30m"), Duration(90min));
  EXPECT_EQ(parse_duration("250ms"), Duration(250ms));
  EXPECT_EQ(parse_duration("2d"), Duration(48h));
  for (const auto* wrong : {"", "5", "m", "5 m", "5x", "99999999999999999999d", "106751991168d", "-5m"})
    EXPECT_FALSE(parse_duration(wrong).has_value()) << wrong;
  for (const Duration d : {Duration(0), Duration(1), Duration(90min), Duration(86'400'001)})
    EXPECT_EQ(parse_duration(to_string(d)), d);
}

TEST(Bytes, AreReadAsTheyAreWritten) {
  EXPECT_EQ(parse_bytes("64MiB"), 64_MiB);
  EXPECT_EQ(parse_bytes("10GB"), Bytes{10'000'000'000});
  EXPECT_EQ(to_human(15'000'000_B), "14.3 MiB");
  for (const auto* wrong : {"", "5", "MiB", "5 MiB", "5Mib", "99999999999TiB"})
    EXPECT_FALSE(parse_bytes(wrong).has_value()) << wrong;
  for (const Bytes b : {0_B, 1_B, 1_KiB, 1500_B, 3_GiB}) EXPECT_EQ(parse_bytes(to_string(b)), b);
}

TEST(Digest, MatchesPublishedValues) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);            // RFC 3720, appendix B.4
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);  // the same
  EXPECT_EQ(crc32c("456789", crc32c("123")), crc32c("123456789"));
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-4
  EXPECT_EQ(md5_hex("abc"), "900150983cd24fb0d6963f7d28e17f72");                                     // RFC 1321
  EXPECT_EQ(sha1_hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");                            // FIPS 180-4
  EXPECT_EQ(xxhash64("abc"), 0x44BC2CF5AD770999ULL);  // the xxHash specification
}

TEST(Hmac, AgreesWithRfc4231) {
  const HmacSha256 short_key(Secret("Jefe"));  // case 2
  EXPECT_EQ(short_key.hex("what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(short_key.hex("what do ya want for nothing?"), short_key.hex("what do ya want for nothing?"));
  const HmacSha256 long_key(Secret(std::string(131, '\xaa')));  // case 6: longer than a block
  EXPECT_EQ(long_key.hex("Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Text, CutsAtCharacterBorders) {
  EXPECT_EQ(cut_utf8("aé", 2), "a");
  EXPECT_EQ(cut_utf8("aé", 3), "aé");
  EXPECT_EQ(cut_utf8("😀", 3), "");
  EXPECT_EQ(cut_utf8("ab\x80\x80\x80\x80\x80", 6).size(), 6U) << "four continuation bytes are no character";
  EXPECT_EQ(cut_utf8("\x80\x80\x80\x80\x80\x80\x80", 6).size(), 6U) << "what is not UTF-8 still has to end";
}

TEST(Text, KnowsUtf8) {
  EXPECT_TRUE(is_utf8("aé€😀"));
  for (const auto* wrong : {"\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\x80"})
    EXPECT_FALSE(is_utf8(wrong));
}

TEST(Text, SuggestsTheNearestWord) {
  constexpr std::array<std::string_view, 3> words{"address", "transport", "to"};
  EXPECT_EQ(nearest("adress", words), "address");
  EXPECT_EQ(nearest("tarnsport", words), "transport");
  EXPECT_EQ(nearest("xx", words), "");
}

TEST(Text, MendsHalvesOfSurrogatePairs) {
  const std::string high = "\xED\xA0\xBD";
  const std::string low = "\xED\xB8\x80";
  EXPECT_EQ(as_utf8("a" + high + "b"), "a\uFFFDb");
  EXPECT_EQ(as_utf8(low + high), "\uFFFD\uFFFD");
  EXPECT_EQ(as_utf8(high + low), "\U0001F600");
  EXPECT_EQ(as_utf8(high + high + low), "\uFFFD\U0001F600");
  EXPECT_EQ(as_utf8(high.substr(0, 2)), "\uFFFD\uFFFD");
  EXPECT_EQ(as_utf8("\xFFé\xED\x9F\xBF"), "\uFFFDé\uD7FF");
  EXPECT_TRUE(is_wtf8("é" + high + low + low));
  EXPECT_FALSE(is_wtf8(high + "\xFF"));
  EXPECT_FALSE(is_wtf8(high.substr(0, 2)));
  EXPECT_FALSE(is_utf8(high));
  EXPECT_EQ(json_quote("x" + high), "\"x\uFFFD\"");
}

TEST(Text, QuotesJson) { EXPECT_EQ(json_quote("a\"\\\n\x01\xFFé"), "\"a\\\"\\\\\\n\\u0001\xEF\xBF\xBDé\""); }

TEST(PosixFileSystem, WritesReadsAndReplaces) {
  PosixFileSystem files;
  const std::string directory = testing::TempDir() + "capstan_base_test_" + std::to_string(::getpid()) + "/deep";
  ASSERT_TRUE(files.make_directories(directory).has_value());
  const std::string path = directory + "/file";
  ASSERT_TRUE(replace_file(files, path, "one").has_value());
  ASSERT_TRUE(replace_file(files, path, "second").has_value());
  EXPECT_EQ(read_file(files, path).value(), "second");
  EXPECT_EQ(files.list(directory).value(), std::vector<std::string>{"file"});
  auto file = files.open(path, FileSystem::OpenMode::write_existing).value();
  const std::array<std::string_view, 3> pieces{"a", "", "bc"};
  ASSERT_TRUE(file->write_at(6, pieces).has_value());
  EXPECT_EQ(read_file(files, path).value(), "secondabc");
  EXPECT_EQ(files.open(path, FileSystem::OpenMode::create_new).error().code(), ErrorCode::file_exists);
  EXPECT_EQ(files.open(directory + "/none", FileSystem::OpenMode::read).error().code(), ErrorCode::unreadable_file);
  ASSERT_TRUE(files.remove(path).has_value());
  EXPECT_FALSE(files.exists(path).value());
}

class PosixFileSystemNames : public testing::Test {
protected:
  PosixFileSystemNames() { std::filesystem::create_directories(directory + "/real"); }
  ~PosixFileSystemNames() override { std::filesystem::remove_all(directory); }

  std::string directory =
      std::filesystem::canonical(testing::TempDir()).string() + "/capstan_names_" + std::to_string(::getpid());
  PosixFileSystem files;
};

TEST_F(PosixFileSystemNames, AllNamesOfAFileHaveOneIdentity) {
  const std::string path = directory + "/real/file";
  const auto file = files.open(path, FileSystem::OpenMode::append).value();
  std::filesystem::create_symlink("real", directory + "/link");
  std::filesystem::create_symlink(path, directory + "/file_link");
  std::filesystem::create_hard_link(path, directory + "/hard");
  const FileStatus status = file->status().value();
  EXPECT_EQ(status.links, 2U);
  for (const auto* name : {"/real/file", "/link/file", "/file_link", "/hard", "/real/../link/./file"}) {
    const auto found = files.status(directory + name).value();
    ASSERT_TRUE(found) << name;
    EXPECT_EQ(found->identity, status.identity) << name;
  }
  EXPECT_EQ(files.status(directory)->value().kind, FileStatus::Kind::directory);
  EXPECT_EQ(files.status("/dev/null")->value().kind, FileStatus::Kind::other);
  EXPECT_FALSE(files.status(directory + "/none").value());
  EXPECT_FALSE(files.status(path + "/none").value());
}

TEST_F(PosixFileSystemNames, ARealPathIsFoundBeforeTheFileIsThere) {
  std::filesystem::create_symlink("real", directory + "/link");
  std::filesystem::create_symlink("link/file", directory + "/first");
  std::filesystem::create_symlink(directory + "/first", directory + "/second");
  for (const auto* name : {"/real/file", "/link/file", "/link/../real/file", "/first", "/second"}) {
    EXPECT_EQ(files.real_path(directory + name).value(), directory + "/real/file") << name;
  }
  ASSERT_TRUE(replace_file(files, directory + "/real/file", "x"));
  EXPECT_EQ(files.real_path(directory + "/second").value(), directory + "/real/file");
  EXPECT_EQ(files.real_path(directory + "/none/file").value(), directory + "/none/file");
  std::filesystem::create_symlink(directory + "/round", directory + "/round");
  EXPECT_FALSE(files.real_path(directory + "/round"));
}

TEST_F(PosixFileSystemNames, AppendsBehindWhateverIsThere) {
  const std::string path = directory + "/real/file";
  const auto one = files.open(path, FileSystem::OpenMode::append).value();
  const auto other = files.open(path, FileSystem::OpenMode::append).value();
  EXPECT_EQ(one->append("one")->offset, 0U);
  EXPECT_EQ(other->append("other")->offset, 3U);
  const auto appended = one->append("more").value();
  EXPECT_EQ(appended.offset, 8U);
  EXPECT_EQ(appended.size, 4U);
  EXPECT_EQ(read_file(files, path).value(), "oneothermore");
}

TEST_F(PosixFileSystemNames, ALockBelongsToTheFileAndNotToAName) {
  const std::string path = directory + "/real/file";
  auto first = files.open(path, FileSystem::OpenMode::append).value();
  std::filesystem::create_hard_link(path, directory + "/hard");
  const auto second = files.open(directory + "/hard", FileSystem::OpenMode::append).value();
  EXPECT_EQ(first->lock().value(), File::Lock::taken);
  EXPECT_EQ(first->lock().value(), File::Lock::taken);
  EXPECT_EQ(second->lock().value(), File::Lock::is_held);
  EXPECT_EQ(lock_holder(files, second->status()->identity), "another part of this process");
  first.reset();
  EXPECT_EQ(second->lock().value(), File::Lock::taken);
}

TEST_F(PosixFileSystemNames, ANameThatIsTakenIsNotRenamedOver) {
  ASSERT_TRUE(replace_file(files, directory + "/from", "new"));
  ASSERT_TRUE(replace_file(files, directory + "/to", "old"));
  EXPECT_EQ(files.rename_to_new(directory + "/from", directory + "/to").error().code(), ErrorCode::file_exists);
  EXPECT_EQ(read_file(files, directory + "/to").value(), "old");
  EXPECT_TRUE(files.rename_to_new(directory + "/from", directory + "/free"));
  EXPECT_EQ(read_file(files, directory + "/free").value(), "new");
}

}  // namespace
}  // namespace capstan
