#include "store/dead_letters.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <cerrno>

#include "base/digest.h"

namespace capstan::store {

namespace {

constexpr int busy_timeout_ms = 5000;

constexpr const char* schema = R"(
pragma journal_mode = wal;
pragma synchronous = full;
create table if not exists dead_letters (
  number integer primary key autoincrement, route text not null, source text not null, position_offset integer not null,
  position_index integer not null, feed text not null, id text not null, code integer not null, sentence text not null,
  raw blob not null, raw_sha256 text not null, raw_size integer not null, time_ms integer not null,
  unique (route, source, position_offset, position_index));
create table if not exists run_history (
  number integer primary key autoincrement, start_ms integer not null, stop_ms integer, version text not null,
  reason text not null default '');
)";

struct CloseDatabase {
  void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

bool file_size_is_limited() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

// SQLite says FULL only of some writes; of its other files it says IOERR or CANTOPEN, and keeps the system's word for
// it apart. A limit on file sizes (EFBIG) is an IOERR whose word is lost. Its shared memory is a file that only grows.
bool disk_is_full(sqlite3* database) {
  const int code = sqlite3_extended_errcode(database);
  const int system = sqlite3_system_errno(database);
  return (code & 0xff) == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE || system == ENOSPC || system == EDQUOT ||
         system == EFBIG || (code == SQLITE_IOERR_WRITE && file_size_is_limited());
}

Error failed(sqlite3* database, std::string_view doing) {
  return {disk_is_full(database) ? ErrorCode::disk_full : ErrorCode::database_failed,
          fmt::format("{}: {}", doing, sqlite3_errmsg(database))};
}

// One prepared statement; values are bound in order.
class Statement {
public:
  static Result<Statement> prepare(sqlite3* database, std::string_view sql) {
    sqlite3_stmt* made = nullptr;
    if (sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &made, nullptr) != SQLITE_OK)
      return failed(database, "preparing a statement");
    return Statement(database, made);
  }
  Statement& operator<<(std::int64_t value) {
    sqlite3_bind_int64(statement_.get(), ++bound_, value);
    return *this;
  }
  Statement& operator<<(std::string_view value) {
    sqlite3_bind_text64(statement_.get(), ++bound_, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    return *this;
  }
  Statement& blob(std::string_view value) {
    sqlite3_bind_blob64(statement_.get(), ++bound_, value.data(), value.size(), SQLITE_TRANSIENT);
    return *this;
  }
  // True when there is a row.
  Result<bool> step() {
    const int outcome = sqlite3_step(statement_.get());
    if (outcome == SQLITE_ROW) return true;
    if (outcome == SQLITE_DONE) return false;
    return failed(database_, "working in the state database");
  }
  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  bool is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }
  std::string text(int column) const {
    const void* bytes = sqlite3_column_blob(statement_.get(), column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return size == 0 ? std::string() : std::string(static_cast<const char*>(bytes), size);
  }

private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  Statement(sqlite3* database, sqlite3_stmt* made) : database_(database), statement_(made) {}

  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bound_ = 0;
};

class SqliteDeadLetters final : public DeadLetters {
public:
  explicit SqliteDeadLetters(Database database) : database_(std::move(database)) {}

  Result<std::int64_t> add(const DeadLetter& letter) override {
    Statement insert = TRY(prepare(
        "insert into dead_letters (route, source, position_offset, position_index, feed, id, code, sentence, raw, "
        "raw_sha256, raw_size, time_ms) values (?,?,?,?,?,?,?,?,?,?,?,?) on conflict do update set code = "
        "excluded.code, "
        "sentence = excluded.sentence, time_ms = excluded.time_ms returning number"));
    insert << letter.route << letter.source << static_cast<std::int64_t>(letter.position.offset)
           << std::int64_t{letter.position.index} << letter.feed << letter.id << static_cast<std::int64_t>(letter.code)
           << letter.sentence;
    insert.blob(std::string_view(letter.raw).substr(0, raw_size_max));
    insert << sha256_hex(letter.raw) << static_cast<std::int64_t>(letter.raw.size()) << epoch_ms(letter.time);
    return last_number(insert);
  }

  Result<std::vector<DeadLetter>> list(std::string_view route, std::size_t count_max) override {
    Statement query =
        TRY(prepare("select number, route, source, position_offset, position_index, feed, id, code, sentence, raw, "
                    "raw_sha256, raw_size, time_ms from dead_letters where ?1 = '' or route = ?1 order by number desc "
                    "limit ?2"));
    query << route << static_cast<std::int64_t>(count_max);
    std::vector<DeadLetter> letters;
    while (TRY(query.step())) {
      DeadLetter letter;
      letter.number = query.integer(0);
      letter.route = query.text(1);
      letter.source = query.text(2);
      letter.position = {static_cast<std::uint64_t>(query.integer(3)), static_cast<std::uint32_t>(query.integer(4))};
      letter.feed = query.text(5);
      letter.id = query.text(6);
      letter.code = static_cast<ErrorCode>(query.integer(7));
      letter.sentence = query.text(8);
      letter.raw = query.text(9);
      letter.raw_sha256 = query.text(10);
      letter.raw_size = static_cast<std::uint64_t>(query.integer(11));
      letter.time = from_epoch_ms(query.integer(12));
      letters.push_back(std::move(letter));
    }
    return letters;
  }

  Result<std::uint64_t> count(std::string_view route) override {
    Statement query = TRY(prepare("select count(*) from dead_letters where ?1 = '' or route = ?1"));
    query << route;
    TRY(query.step());
    return static_cast<std::uint64_t>(query.integer(0));
  }

  Result<> remove(std::int64_t number) override {
    Statement removal = TRY(prepare("delete from dead_letters where number = ?"));
    removal << number;
    TRY(removal.step());
    return {};
  }

  Result<std::int64_t> run_started(Timestamp start, std::string_view version) override {
    Statement insert = TRY(prepare("insert into run_history (start_ms, version) values (?, ?) returning number"));
    insert << epoch_ms(start) << version;
    return last_number(insert);
  }

  Result<> run_stopped(std::int64_t number, Timestamp stop, std::string_view reason) override {
    Statement update = TRY(prepare("update run_history set stop_ms = ?, reason = ? where number = ?"));
    update << epoch_ms(stop) << reason << number;
    TRY(update.step());
    return {};
  }

  Result<std::vector<Run>> runs(std::size_t count_max) override {
    Statement query =
        TRY(prepare("select number, start_ms, stop_ms, version, reason from run_history order by number desc limit ?"));
    query << static_cast<std::int64_t>(count_max);
    std::vector<Run> runs;
    while (TRY(query.step())) {
      Run run;
      run.number = query.integer(0);
      run.start = from_epoch_ms(query.integer(1));
      if (!query.is_null(2)) run.stop = from_epoch_ms(query.integer(2));
      run.version = query.text(3);
      run.reason = query.text(4);
      runs.push_back(std::move(run));
    }
    return runs;
  }

private:
  Result<Statement> prepare(std::string_view sql) { return Statement::prepare(database_.get(), sql); }

  // A statement with "returning" is only finished, and durable, when it was stepped to its end.
  Result<std::int64_t> last_number(Statement& statement) {
    TRY(statement.step());
    const std::int64_t number = statement.integer(0);
    TRY(statement.step());
    return number;
  }

  Database database_;
};

}  // namespace

Result<std::unique_ptr<DeadLetters>> DeadLetters::open(const std::string& path) {
  sqlite3* opened = nullptr;
  const int outcome = sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  Database database(opened);
  const std::string doing = "opening " + path;
  if (outcome != SQLITE_OK) return failed(opened, doing);
  sqlite3_busy_timeout(opened, busy_timeout_ms);
  if (sqlite3_exec(opened, schema, nullptr, nullptr, nullptr) != SQLITE_OK) return failed(opened, doing);
  return std::unique_ptr<DeadLetters>(std::make_unique<SqliteDeadLetters>(std::move(database)));
}

}  // namespace capstan::store
