#include "byte_source.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

namespace capstan::app {

namespace {

constexpr std::size_t chunk = 1U << 20;

Error unreadable(const std::string& name, std::string_view why) {
  return {ErrorCode::unreadable_file, fmt::format("reading {}: {}", name, why)};
}

class StreamSource final : public ByteSource {
public:
  explicit StreamSource(std::istream& in) : in_(in) {}
  Result<std::size_t> read(std::span<char> into) override {
    in_.read(into.data(), static_cast<std::streamsize>(into.size()));
    const auto size = static_cast<std::size_t>(in_.gcount());
    if (size == 0 && in_.bad()) return Error(ErrorCode::unreadable_file, "reading an input: it gives no bytes");
    return size;
  }

private:
  std::istream& in_;
};

class FileSource final : public ByteSource {
public:
  FileSource(std::unique_ptr<File> file, std::function<void(std::size_t)> on_read)
      : file_(std::move(file)), on_read_(std::move(on_read)) {}
  Result<std::size_t> read(std::span<char> into) override {
    const std::size_t size = TRY(file_->read_at(at_, into));
    at_ += size;
    if (on_read_) on_read_(size);
    return size;
  }

private:
  std::unique_ptr<File> file_;
  std::function<void(std::size_t)> on_read_;
  std::uint64_t at_ = 0;
};

// What was looked at to tell the packing, then the rest.
class Pushed final : public ByteSource {
public:
  // `failure`: of the rest, met while the front was read.
  Pushed(std::string front, std::unique_ptr<ByteSource> rest, std::optional<Error> failure)
      : front_(std::move(front)), rest_(std::move(rest)), failure_(std::move(failure)) {}
  Result<std::size_t> read(std::span<char> into) override {
    if (at_ == front_.size() && failure_) return *failure_;
    if (at_ == front_.size()) return rest_->read(into);
    const std::size_t size = std::min(into.size(), front_.size() - at_);
    std::memcpy(into.data(), front_.data() + at_, size);
    at_ += size;
    return size;
  }

private:
  std::string front_;
  std::size_t at_ = 0;
  std::unique_ptr<ByteSource> rest_;
  std::optional<Error> failure_;
};

// Packed bytes a chunk at a time.
class Packed {
public:
  Packed(std::unique_ptr<ByteSource> source, std::string name) : source_(std::move(source)), name_(std::move(name)) {}
  // Reads more when all was used; false at the end.
  Result<bool> fill() {
    if (used < size) return true;
    before_ += size;
    used = 0;
    size = TRY(source_->read(bytes));
    return size > 0;
  }
  Error unreadable_here(std::string_view why) const {
    return unreadable(name_, fmt::format("at byte {} of the packed file: {}", before_ + used, why));
  }

  std::vector<char> bytes = std::vector<char>(chunk);
  std::size_t used = 0;
  std::size_t size = 0;

private:
  std::unique_ptr<ByteSource> source_;
  std::string name_;
  std::uint64_t before_ = 0;  // of the chunk
};

class Gunzip final : public ByteSource {
public:
  explicit Gunzip(Packed packed) : packed_(std::move(packed)) {
    constexpr int gzip_window = 15 + 16;
    inflateInit2(&state_, gzip_window);
  }
  ~Gunzip() override { inflateEnd(&state_); }
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  Result<std::size_t> read(std::span<char> into) override {
    std::size_t size = 0;
    while (size == 0) {
      // What came before the damage is given first.
      if (is_damaged_) return packed_.unreadable_here("the gzip stream is damaged");
      if (!TRY(packed_.fill())) {
        if (is_inside_) return packed_.unreadable_here("the gzip stream is cut off");
        return std::size_t{0};
      }
      if (!is_inside_ && !TRY(begins_member())) continue;
      size = inflated(into);
    }
    return size;
  }

private:
  // Whether a member begins here (RFC 1952: several are one text). Zeros that fill up a block are passed over, as
  // gzip(1) does.
  Result<bool> begins_member() {
    if (is_behind_member_ && packed_.bytes[packed_.used] == 0) {
      ++packed_.used;
      return false;
    }
    if (is_behind_member_ && packed_.bytes[packed_.used] != '\x1F')
      return packed_.unreadable_here("expected another gzip member or the end, got something else");
    is_inside_ = true;
    return true;
  }
  std::size_t inflated(std::span<char> into) {
    state_.next_out = reinterpret_cast<Bytef*>(into.data());
    state_.avail_out = static_cast<uInt>(into.size());
    state_.next_in = reinterpret_cast<Bytef*>(packed_.bytes.data() + packed_.used);
    state_.avail_in = static_cast<uInt>(packed_.size - packed_.used);
    const int answer = inflate(&state_, Z_NO_FLUSH);
    packed_.used = packed_.size - state_.avail_in;
    if (answer == Z_STREAM_END) {
      is_inside_ = false;
      is_behind_member_ = true;
      inflateReset(&state_);
    } else {
      is_damaged_ = answer != Z_OK && answer != Z_BUF_ERROR;
    }
    return into.size() - state_.avail_out;
  }

  Packed packed_;
  z_stream state_{};
  bool is_inside_ = false;
  bool is_behind_member_ = false;
  bool is_damaged_ = false;
};

class Unzstd final : public ByteSource {
public:
  explicit Unzstd(Packed packed) : packed_(std::move(packed)), state_(ZSTD_createDCtx(), ZSTD_freeDCtx) {}

  Result<std::size_t> read(std::span<char> into) override {
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    while (out.pos == 0) {
      const bool has_more = TRY(packed_.fill());
      if (!has_more && !is_inside_) return std::size_t{0};
      ZSTD_inBuffer in{packed_.bytes.data(), packed_.size, packed_.used};
      const std::size_t answer = ZSTD_decompressStream(state_.get(), &out, &in);
      packed_.used = in.pos;
      if (ZSTD_isError(answer) != 0)
        return packed_.unreadable_here(fmt::format("the zstd stream is damaged: {}", ZSTD_getErrorName(answer)));
      is_inside_ = answer != 0;
      if (!has_more && out.pos == 0 && is_inside_) return packed_.unreadable_here("the zstd stream is cut off");
    }
    return out.pos;
  }

private:
  Packed packed_;
  std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> state_;
  bool is_inside_ = false;
};

class PipeSource final : public ByteSource {
public:
  PipeSource(std::ifstream in, std::function<void(std::size_t)> on_read)
      : in_(std::move(in)), bytes_(stream_source(in_)), on_read_(std::move(on_read)) {}
  Result<std::size_t> read(std::span<char> into) override {
    const std::size_t size = TRY(bytes_->read(into));
    if (on_read_) on_read_(size);
    return size;
  }

private:
  std::ifstream in_;
  std::unique_ptr<ByteSource> bytes_;
  std::function<void(std::size_t)> on_read_;
};

Result<std::unique_ptr<ByteSource>> pipe_source(const std::string& path, std::function<void(std::size_t)> on_read) {
  if (std::filesystem::is_directory(path))
    return Error(ErrorCode::unreadable_file, fmt::format("opening {}: expected a file, got a directory", path));
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error(ErrorCode::unreadable_file, fmt::format("opening {}: it cannot be read", path));
  return std::unique_ptr<ByteSource>(std::make_unique<PipeSource>(std::move(in), std::move(on_read)));
}

// Packings that other programs read, by their first bytes.
struct OtherPacking {
  std::string_view magic;
  std::string_view name;
  std::string_view program;
};
constexpr OtherPacking other_packings[] = {{"\xFD"
                                            "7zXZ",
                                            "xz", "xz -dc"},
                                           {"BZh", "bzip2", "bzip2 -dc"},
                                           {"PK\x03\x04", "zip", "unzip -p"},
                                           {"\x04\x22\x4D\x18", "lz4", "lz4 -dc"}};

}  // namespace

std::unique_ptr<ByteSource> stream_source(std::istream& in) { return std::make_unique<StreamSource>(in); }

Result<std::unique_ptr<ByteSource>> file_source(FileSystem& files, const std::string& path,
                                                std::function<void(std::size_t)> on_read) {
  // A pipe has no places to read from; it is read in order.
  if (std::error_code failure;
      std::filesystem::exists(path, failure) && !std::filesystem::is_regular_file(path, failure))
    return pipe_source(path, std::move(on_read));
  std::unique_ptr<File> file = TRY(files.open(path, FileSystem::OpenMode::read));
  return std::unique_ptr<ByteSource>(std::make_unique<FileSource>(std::move(file), std::move(on_read)));
}

Front with_front(std::unique_ptr<ByteSource> source, std::size_t size_max) {
  std::string front(size_max, '\0');
  std::size_t size = 0;
  std::optional<Error> failure;
  while (size < front.size() && !failure) {
    const Result<std::size_t> more = source->read(std::span(front).subspan(size));
    if (!more) failure = more.error();
    if (!more || *more == 0) break;
    size += *more;
  }
  front.resize(size);
  auto whole = std::make_unique<Pushed>(front, std::move(source), std::move(failure));
  return Front{std::move(front), std::move(whole)};
}

Result<std::unique_ptr<ByteSource>> unpacked(std::unique_ptr<ByteSource> packed, const std::string& name) {
  constexpr std::string_view gzip_magic = "\x1F\x8B";
  constexpr std::string_view zstd_magic = "\x28\xB5\x2F\xFD";
  constexpr std::string_view zstd_skippable_magic = "\x2A\x4D\x18";  // behind a byte from 0x50 to 0x5F
  constexpr std::size_t magic_size_max = 5;
  Front front = with_front(std::move(packed), magic_size_max);
  const std::string_view bytes = front.bytes;
  const bool is_skippable =
      bytes.size() > 3 && (bytes[0] & 0xF0) == 0x50 && bytes.substr(1).starts_with(zstd_skippable_magic);
  std::unique_ptr<ByteSource> whole = std::move(front.whole);
  if (bytes.starts_with(gzip_magic)) {
    whole = std::make_unique<Gunzip>(Packed(std::move(whole), name));
  } else if (bytes.starts_with(zstd_magic) || is_skippable) {
    whole = std::make_unique<Unzstd>(Packed(std::move(whole), name));
  }
  for (const OtherPacking& other : other_packings)
    if (bytes.starts_with(other.magic))
      return unreadable(name, fmt::format("expected plain text, gzip or zstd, got {}; pipe it through {}", other.name,
                                          other.program));
  return whole;
}

}  // namespace capstan::app
