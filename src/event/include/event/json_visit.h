// One JSON text read in order, for those who keep a form of their own. simdjson reads it; the visitor is told.
// One JsonVisitor walk at a time per JsonDocument; a JsonDocument is used by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"

namespace capstan {

class JsonVisitor {
public:
  virtual ~JsonVisitor() = default;
  virtual void on_null() = 0;
  virtual void on_boolean(bool value) = 0;
  virtual void on_integer(std::int64_t value) = 0;
  virtual void on_real(double value) = 0;  // with a point or exponent, or beyond 64 bits; infinite beyond a double
  // Unescaped, half a surrogate pair as U+FFFD; valid during the call only.
  virtual void on_string(std::string_view value) = 0;
  virtual void on_array_begin() = 0;
  virtual void on_array_end() = 0;
  virtual void on_object_begin() = 0;
  virtual void on_name(std::string_view name) = 0;
  virtual void on_object_end() = 0;
};

class JsonDocument {
public:
  JsonDocument();
  ~JsonDocument();
  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;
  // The whole text has to be one JSON value (any kind), nested at most json_depth_max deep. broken_record otherwise,
  // and the visitor was told nothing.
  Result<> visit(std::string_view text, JsonVisitor& visitor);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The value of a well-formed JSON number, as on_real() gets it.
double json_real(std::string_view number);

}  // namespace capstan
