// Writes one JSON object, member by member.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.h"

namespace capstan::app {

class JsonObject {
public:
  JsonObject& text(std::string_view name, std::string_view value) { return raw(name, json_quote(value)); }
  JsonObject& number(std::string_view name, std::int64_t value) { return raw(name, fmt::to_string(value)); }
  // `json` is one JSON value already.
  JsonObject& raw(std::string_view name, std::string_view json) {
    if (!members_.empty()) members_ += ',';
    members_.append(json_quote(name)).append(1, ':').append(json);
    return *this;
  }
  std::string json() const { return "{" + members_ + "}"; }

private:
  std::string members_;
};

}  // namespace capstan::app
