#include "stored_dead_letters.h"

namespace capstan::runtime {

Result<> StoredDeadLetters::add(const UndeliverableRecord& letter) {
  store::DeadLetter stored;
  stored.route = letter.route;
  stored.source = letter.source;
  stored.position = letter.position;
  stored.feed = letter.record.feed;
  stored.id = letter.record.id;
  stored.code = letter.error.code();
  stored.sentence = letter.error.sentence();
  stored.raw = letter.record.raw;
  stored.time = clock_.now();
  const std::lock_guard lock(mutex_);
  TRY(letters_->add(stored));
  return {};
}

Result<std::vector<store::DeadLetter>> StoredDeadLetters::list(std::string_view route, std::size_t count_max) {
  const std::lock_guard lock(mutex_);
  return letters_->list(route, count_max);
}

}  // namespace capstan::runtime
