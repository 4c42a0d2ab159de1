// Where a voyage ends: receivers that outlive every crash of the program, and the sinks, encoder and dead letter box
// that lead there.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "component/registry.h"
#include "dice.h"
#include "runtime/dead_letter_box.h"
#include "simulated_time.h"

namespace capstan::voyages {

// What a receiver was sent, message by message, in order.
struct Arrival {
  std::string feed;
  std::string id;
  std::string raw;
  std::uint64_t boot = 0;     // which start of the program sent it
  bool is_confirmed = false;  // the program was told that it arrived
};
// Two records with one key say the same of the same thing.
std::uint64_t key_of(std::string_view feed, std::string_view id, std::string_view raw);

// How often a record was journaled: by key.
using Instances = std::unordered_map<std::uint64_t, std::uint64_t>;

class Receiver {
public:
  const std::vector<Arrival>& arrivals() const { return arrivals_; }
  // Messages more than there are records of that kind.
  std::uint64_t doubles(const Instances& instances) const;
  std::uint64_t times(std::uint64_t key) const;
  // It has lost something that it had confirmed: it counts no doubles any more that could be compared.
  bool has_forgotten() const { return has_forgotten_; }
  // The program sent for another reason than that it did not know better (a replay, another connection, a successor).
  bool is_disturbed = false;
  bool is_inexact = false;  // something that was counted before it was sent has not been sent
  // How many of the newest arrivals it loses if it dies before that moment.
  std::size_t may_forget = 0;
  MonotonicTime may_forget_until{};

  void take(Arrival arrival);
  void forget(std::size_t newest);

private:
  std::vector<Arrival> arrivals_;
  Instances by_key_;
  bool has_forgotten_ = false;
};

// How destinations behave at the moment.
struct Weather {
  double dead = 0;             // share of attempts that find nobody
  double lost_answer = 0;      // arrives, and the program is not told
  double partly = 0;           // the first messages arrive, then the connection breaks
  double too_long = 0;         // the payload has to be halved
  double crash_before = 0;     // the program dies before anything arrives
  double crash_after = 0;      // … when all has arrived and nobody has noticed
  double breaks = 0;           // the connection is found broken: a sink with a window sends it again
  double forgets = 0;          // … because the receiver died, with what it had not stored
  double hangs = 0;            // the program gives the sink up; what it was given arrives all the same
  double refused_records = 0;  // share of records (by their id) that the destination will never take
};

class Harbour {
public:
  Harbour(SimulatedTime& time, Dice& dice) : time_(time), dice_(dice) {}

  void set_weather(const Weather& weather) { weather_ = weather; }
  const Weather& weather() const { return weather_; }
  // Of all records whatever the weather: what is refused once is refused for ever.
  bool refuses(std::string_view id) const;
  void program_started() { ++boot_; }
  // Receivers with a window may die together with the program.
  void program_died();
  void receiver_died(Receiver& receiver) const;
  std::uint64_t boot() const { return boot_; }
  // A sink has decided that the program dies here; told once.
  bool take_crash() { return std::exchange(wants_crash_, false); }
  // Called from within a sink of that name that hangs.
  void on_hang(std::function<void(const std::string& sink)> give_up) { give_up_ = std::move(give_up); }

  Receiver& receiver(const std::string& name) { return receivers_[name]; }
  const std::map<std::string, Receiver>& receivers() const { return receivers_; }

  // Kinds "recording" (sink) and "lines" (encoder), for a registry.
  Kind<Sink> sink_kind();
  Kind<Encoder> encoder_kind();

private:
  friend class RecordingSink;
  SimulatedTime& time_;
  Dice& dice_;
  Weather weather_;
  std::uint64_t boot_ = 0;
  bool wants_crash_ = false;
  std::function<void(const std::string&)> give_up_;
  std::map<std::string, Receiver> receivers_;
};

class MemoryDeadLetters final : public runtime::DeadLetterBox {
public:
  Result<> add(const runtime::UndeliverableRecord& letter) override {
    letters.insert({std::string(letter.route), std::string(letter.record.feed), std::string(letter.record.id)});
    return {};
  }
  struct Letter {
    std::string route;
    std::string feed;
    std::string id;
    auto operator<=>(const Letter&) const = default;
  };
  std::set<Letter> letters;
};

}  // namespace capstan::voyages
