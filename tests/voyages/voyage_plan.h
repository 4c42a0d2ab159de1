// What kind of voyage a seed makes: the configuration, and what befalls it how often.
#pragma once

#include <string>
#include <vector>

#include "dice.h"
#include "harbour.h"
#include "runtime/plan.h"
#include "simulator/simulator_options.h"
#include "store/journal.h"

namespace capstan::voyages {

// Shares per attempt, and how often (per step) something befalls the voyage.
struct Character {
  double network_trouble = 0;
  double unplug = 0;
  double power_cut = 0;
  double kill = 0;
  double restart = 0;
  double disk_error = 0;
  double disk_full = 0;
  double clock_jump = 0;
  double damage = 0;  // per start after an end of whatever kind
  double replay = 0;
  double reload = 0;
  Weather weather;
  Duration storm{};
};

struct RouteTruth {
  std::string route;
  std::string receiver;
  std::vector<std::string> feeds;  // empty: all
};

// What is configured.
struct Itinerary {
  std::string configuration;
  std::string data_dir;
  store::JournalOptions journal;
  runtime::AttemptReserve reserve;
  std::uint64_t payload_max = 0;  // messages
  std::vector<std::string> sources;
  std::vector<RouteTruth> routes;
  // Events may be lost: by drop_oldest, or by damage. Then they are counted.
  bool may_lose() const { return journal.when_full == store::JournalOptions::WhenFull::drop_oldest || is_damaged; }
  bool is_damaged = false;
  // The journal removes what was delivered before a receiver that may lose it has stored it.
  bool is_tight = false;
};

Character roll_character(Dice& dice);
Itinerary roll_itinerary(Dice& dice, const Character& character);
simulator::SimulatorOptions roll_tenant(Dice& dice);

}  // namespace capstan::voyages
