// The newest record of every id that one source's `subnets` feed has brought: read from the journal once, kept beside
// it from then on, because an inventory says a range once and the journal forgets it after some days.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/file_system.h"
#include "store/journal.h"

namespace capstan::runtime {

class SubnetLog {
public:
  // All records of a source together; a range has about 500 bytes. Beyond it new ones are refused.
  static constexpr Bytes bytes_max = 32_MiB;

  // `path` is the file it is kept in; one that cannot be read costs reading the journal from its beginning, and is
  // logged. `files` outlives the log.
  SubnetLog(FileSystem& files, std::string path, std::string source, std::string tenant);

  const std::string& source() const { return source_; }
  // Goes on from where it got to, through about `bytes` of the journal. table_refused: more ranges than bytes_max;
  // those are passed over, and the others are in.
  Result<> read(const store::Journal& journal, Bytes bytes);
  // Another number when a record has become known or another.
  std::uint64_t version() const { return version_; }
  // Whether an earlier process had written the file.
  bool was_kept() const { return was_kept_; }
  bool is_at_end(const store::Journal& journal) const { return position_ == journal.report().durable; }
  // Lines of JSON, as kql/subnets.h makes them.
  std::string rows() const;

  // Writes the file where it would cost a lot to lose what was read since the last time, or `at_once`.
  enum class When : std::uint8_t { worth_it, at_once };
  Result<> save(When when);

private:
  void load();
  Result<> parse(std::string_view text);
  Result<> take(const RecordView& record);

  FileSystem& files_;
  std::string path_;
  std::string source_;
  std::string tenant_;
  std::map<std::string, std::string, std::less<>> records_;  // id → JSON on one line
  std::uint64_t bytes_ = 0;
  store::Position position_;  // everything before it is in
  store::Position saved_;
  std::uint64_t unsaved_ = 0;  // bytes of the journal that were read since
  bool was_kept_ = false;
  std::uint64_t version_ = 1;
  std::uint64_t saved_version_ = 1;
};

}  // namespace capstan::runtime
