#include "compression.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

namespace capstan::sinks {
namespace {

constexpr std::size_t chunk_size = 128U << 10;
// Levels that keep up with a disk: higher ones save a few percent of the size for several times the work.
constexpr int gzip_level = 4;
constexpr int zstd_level = 3;
// zlib: the largest window, and 16 more for a gzip header.
constexpr int gzip_window_bits = 15 + 16;

// A packer takes a piece and appends what it has ready to `out`; the last piece says so.
class Packer {
public:
  virtual ~Packer() = default;
  virtual bool pack(std::string_view piece, bool is_last, std::string& out) = 0;
};

class GzipPacker final : public Packer {
public:
  GzipPacker() {
    is_ready_ = deflateInit2(&stream_, gzip_level, Z_DEFLATED, gzip_window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK;
  }
  GzipPacker(const GzipPacker&) = delete;
  GzipPacker& operator=(const GzipPacker&) = delete;
  ~GzipPacker() override {
    if (is_ready_) deflateEnd(&stream_);
  }

  bool pack(std::string_view piece, bool is_last, std::string& out) override {
    if (!is_ready_) return false;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream_.avail_in = static_cast<uInt>(piece.size());
    do {
      const std::size_t size = out.size();
      out.resize(size + chunk_size);
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + size);
      stream_.avail_out = chunk_size;
      if (deflate(&stream_, is_last ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR) return false;
      out.resize(size + chunk_size - stream_.avail_out);
    } while (stream_.avail_out == 0);
    return true;
  }

private:
  z_stream stream_{};
  bool is_ready_ = false;
};

struct FreeZstd {
  void operator()(ZSTD_CStream* stream) const { ZSTD_freeCStream(stream); }
  void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

class ZstdPacker final : public Packer {
public:
  ZstdPacker() {
    ZSTD_CCtx_setParameter(stream_.get(), ZSTD_c_compressionLevel, zstd_level);
    ZSTD_CCtx_setParameter(stream_.get(), ZSTD_c_checksumFlag, 1);
  }

  bool pack(std::string_view piece, bool is_last, std::string& out) override {
    ZSTD_inBuffer in{piece.data(), piece.size(), 0};
    for (;;) {
      const std::size_t size = out.size();
      out.resize(size + chunk_size);
      ZSTD_outBuffer packed{out.data() + size, chunk_size, 0};
      const std::size_t left =
          ZSTD_compressStream2(stream_.get(), &packed, &in, is_last ? ZSTD_e_end : ZSTD_e_continue);
      out.resize(size + packed.pos);
      if (ZSTD_isError(left) != 0) return false;
      if (is_last ? left == 0 : in.pos == in.size) return true;
    }
  }

private:
  std::unique_ptr<ZSTD_CStream, FreeZstd> stream_{ZSTD_createCStream()};
};

class PlainReader final : public UnpackedReader {
public:
  explicit PlainReader(std::unique_ptr<File> file) : file_(std::move(file)) {}

  Result<std::size_t> read(std::span<char> into) override {
    const std::size_t size = TRY(file_->read_at(offset_, into));
    offset_ += size;
    return size;
  }

private:
  std::unique_ptr<File> file_;
  std::uint64_t offset_ = 0;
};

// What both unpackers share: packed bytes in, and an end that must be the packer's own.
class PackedReader : public UnpackedReader {
public:
  PackedReader(std::unique_ptr<File> file, std::string path) : packed_(std::move(file)), path_(std::move(path)) {
    buffer_.resize(chunk_size);
  }

  Result<std::size_t> read(std::span<char> into) override {
    while (!has_ended_) {
      if (ready_.empty()) ready_ = std::string_view(buffer_).substr(0, TRY(packed_.read(buffer_)));
      const bool is_at_end = ready_.empty();
      const auto unpacked = unpack(ready_, into);
      if (!unpacked) return damaged();
      if (*unpacked > 0) return *unpacked;
      if (is_at_end && !has_ended_) return damaged();
    }
    return std::size_t{0};
  }

protected:
  // Takes from the front of `ready`, gives into `into`; sets has_ended_ behind the last byte. Nothing: damaged.
  virtual std::optional<std::size_t> unpack(std::string_view& ready, std::span<char> into) = 0;
  bool has_ended_ = false;

private:
  Error damaged() const {
    return {ErrorCode::disk_failed, fmt::format("reading {}: the packed content is damaged", path_)};
  }

  PlainReader packed_;
  std::string path_;
  std::string buffer_;
  std::string_view ready_;
};

class GzipReader final : public PackedReader {
public:
  GzipReader(std::unique_ptr<File> file, std::string path) : PackedReader(std::move(file), std::move(path)) {
    is_ready_ = inflateInit2(&stream_, gzip_window_bits) == Z_OK;
  }
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;
  ~GzipReader() override {
    if (is_ready_) inflateEnd(&stream_);
  }

private:
  std::optional<std::size_t> unpack(std::string_view& ready, std::span<char> into) override {
    if (!is_ready_) return std::nullopt;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(ready.data()));
    stream_.avail_in = static_cast<uInt>(ready.size());
    stream_.next_out = reinterpret_cast<Bytef*>(into.data());
    stream_.avail_out = static_cast<uInt>(into.size());
    const int outcome = inflate(&stream_, Z_NO_FLUSH);
    if (outcome != Z_OK && outcome != Z_STREAM_END && outcome != Z_BUF_ERROR) return std::nullopt;
    ready.remove_prefix(ready.size() - stream_.avail_in);
    has_ended_ = outcome == Z_STREAM_END;
    return into.size() - stream_.avail_out;
  }

  z_stream stream_{};
  bool is_ready_ = false;
};

class ZstdReader final : public PackedReader {
public:
  using PackedReader::PackedReader;

private:
  std::optional<std::size_t> unpack(std::string_view& ready, std::span<char> into) override {
    ZSTD_inBuffer in{ready.data(), ready.size(), 0};
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    const std::size_t left = ZSTD_decompressStream(stream_.get(), &out, &in);
    if (ZSTD_isError(left) != 0) return std::nullopt;
    ready.remove_prefix(in.pos);
    has_ended_ = left == 0;
    return out.pos;
  }

  std::unique_ptr<ZSTD_DStream, FreeZstd> stream_{ZSTD_createDStream()};
};

std::unique_ptr<Packer> make_packer(Compression compression) {
  if (compression == Compression::gzip) return std::make_unique<GzipPacker>();
  return std::make_unique<ZstdPacker>();
}

}  // namespace

std::string_view suffix(Compression compression) {
  switch (compression) {
    case Compression::none:
      break;
    case Compression::gzip:
      return ".gz";
    case Compression::zstd:
      return ".zst";
  }
  return "";
}

Result<std::uint64_t> pack(FileSystem& files, const std::string& from, const std::string& to, Compression compression,
                           std::stop_token stop) {
  PlainReader source(TRY(files.open(from, FileSystem::OpenMode::read)));
  const auto target = TRY(files.open(to, FileSystem::OpenMode::create_or_open));
  TRY(target->truncate(0));
  const auto packer = make_packer(compression);
  std::string piece(chunk_size, '\0');
  std::string packed;
  std::uint64_t offset = 0;
  std::uint64_t taken = 0;
  for (bool is_last = false; !is_last;) {
    if (stop.stop_requested()) return Error(ErrorCode::interrupted, fmt::format("packing {}: stopped", from));
    const std::size_t size = TRY(source.read(piece));
    taken += size;
    is_last = size == 0;
    packed.clear();
    if (!packer->pack(std::string_view(piece).substr(0, size), is_last, packed))
      return Error(ErrorCode::internal, fmt::format("packing {}: the library refused", from));
    TRY(target->write_at(offset, packed));
    offset += packed.size();
  }
  TRY(target->sync());
  return taken;
}

Result<std::unique_ptr<UnpackedReader>> open_unpacked(FileSystem& files, const std::string& path,
                                                      Compression compression) {
  auto file = TRY(files.open(path, FileSystem::OpenMode::read));
  std::unique_ptr<UnpackedReader> reader;
  switch (compression) {
    case Compression::none:
      reader = std::make_unique<PlainReader>(std::move(file));
      break;
    case Compression::gzip:
      reader = std::make_unique<GzipReader>(std::move(file), path);
      break;
    case Compression::zstd:
      reader = std::make_unique<ZstdReader>(std::move(file), path);
      break;
  }
  return reader;
}

}  // namespace capstan::sinks
