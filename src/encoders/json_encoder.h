// Writes records as JSON lines. The part behind the configuration: encoders/json.h declares it.
#pragma once

#include "component/encoder.h"

namespace capstan::encoders {

struct JsonOptions {
  bool envelope = false;
};

class JsonEncoder final : public Encoder {
public:
  explicit JsonEncoder(JsonOptions options) : options_(options) {}
  const kql::Wanted* wanted(std::string_view) const override { return nullptr; }
  WantedOrigin origin(std::string_view, const kql::WantedPlace&) const override { return {}; }
  Result<> encode(const Row& row, std::string& out) const override;

private:
  JsonOptions options_;
};

}  // namespace capstan::encoders
