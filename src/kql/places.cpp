#include "kql/places.h"

#include <fmt/format.h>
#include <maxminddb.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <span>

#include "address.h"
#include "base/log.h"
#include "kql/datum.h"

namespace capstan::kql {

namespace {

// What tells one file at a path from the next.
struct FileMark {
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;
  bool operator==(const FileMark&) const = default;
};

Result<FileMark> mark_of(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0)
    return Error(ErrorCode::unreadable_file,
                 fmt::format("opening the database of places {}: {}", path, std::strerror(errno)));
  return FileMark{found.st_ino, found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec};
}

using Address = std::array<std::uint8_t, 16>;

class Database {
public:
  static Result<std::shared_ptr<const Database>> open(const std::string& path, const FileMark& mark) {
    auto database = std::make_shared<Database>();
    database->mark = mark;
    const int status = MMDB_open(path.c_str(), MMDB_MODE_MMAP, &database->mmdb_);
    if (status != MMDB_SUCCESS)
      return Error(ErrorCode::unreadable_file,
                   fmt::format("opening the database of places {}: expected a MaxMind DB file: {}", path,
                               MMDB_strerror(status)));
    database->is_open_ = true;
    return database;
  }
  Database() = default;
  ~Database() {
    if (is_open_) MMDB_close(&mmdb_);
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  std::optional<Place> find(const Address& address) const {
    const MMDB_lookup_result_s found = look_up(address);
    if (!found.found_entry) return std::nullopt;
    Place place;
    place.continent = text(found.entry, {"continent", "names", "en", nullptr});
    place.country = text(found.entry, {"country", "names", "en", nullptr});
    place.state = text(found.entry, {"subdivisions", "0", "names", "en", nullptr});
    place.city = text(found.entry, {"city", "names", "en", nullptr});
    place.latitude = number(found.entry, {"location", "latitude", nullptr});
    place.longitude = number(found.entry, {"location", "longitude", nullptr});
    return place;
  }

  FileMark mark;

private:
  // Not every database has its IPv4 networks at ::ffff:0:0/96 too, so they are asked for as what they are.
  MMDB_lookup_result_s look_up(const Address& address) const {
    constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    int status = MMDB_SUCCESS;
    MMDB_lookup_result_s found{};
    if (std::ranges::equal(std::span(address).first(mapped.size()), mapped)) {
      sockaddr_in wanted{};
      wanted.sin_family = AF_INET;
      std::memcpy(&wanted.sin_addr, address.data() + mapped.size(), sizeof wanted.sin_addr);
      found = MMDB_lookup_sockaddr(&mmdb_, reinterpret_cast<const sockaddr*>(&wanted), &status);
    } else {
      sockaddr_in6 wanted{};
      wanted.sin6_family = AF_INET6;
      std::memcpy(&wanted.sin6_addr, address.data(), address.size());
      found = MMDB_lookup_sockaddr(&mmdb_, reinterpret_cast<const sockaddr*>(&wanted), &status);
    }
    if (status != MMDB_SUCCESS) found.found_entry = false;
    return found;
  }

  static std::optional<MMDB_entry_data_s> value(MMDB_entry_s entry, std::initializer_list<const char*> path) {
    MMDB_entry_data_s data{};
    if (MMDB_aget_value(&entry, &data, path.begin()) != MMDB_SUCCESS || !data.has_data) return std::nullopt;
    return data;
  }
  static std::string_view text(MMDB_entry_s entry, std::initializer_list<const char*> path) {
    const auto data = value(entry, path);
    if (!data || data->type != MMDB_DATA_TYPE_UTF8_STRING) return {};
    return {data->utf8_string, data->data_size};
  }
  static std::optional<double> number(MMDB_entry_s entry, std::initializer_list<const char*> path) {
    const auto data = value(entry, path);
    if (data && data->type == MMDB_DATA_TYPE_DOUBLE) return data->double_value;
    if (data && data->type == MMDB_DATA_TYPE_FLOAT) return static_cast<double>(data->float_value);
    return std::nullopt;
  }

  MMDB_s mmdb_{};
  bool is_open_ = false;
};

using DatabasePtr = std::shared_ptr<const Database>;

std::int64_t ticks_of(Duration duration) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count() / 100;
}

}  // namespace

struct Places::Impl {
  Impl(std::string at, Duration reload, DatabasePtr first)
      : path(std::move(at)), reload_ticks(ticks_of(reload)), database(std::move(first)) {}

  // Whoever comes first when it is time again looks; the others go on with what there is.
  void look_again(std::int64_t now) {
    std::int64_t due = next_look.load();
    if (now < due || !next_look.compare_exchange_strong(due, now + reload_ticks) || due == 0) return;
    const auto mark = mark_of(path);
    if (mark.has_value() && *mark == database.load()->mark) return;
    auto fresh = mark.has_value() ? Database::open(path, *mark) : Result<DatabasePtr>(std::unexpected(mark.error()));
    if (!fresh.has_value()) return log::repeating(path, fresh.error());
    database.store(std::move(*fresh));
    log::info("reloaded the database of places", {{"path", path}});
  }

  const std::string path;
  const std::int64_t reload_ticks;
  std::atomic<DatabasePtr> database;
  std::atomic<std::int64_t> next_look = 0;  // ticks; 0: not asked yet
};

Places::Places(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Places::~Places() = default;

Result<std::shared_ptr<const Places>> Places::open(std::string path, Duration reload) {
  const FileMark mark = TRY(mark_of(path));
  DatabasePtr database = TRY(Database::open(path, mark));
  auto impl = std::make_unique<Impl>(std::move(path), reload, std::move(database));
  return std::shared_ptr<const Places>(new Places(std::move(impl)));
}

void Places::find(std::string_view address, std::int64_t now, const std::function<void(const Place&)>& use) const {
  impl_->look_again(now);
  const DatabasePtr database = impl_->database.load();
  if (address.contains('/')) return;        // a network is not at one place
  const auto parsed = parse_ipv6(address);  // an IPv4 address becomes ::ffff:a.b.c.d
  if (!parsed) return;
  if (const auto place = database->find(parsed->bytes)) use(*place);
}

}  // namespace capstan::kql
