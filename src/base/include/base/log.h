// Structured log: a message and named values, as text or one JSON object a line, to standard error.
// Secrets cannot get in: a value is text, a number or an Error, and Secret is none of these. Any thread may call.
// Nobody waits for the log: a pipe that is full and never read costs lines, which are counted and told when it is read
// again (base/log_output.h).
// A repeated error is logged once a minute with a count; `repeating` does the counting.
#pragma once

#include <initializer_list>
#include <iosfwd>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace capstan::log {

enum class Level { debug, info, warning, error };
enum class Format { text, json };

struct Field {
  std::string_view name;
  std::string value;
  bool is_number = false;

  Field(std::string_view n, std::string_view v) : name(n), value(v) {}
  Field(std::string_view n, const char* v) : name(n), value(v) {}
  Field(std::string_view n, const std::string& v) : name(n), value(v) {}
  template <class N>
    requires std::is_arithmetic_v<N>
  Field(std::string_view n, N v) : name(n), value(std::to_string(v)), is_number(true) {}
};

// Called once at start, before any thread logs. Before it: text, info and above.
void configure(Level level, Format format);
void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});
// Writes what could not be written before. At the end of the program: waits for a slow reader, no longer than `span`.
void flush(Duration span = Duration::zero());
// For text that is no log line and goes the same way: whole lines, each written as it comes. For one thread at a time.
std::ostream& stream();

inline void debug(std::string_view m, std::initializer_list<Field> f = {}) { write(Level::debug, m, f); }
inline void info(std::string_view m, std::initializer_list<Field> f = {}) { write(Level::info, m, f); }
inline void warning(std::string_view m, std::initializer_list<Field> f = {}) { write(Level::warning, m, f); }
inline void error(std::string_view m, std::initializer_list<Field> f = {}) { write(Level::error, m, f); }
// Logs an error's text at warning (retry) or error (the rest); the same key again within a minute is only counted.
void repeating(std::string_view key, const Error& error);

}  // namespace capstan::log
