#include "query_input.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

#include "event/record.h"

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
    return static_cast<std::size_t>(in_.gcount());
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
  Pushed(std::string front, std::unique_ptr<ByteSource> rest) : front_(std::move(front)), rest_(std::move(rest)) {}
  Result<std::size_t> read(std::span<char> into) override {
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
};

// Packed bytes a chunk at a time.
class Packed {
public:
  Packed(std::unique_ptr<ByteSource> source, std::string name) : source_(std::move(source)), name_(std::move(name)) {}
  // Reads more when all was used; false at the end.
  Result<bool> fill() {
    if (used < size) return true;
    used = 0;
    size = TRY(source_->read(bytes));
    return size > 0;
  }
  const std::string& name() const { return name_; }

  std::vector<char> bytes = std::vector<char>(chunk);
  std::size_t used = 0;
  std::size_t size = 0;

private:
  std::unique_ptr<ByteSource> source_;
  std::string name_;
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
    state_.next_out = reinterpret_cast<Bytef*>(into.data());
    state_.avail_out = static_cast<uInt>(into.size());
    while (state_.avail_out == into.size()) {
      if (!TRY(packed_.fill())) {
        if (is_inside_) return unreadable(packed_.name(), "the gzip stream is cut off");
        return std::size_t{0};
      }
      state_.next_in = reinterpret_cast<Bytef*>(packed_.bytes.data() + packed_.used);
      state_.avail_in = static_cast<uInt>(packed_.size - packed_.used);
      const int answer = inflate(&state_, Z_NO_FLUSH);
      packed_.used = packed_.size - state_.avail_in;
      is_inside_ = answer != Z_STREAM_END;
      // Several members one after another are one text (RFC 1952).
      if (answer == Z_STREAM_END) inflateReset(&state_);
      if (answer != Z_OK && answer != Z_STREAM_END && answer != Z_BUF_ERROR)
        return unreadable(packed_.name(), "the gzip stream is damaged");
    }
    return into.size() - state_.avail_out;
  }

private:
  Packed packed_;
  z_stream state_{};
  bool is_inside_ = false;
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
        return unreadable(packed_.name(), fmt::format("the zstd stream is damaged: {}", ZSTD_getErrorName(answer)));
      is_inside_ = answer != 0;
      if (!has_more && out.pos == 0 && is_inside_) return unreadable(packed_.name(), "the zstd stream is cut off");
    }
    return out.pos;
  }

private:
  Packed packed_;
  std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> state_;
  bool is_inside_ = false;
};

// The bytes that have been read and not been given yet, with padding behind them.
class Window {
public:
  std::string_view text() const { return {bytes_.data() + begin_, end_ - begin_}; }
  void take(std::size_t size) { begin_ += size; }
  // Reads on; false at the end.
  Result<bool> grow(ByteSource& source) {
    if (begin_ > 0) {
      std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (bytes_.size() < end_ + chunk + raw_padding)
      bytes_.resize(std::max(2 * bytes_.size(), end_ + chunk + raw_padding));
    const std::size_t size = TRY(source.read(std::span(bytes_).subspan(end_, bytes_.size() - end_ - raw_padding)));
    end_ += size;
    return size > 0;
  }

private:
  std::vector<char> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// How far the item of an array reaches: brackets and strings are followed. Goes on where it stopped when more is there.
class ItemScan {
public:
  // Where the item ends, behind its last bracket; nothing when it does not end in `text`.
  std::optional<std::size_t> end(std::string_view text) {
    for (; at_ < text.size(); ++at_) {
      const char c = text[at_];
      if (is_in_string_) {
        if (c == '\\') {
          ++at_;
        } else if (c == '"') {
          is_in_string_ = false;
        }
        continue;
      }
      if (c == '"') is_in_string_ = true;
      if (c == '{' || c == '[') ++depth_;
      if (depth_ == 0 && (c == ',' || c == ']')) return at_;
      if (c == '}' || c == ']') --depth_;
    }
    return std::nullopt;
  }

private:
  std::size_t at_ = 0;
  int depth_ = 0;
  bool is_in_string_ = false;
};

using Each = std::function<bool(std::string_view, std::size_t)>;

Result<> too_long(const std::string& name, std::size_t number) {
  return unreadable(name, fmt::format("record {} is longer than {} bytes", number, record_size_max));
}

// Calls `each` with every line as it stands, without its end, and its number.
Result<> each_line(ByteSource& source, Window& window, const std::string& name, const Each& each) {
  std::size_t number = 0;
  std::size_t searched = 0;
  for (;;) {
    const std::string_view text = window.text();
    const std::size_t line_end = text.find('\n', searched);
    if (line_end != std::string_view::npos) {
      if (!each(text.substr(0, line_end), ++number)) return {};
      window.take(line_end + 1);
      searched = 0;
      continue;
    }
    searched = text.size();
    if (searched > record_size_max) return too_long(name, number + 1);
    if (TRY(window.grow(source))) continue;
    if (!window.text().empty()) each(window.text(), ++number);
    return {};
  }
}

// Blank lines are no records, and not counted.
Result<> each_json_line(ByteSource& source, Window& window, const std::string& name, const Each& each) {
  std::size_t number = 0;
  return each_line(source, window, name, [&](std::string_view line, std::size_t) {
    const std::string_view record = trimmed(line);
    return record.empty() || each(record, ++number);
  });
}

Result<Window> opened(ByteSource& source) {
  Window window;
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  while (window.text().size() <= mark.size() && TRY(window.grow(source))) {
  }
  if (window.text().starts_with(mark)) window.take(mark.size());
  return window;
}

Result<> each_item(ByteSource& source, Window& window, const std::string& name, const Each& each) {
  std::size_t number = 0;
  ItemScan scan;
  for (;;) {
    const std::string_view text = window.text();
    const auto end = scan.end(text);
    if (!end) {
      if (text.size() > record_size_max) return too_long(name, number + 1);
      if (!TRY(window.grow(source))) return unreadable(name, "the array is not closed");
      continue;
    }
    const std::string_view item = trimmed(text.substr(0, *end));
    const bool is_last = text[*end] == ']';
    if (!item.empty() && !each(item, ++number)) return {};
    window.take(*end + 1);
    if (is_last) return {};
    scan = {};
  }
}

}  // namespace

std::unique_ptr<ByteSource> stream_source(std::istream& in) { return std::make_unique<StreamSource>(in); }

namespace {

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

}  // namespace

Result<std::unique_ptr<ByteSource>> file_source(FileSystem& files, const std::string& path,
                                                std::function<void(std::size_t)> on_read) {
  // A pipe has no places to read from; it is read in order.
  if (std::error_code failure;
      std::filesystem::exists(path, failure) && !std::filesystem::is_regular_file(path, failure))
    return pipe_source(path, std::move(on_read));
  std::unique_ptr<File> file = TRY(files.open(path, FileSystem::OpenMode::read));
  return std::unique_ptr<ByteSource>(std::make_unique<FileSource>(std::move(file), std::move(on_read)));
}

Result<Front> with_front(std::unique_ptr<ByteSource> source, std::size_t size_max) {
  std::string front(size_max, '\0');
  std::size_t size = 0;
  while (size < front.size()) {
    const std::size_t more = TRY(source->read(std::span(front).subspan(size)));
    if (more == 0) break;
    size += more;
  }
  front.resize(size);
  auto whole = std::make_unique<Pushed>(front, std::move(source));
  return Front{std::move(front), std::move(whole)};
}

Result<std::unique_ptr<ByteSource>> unpacked(std::unique_ptr<ByteSource> packed, const std::string& name) {
  constexpr std::string_view gzip_magic = "\x1F\x8B";
  constexpr std::string_view zstd_magic = "\x28\xB5\x2F\xFD";
  Front front = TRY(with_front(std::move(packed), zstd_magic.size()));
  const bool is_gzip = front.bytes.starts_with(gzip_magic);
  const bool is_zstd = front.bytes.starts_with(zstd_magic);
  std::unique_ptr<ByteSource> whole = std::move(front.whole);
  if (is_gzip)
    whole = std::make_unique<Gunzip>(Packed(std::move(whole), name));
  else if (is_zstd)
    whole = std::make_unique<Unzstd>(Packed(std::move(whole), name));
  return whole;
}

Result<> each_record(ByteSource& source, const std::string& name, const Each& each) {
  Window window = TRY(opened(source));
  while (trimmed(window.text()).empty())
    if (!TRY(window.grow(source))) return {};
  const std::string_view text = window.text();
  const std::string_view from_bracket = trimmed(text);
  if (!from_bracket.starts_with('[')) return each_json_line(source, window, name, each);
  window.take(static_cast<std::size_t>(from_bracket.data() - text.data()) + 1);
  return each_item(source, window, name, each);
}

Result<> each_text_line(ByteSource& source, const std::string& name, const Each& each) {
  Window window = TRY(opened(source));
  return each_line(source, window, name, [&](std::string_view line, std::size_t number) {
    while (line.ends_with('\r')) line.remove_suffix(1);
    return trimmed(line).empty() || each(line, number);
  });
}

Result<> each_json_line(ByteSource& source, const std::string& name, const Each& each) {
  Window window = TRY(opened(source));
  return each_json_line(source, window, name, each);
}

}  // namespace capstan::app
