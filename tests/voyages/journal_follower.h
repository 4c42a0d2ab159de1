// Follows a journal step by step and keeps what it was told: which record has which number, whatever retention and
// damage do to it afterwards.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "harbour.h"
#include "store/journal.h"

namespace capstan::voyages {

class JournalFollower {
public:
  struct Record {
    std::string feed;
    std::string id;
    std::string raw;
    store::Position position;
    std::uint64_t number = 0;
  };

  // Reads what has become durable since. Counts each record once in `instances`.
  void follow(const store::Journal& journal, Instances& instances);
  // The program was started again. What the journal has lost without knowing it (the newest records, damaged before
  // anybody had written how far it reached) nobody can be asked for.
  void restart(const store::Journal& journal);

  const std::vector<Record>& records() const { return records_; }
  std::uint64_t unknown_losses() const { return unknown_losses_; }

private:
  store::Position at_;
  std::vector<Record> records_;  // by number; those that nobody could read are missing
  std::uint64_t unknown_losses_ = 0;
};

}  // namespace capstan::voyages
