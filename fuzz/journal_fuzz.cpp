// A segment file of any bytes, and a good one that was changed: opening and reading must end, in order, without a
// crash.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/log.h"
#include "simulated_disk.h"
#include "store/journal.h"

namespace {

using namespace capstan;

const std::string directory = "/j";
const std::string segment = "/j/00000000000000000000.segment";

void require(bool holds) {
  if (!holds) std::abort();
}

store::JournalOptions small_options() {
  store::JournalOptions options;
  options.reserve = 0_B;
  return options;
}

void write_segment(equipment::SimulatedDisk& disk, std::string_view bytes) {
  require(disk.make_directories(directory).has_value());
  auto file = disk.open(segment, FileSystem::OpenMode::create_or_open);
  require(file && (*file)->write_at(0, bytes) && (*file)->sync() && disk.sync_directory(directory));
}

// Every position read is behind the one before, so reading ends.
void read_all(const store::Journal& journal) {
  store::Position at = journal.report().first;
  while (at < journal.report().durable) {
    const auto slice = journal.read(at, 4_KiB);
    require(slice.has_value());
    require(slice->end > at);
    for (const auto& item : slice->items) require(item.position >= at && item.next > item.position);
    at = slice->end;
  }
  static_cast<void>(journal.position_at(from_epoch_ms(1)).has_value());
}

void open_and_read(equipment::SimulatedDisk& disk) {
  const SystemClock clock;
  {
    const auto reader = store::Journal::open_read_only(disk, clock, directory);
    if (reader) read_all(**reader);
  }
  auto journal = store::Journal::open(disk, clock, directory, small_options());
  if (!journal) return;
  read_all(**journal);
  Batch batch;
  require(batch.add({.feed = "f", .id = "after", .raw = "{}"}).has_value());
  require((*journal)->append(batch, {"after"}) && (*journal)->sync());
  require((*journal)->checkpoint().text == "after");
  read_all(**journal);
}

std::string good_segment() {
  const SystemClock clock;
  equipment::SimulatedDisk disk;
  auto journal = store::Journal::open(disk, clock, directory, small_options());
  require(journal.has_value());
  for (int i = 0; i < 6; ++i) {
    Batch batch;
    const std::string raw(static_cast<std::size_t>(10 + i * 90), 'r');
    for (int r = 0; r <= i; ++r) require(batch.add({.feed = "f", .id = "id", .raw = raw}).has_value());
    require((*journal)->append(batch, {"c"}).has_value());
    if (i % 2 == 0) require((*journal)->sync().has_value());
  }
  require((*journal)->sync().has_value());
  return read_file(disk, segment).value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  log::configure(log::Level::error, log::Format::text);
  const std::string_view input{reinterpret_cast<const char*>(bytes), size};
  {
    equipment::SimulatedDisk disk;
    write_segment(disk, input);
    open_and_read(disk);
  }
  // Triples of the input change a good segment: two bytes say where, one what.
  static const std::string good = good_segment();
  std::string changed = good;
  for (std::size_t i = 0; i + 3 <= input.size() && i < 60; i += 3) {
    const std::size_t at = static_cast<std::size_t>(bytes[i] << 8 | bytes[i + 1]) % (changed.size() + 1);
    if (at == changed.size())
      changed.resize(changed.size() - changed.size() / 4);
    else
      changed[at] = static_cast<char>(bytes[i + 2]);
    if (changed.empty()) break;
  }
  equipment::SimulatedDisk disk;
  write_segment(disk, changed);
  open_and_read(disk);
  return 0;
}
