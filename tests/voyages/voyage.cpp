#include "voyage.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>

#include "config/document.h"
#include "dice.h"
#include "evidence_oracle.h"
#include "harbour.h"
#include "runtime/engine.h"
#include "runtime/program.h"
#include "simulated_disk.h"
#include "simulated_network.h"
#include "simulated_time.h"
#include "sources/mdca.h"
#include "voyage_oracle.h"

namespace capstan::voyages {

namespace {

using equipment::SimulatedDisk;
using equipment::Survival;

constexpr std::uint64_t steps_max = 100'000;
constexpr std::chrono::minutes calm_least{12};
constexpr std::chrono::hours calm_most{3};
constexpr int starts_in_a_row_max = 40;
constexpr double seal_share = 0.02;  // of the steps, one of making seals comes before
// Far enough that no voyage gets there: a fault that was armed is put off.
constexpr std::uint64_t never = 1ULL << 40;

constexpr std::string_view configuration = R"(
data_dir: /state
journal: {segment_size: 64KiB, max_bytes: 8MiB, reserve: 1MiB}
tenants:
  contoso:
    api_url: https://contoso.example/api/v1
    auth: {method: oauth2, authority: 'https://login.example', tenant_id: '${env:TENANT_ID}', client_id: '${env:CLIENT_ID}', client_secret: '${env:CLIENT_SECRET}'}
sources:
  mdca: {type: mdca, tenant: contoso, feeds: [alerts, activities, entities, subnets], interval: 1m, inventory_interval: 5m, sweep_interval: 1m, backfill: 3d}
sinks:
  siem: {type: recording}
  soc: {type: recording}
routes:
  everything: {from: mdca, encode: {format: lines}, to: siem, batch: {max_events: 7}}
  alerts_only: {from: mdca, feeds: [alerts], encode: {format: lines}, to: soc}
)";

const std::vector<RouteTruth>& route_truths() {
  static const std::vector<RouteTruth> routes{{"everything", "siem", {}}, {"alerts_only", "soc", {"alerts"}}};
  return routes;
}

// What kind of voyage this is: shares per attempt, and how often (per step) something befalls it.
struct Character {
  double network_trouble = 0;
  double unplug = 0;
  double power_cut = 0;
  double kill = 0;
  double restart = 0;
  double disk_error = 0;
  double disk_full = 0;
  double clock_jump = 0;
  Weather weather;
  Duration storm{};
};

Character roll_character(Dice& dice) {
  const auto sometimes = [&](double least, double most) {
    return dice.chance(0.5) ? least + (most - least) * static_cast<double>(dice.below(1000)) / 1000 : 0.0;
  };
  Character c;
  c.network_trouble = sometimes(0.02, 0.4);
  c.unplug = sometimes(0.001, 0.01);
  c.power_cut = sometimes(0.002, 0.05);
  c.kill = sometimes(0.002, 0.03);
  c.restart = sometimes(0.002, 0.02);
  c.disk_error = sometimes(0.002, 0.02);
  c.disk_full = sometimes(0.002, 0.02);
  c.clock_jump = sometimes(0.002, 0.02);
  c.weather.dead = sometimes(0.05, 0.9);
  c.weather.lost_answer = sometimes(0.02, 0.3);
  c.weather.partly = sometimes(0.02, 0.3);
  c.weather.too_long = sometimes(0.05, 0.5);
  c.weather.crash_before = sometimes(0.01, 0.1);
  c.weather.crash_after = sometimes(0.01, 0.1);
  c.weather.refused_records = dice.chance(0.25) ? 0.1 : 0.0;
  c.storm = std::chrono::minutes(dice.between(3, 20));
  return c;
}

simulator::SimulatorOptions roll_tenant(Dice& dice) {
  simulator::SimulatorOptions options;
  options.seed = dice.seed();
  options.activities = dice.between(3, 30);
  options.alerts = dice.between(1, 6);
  options.entities = dice.between(1, 6);
  options.files = 0;
  options.subnets = dice.between(0, 3);
  options.history = std::chrono::hours(dice.between(1, 48));
  options.rate = static_cast<double>(dice.below(60)) / 1000;
  options.lateness = dice.chance(0.5) ? Duration(std::chrono::seconds(dice.between(1, 300))) : Duration{};
  options.burst_share = 0.3;
  options.burst_size_max = 6;
  options.requests_per_minute = 60;
  return options;
}

class Voyage {
public:
  explicit Voyage(std::uint64_t seed)
      : dice_(seed),
        character_(roll_character(dice_)),
        time_(from_epoch_ms(1'795'000'000'000 + static_cast<std::int64_t>(dice_.below(1'000'000'000)))),
        machine_clock_(time_),
        tenant_clock_(time_),
        harbour_(time_, dice_),
        disk_(std::make_unique<SimulatedDisk>()) {
    logbook_.seed = seed;
    registry_.sources.add(mdca_kind());
    registry_.encoders.add(harbour_.encoder_kind());
    registry_.sinks.add(harbour_.sink_kind());
  }

  Logbook sail() {
    auto tenant = simulator::TenantModel::create(roll_tenant(dice_), tenant_clock_);
    if (!tenant) return give_up("the tenant could not be made: " + tenant.error().text());
    tenant_ = std::make_unique<simulator::TenantModel>(std::move(*tenant));
    network_ = std::make_unique<SimulatedNetwork>(*tenant_, time_, dice_);
    const bool went_well = start() && storm() && calm();
    logbook_.requests = network_->requests();
    logbook_.troubled_requests = network_->troubled();
    if (!went_well) return std::move(logbook_);
    judge(shown_, ask_tenant(*tenant_), harbour_, letters_, *program_, route_truths(), logbook_);
    const bool has_disk_trouble = character_.power_cut + character_.disk_error + character_.disk_full > 0;
    judge_evidence({*disk_, runtime::journal_directory("/state", "mdca"), has_disk_trouble}, harbour_, *program_,
                   route_truths(), logbook_);
    return std::move(logbook_);
  }

private:
  Logbook give_up(std::string sentence) {
    logbook_.complaints.push_back(std::move(sentence));
    return std::move(logbook_);
  }
  bool fail(std::string sentence) {
    logbook_.complaints.push_back(std::move(sentence));
    return false;
  }

  std::optional<runtime::Plan> plan() {
    config::References references;
    references.environment = [this](const std::string& name) -> std::optional<std::string> {
      if (name == "TENANT_ID") return tenant_->options().tenant_id;
      if (name == "CLIENT_ID") return tenant_->options().client_id;
      if (name == "CLIENT_SECRET") return tenant_->client_secret();
      return std::nullopt;
    };
    config::Findings findings;
    const config::Node root = config::parse(configuration, "voyage.yaml", references, findings);
    auto plan = runtime::make_plan(root, registry_, *world_, findings);
    for (const auto& finding : findings.all()) fail(config::to_string(finding));
    return plan;
  }

  // Starts the program on the disk as it is, again and again where the disk does not let it.
  bool start() {
    for (int i = 0; i < starts_in_a_row_max; ++i) {
      logbook_.disk_states.push_back(disk_->image_hash());
      harbour_.program_started();
      world_.emplace(World{machine_clock_, *disk_, *network_});
      auto planned = plan();
      if (!planned) return false;
      auto opened = runtime::Program::open(std::move(*planned), *world_, letters_, dice_.seed());
      if (opened) {
        program_ = std::move(*opened);
        wire();
        return true;
      }
      if (power_is_off()) {
        lose_power();
      } else if (opened.error().error_class() != ErrorClass::fault && opened.error().code() != ErrorCode::disk_full) {
        return fail("the program does not start: " + opened.error().text());
      }
      time_.advance(std::chrono::seconds(1));
      if (i > starts_in_a_row_max / 2) calm_the_disk();
    }
    return fail("the program does not start any more");
  }

  void wire() {
    collector_due_ = time_.monotonic();
    committer_due_ = time_.monotonic();
    route_due_.assign(program_->routes().size(), time_.monotonic());
    program_->committer().on_work([this] { committer_due_ = time_.monotonic(); });
    program_->committer().on_durable([this](std::size_t source) {
      for (std::size_t i = 0; i < program_->routes().size(); ++i) {
        if (!program_->routes()[i]->draws_from(source)) continue;
        program_->routes()[i]->expect_work();
        route_due_[i] = time_.monotonic();
      }
    });
  }

  bool power_is_off() const { return power_goes_at_ && disk_->operations() > *power_goes_at_; }

  // The disk is found as it may legally be after the power went.
  void lose_power() {
    ++logbook_.crashes;
    Survival survival;
    constexpr Survival::Kind kinds[] = {Survival::Kind::nothing, Survival::Kind::everything,
                                        Survival::Kind::first_writes, Survival::Kind::torn, Survival::Kind::random};
    survival.kind = kinds[dice_.below(std::size(kinds))];
    survival.count = dice_.below(6);
    survival.seed = dice_.seed();
    auto found = disk_->crash(survival);
    program_.reset();
    disk_ = std::move(found);
    power_goes_at_.reset();
    // A second cut while it recovers.
    if (dice_.chance(0.15)) arm_power_cut();
  }

  void arm_power_cut() {
    const std::uint64_t operation = dice_.below(25);
    disk_->lose_power_at(operation);
    power_goes_at_ = disk_->operations() + operation;
  }

  void kill() {
    ++logbook_.crashes;
    program_.reset();
  }

  bool restart() {
    const Result<> finished = program_->committer().finish();
    for (const auto& route : program_->routes()) route->close();
    if (!finished && power_is_off()) lose_power();
    program_.reset();
    return start();
  }

  void calm_the_disk() {
    disk_->set_free_bytes(1ULL << 40);
    disk_->lose_power_at(never);
    disk_->fail_at(never, ErrorCode::disk_full);
    power_goes_at_.reset();
  }

  // Something befalls the voyage now and then.
  bool befall() {
    const MonotonicTime now = time_.monotonic();
    if (full_until_ && now >= *full_until_) {
      full_until_.reset();
      disk_->set_free_bytes(1ULL << 40);
    }
    if (plug_in_at_ && now >= *plug_in_at_) {
      plug_in_at_.reset();
      network_->set_unplugged(false);
    }
    if (dice_.chance(character_.disk_full) && !full_until_) {
      disk_->set_free_bytes(dice_.below(2U << 20));
      full_until_ = now + std::chrono::seconds(dice_.between(1, 300));
    }
    if (dice_.chance(character_.unplug) && !plug_in_at_) {
      network_->set_unplugged(true);
      plug_in_at_ = now + std::chrono::seconds(dice_.between(1, 400));
    }
    if (dice_.chance(character_.disk_error))
      disk_->fail_at(dice_.below(20), dice_.chance(0.5) ? ErrorCode::disk_full : ErrorCode::disk_failed);
    if (dice_.chance(character_.clock_jump))
      time_.jump(std::chrono::seconds(dice_.between(0, 14'400)) - std::chrono::hours(2));
    if (dice_.chance(character_.power_cut) && !power_goes_at_) arm_power_cut();
    if (dice_.chance(character_.kill)) {
      kill();
      return start();
    }
    if (dice_.chance(character_.restart)) return restart();
    return true;
  }

  // One step of one part, whichever the dice say; time moves when nobody has anything to do.
  void step_somebody() {
    if (dice_.chance(seal_share)) program_->seal();
    const MonotonicTime now = time_.monotonic();
    const std::size_t routes = route_due_.size();
    const std::size_t parts = 2 + routes;
    const std::size_t first = dice_.below(parts);
    for (std::size_t i = 0; i < parts; ++i) {
      const std::size_t part = (first + i) % parts;
      if (part == 0) {
        const auto& submission = program_->collectors()[0]->submission();
        const bool can_go = submission ? submission->is_done() : collector_due_ <= now;
        if (!can_go) continue;
        collector_due_ = program_->collectors()[0]->step({}).at.value_or(now);
        return;
      }
      std::optional<MonotonicTime>& due = part == 1 ? committer_due_ : route_due_[part - 2];
      if (!due || *due > now) continue;
      // Set before the step: what the step itself wakes counts.
      due.reset();
      const runtime::Step step = part == 1 ? program_->committer().step() : program_->routes()[part - 2]->step({});
      if (step.at) due = due ? std::min(*due, *step.at) : *step.at;
      return;
    }
    MonotonicTime next = now + std::chrono::minutes(1);
    if (!program_->collectors()[0]->submission()) next = std::min(next, collector_due_);
    if (committer_due_) next = std::min(next, *committer_due_);
    for (const auto& due : route_due_)
      if (due) next = std::min(next, *due);
    time_.advance(std::max<std::chrono::nanoseconds>(next - now, std::chrono::milliseconds(1)));
  }

  // After a step: what would end the process ends it.
  bool survive() {
    if (harbour_.take_crash()) {
      if (dice_.chance(0.5)) {
        lose_power();
      } else {
        kill();
      }
      return start();
    }
    if (power_is_off()) {
      lose_power();
      return start();
    }
    if (program_->committer().fault()) return restart();
    return true;
  }

  bool storm() {
    network_->set_trouble(character_.network_trouble);
    harbour_.set_weather(character_.weather);
    const MonotonicTime end = time_.monotonic() + character_.storm;
    while (time_.monotonic() < end) {
      if (++logbook_.steps > steps_max) return fail("the storm takes too many steps");
      if (!befall()) return false;
      step_somebody();
      if (!survive()) return false;
    }
    return true;
  }

  bool calm() {
    network_->set_trouble(0);
    network_->set_unplugged(false);
    Weather calm_weather;
    calm_weather.refused_records = character_.weather.refused_records;
    harbour_.set_weather(calm_weather);
    calm_the_disk();
    shown_ = ask_tenant(*tenant_);
    const MonotonicTime begin = time_.monotonic();
    while (time_.monotonic() < begin + calm_least || !program_->is_settled()) {
      if (++logbook_.steps > steps_max) return fail("the calm takes too many steps");
      if (time_.monotonic() > begin + calm_most) return fail("the program does not settle: " + what_is_left());
      step_somebody();
      if (!survive()) return false;
    }
    if (auto held = program_->held_by()) return fail("held at the end: " + held->text());
    return true;
  }

  std::string what_is_left() const {
    std::string text;
    const runtime::Status status = program_->status();
    for (const auto& source : status.sources) {
      text += fmt::format("{} drained={} {}", source.name, source.is_drained, source.error);
      for (const auto& feed : source.feeds)
        text += fmt::format("; {} drained={} {} {}", feed.name, feed.is_drained, feed.error, feed.note);
    }
    for (const auto& route : status.routes)
      text +=
          fmt::format("; {} {} backlog {} {}", route.name, to_string(route.state), route.backlog_bytes, route.error);
    return text;
  }

  Dice dice_;
  const Character character_;
  SimulatedTime time_;
  MachineClock machine_clock_;
  TenantClock tenant_clock_;
  Harbour harbour_;
  MemoryDeadLetters letters_;
  Registry registry_;
  Logbook logbook_;
  std::unique_ptr<simulator::TenantModel> tenant_;
  std::unique_ptr<SimulatedNetwork> network_;
  std::unique_ptr<SimulatedDisk> disk_;
  std::optional<World> world_;
  std::unique_ptr<runtime::Program> program_;
  Shown shown_;

  MonotonicTime collector_due_{};
  std::optional<MonotonicTime> committer_due_;
  std::vector<std::optional<MonotonicTime>> route_due_;
  std::optional<std::uint64_t> power_goes_at_;
  std::optional<MonotonicTime> full_until_;
  std::optional<MonotonicTime> plug_in_at_;
};

}  // namespace

Logbook sail(std::uint64_t seed) { return Voyage(seed).sail(); }

}  // namespace capstan::voyages
