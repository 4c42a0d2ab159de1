// Dead letters in data_dir/state.db. The database wants one thread at a time and several routes add to it.
#pragma once

#include <memory>
#include <mutex>

#include "base/clock.h"
#include "runtime/dead_letter_box.h"
#include "store/dead_letters.h"

namespace capstan::runtime {

class StoredDeadLetters final : public DeadLetterBox {
public:
  StoredDeadLetters(std::unique_ptr<store::DeadLetters> letters, const Clock& clock)
      : letters_(std::move(letters)), clock_(clock) {}

  Result<> add(const UndeliverableRecord& letter) override;
  // Newest first.
  Result<std::vector<store::DeadLetter>> list(std::string_view route, std::size_t count_max);

private:
  std::mutex mutex_;
  std::unique_ptr<store::DeadLetters> letters_;
  const Clock& clock_;
};

}  // namespace capstan::runtime
