// The stdout sink's class, for its declaration and its tests.
#pragma once

#include <string>

#include "component/sink.h"

namespace capstan::sinks {

class StdoutSink final : public Sink {
public:
  // Writes to an open descriptor that stays the caller's.
  explicit StdoutSink(int descriptor) : descriptor_(descriptor) {}

  Result<> resume(std::string_view receipt) override;
  Result<Delivery> deliver(const Payload& payload, const Call& call) override;
  Proof proof() const override { return Proof::acknowledged_by_kernel; }
  Result<> probe(const Call& call) override;
  void close() override {}

private:
  int descriptor_;
  std::string lines_;
  std::string unfinished_id_;  // of the payload that was broken off
  std::size_t written_ = 0;    // of its bytes
};

}  // namespace capstan::sinks
