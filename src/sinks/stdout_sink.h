// The stdout sink's class, for its declaration and its tests.
#pragma once

#include <memory>
#include <string>

#include "component/sink.h"
#include "stdout_turn.h"

namespace capstan::sinks {

class StdoutSink final : public Sink {
public:
  // Writes to an open descriptor that stays the caller's. `turn` is shared with all who write there.
  StdoutSink(int descriptor, std::shared_ptr<StdoutTurn> turn) : descriptor_(descriptor), turn_(std::move(turn)) {}
  ~StdoutSink() override { close(); }

  Result<> resume(std::string_view receipt) override;
  Result<Delivery> deliver(const Payload& payload, const Call& call) override;
  Proof proof() const override { return Proof::acknowledged_by_kernel; }
  Result<> probe(const Call& call) override;
  void close() override;

private:
  bool is_within_line() const { return written_ > 0 && written_ < lines_.size() && lines_[written_ - 1] != '\n'; }

  int descriptor_;
  std::shared_ptr<StdoutTurn> turn_;
  std::string lines_;
  std::string unfinished_id_;  // of the payload that was broken off
  std::size_t written_ = 0;    // of its bytes
};

}  // namespace capstan::sinks
