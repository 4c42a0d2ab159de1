#include "base/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <mutex>
#include <ostream>
#include <sstream>
#include <thread>

#include "base/clock.h"
#include "base/log_output.h"
#include "base/text.h"

namespace capstan::log {

namespace {

std::atomic<Format> chosen_format = Format::text;
std::atomic<Level> chosen_level = Level::info;

// Never destroyed: a thread that is left behind at the end may still log.
Output& output() {
  static auto* const instance = new Output(STDERR_FILENO);
  return *instance;
}

// Collects until it is flushed.
class LogBuffer final : public std::stringbuf {
public:
  int sync() override {
    if (!view().empty()) output().write(view());
    str({});
    return 0;
  }
};

std::string_view name(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
  }
  return "error";
}

bool needs_quotes(std::string_view value) {
  return value.empty() || value.find_first_of(" \"=\n\r\t") != std::string_view::npos;
}

std::string as_text(Level level, std::string_view message, std::initializer_list<Field> fields) {
  std::string line = fmt::format("{} {:<7} {}", to_iso8601(SystemClock{}.now()), name(level), message);
  for (const Field& field : fields)
    line += fmt::format(" {}={}", field.name, needs_quotes(field.value) ? json_quote(field.value) : field.value);
  return line;
}

std::string as_json(Level level, std::string_view message, std::initializer_list<Field> fields) {
  std::string line = fmt::format(R"({{"time":"{}","level":"{}","message":{})", to_iso8601(SystemClock{}.now()),
                                 name(level), json_quote(message));
  for (const Field& field : fields)
    line += fmt::format(",{}:{}", json_quote(field.name), field.is_number ? field.value : json_quote(field.value));
  return line + "}";
}

std::string as_line(Level level, std::string_view message, std::initializer_list<Field> fields) {
  return (chosen_format.load() == Format::json ? as_json(level, message, fields) : as_text(level, message, fields)) +
         "\n";
}

constexpr std::chrono::milliseconds flush_looked_every{10};

// The errors of the last minute by key. Bounded: the keys are names of configured parts.
struct Repetitions {
  struct Entry {
    MonotonicTime last_logged{};
    std::uint64_t held_back = 0;
  };
  std::mutex mutex;
  std::map<std::string, Entry, std::less<>> by_key;
};
Repetitions& repetitions() {
  static Repetitions instance;
  return instance;
}
constexpr auto repeat_after = std::chrono::minutes(1);

}  // namespace

void configure(Level level, Format format) {
  chosen_level = level;
  chosen_format = format;
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (level < chosen_level.load()) return;
  output().write(as_line(level, message, fields));
  flush();
}

void flush(Duration span) {
  const MonotonicTime end = SystemClock{}.monotonic() + span;
  for (;;) {
    if (output().flush()) {
      const std::uint64_t dropped = output().take_dropped();
      if (dropped == 0) return;
      output().write(as_line(Level::warning, "log lines were dropped: nobody read the log", {{"lines", dropped}}));
    }
    if (SystemClock{}.monotonic() >= end) return;
    std::this_thread::sleep_for(flush_looked_every);
  }
}

std::ostream& stream() {
  static auto* const instance = [] {
    auto* const made = new std::ostream(new LogBuffer);
    made->setf(std::ios::unitbuf);
    return made;
  }();
  return *instance;
}

void repeating(std::string_view key, const Error& error) {
  std::uint64_t held_back = 0;
  {
    Repetitions& all = repetitions();
    const std::lock_guard lock(all.mutex);
    Repetitions::Entry& entry = all.by_key[std::string(key) + label(error.code())];
    const MonotonicTime now = SystemClock{}.monotonic();
    if (entry.last_logged != MonotonicTime{} && now - entry.last_logged < repeat_after) {
      ++entry.held_back;
      return;
    }
    entry.last_logged = now;
    held_back = std::exchange(entry.held_back, 0);
  }
  const Level level = error.error_class() == ErrorClass::retry ? Level::warning : Level::error;
  if (held_back == 0) return write(level, error.text(), {{"at", key}});
  write(level, error.text(), {{"at", key}, {"repeated", held_back}});
}

}  // namespace capstan::log
