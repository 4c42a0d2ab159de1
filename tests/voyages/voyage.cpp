#include "voyage.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <set>

#include "config/document.h"
#include "conservation.h"
#include "damage.h"
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
#include "voyage_plan.h"

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

class Voyage {
public:
  explicit Voyage(std::uint64_t seed)
      : dice_(seed),
        character_(roll_character(dice_)),
        itinerary_(roll_itinerary(dice_, character_)),
        time_(from_epoch_ms(1'795'000'000'000 + static_cast<std::int64_t>(dice_.below(1'000'000'000)))),
        machine_clock_(time_),
        tenant_clock_(time_),
        harbour_(time_, dice_),
        conservation_(itinerary_, harbour_, dice_, logbook_),
        disk_(std::make_unique<SimulatedDisk>()) {
    logbook_.seed = seed;
    registry_.sources.add(mdca_kind());
    registry_.encoders.add(harbour_.encoder_kind());
    registry_.sinks.add(harbour_.sink_kind());
    harbour_.on_hang([this](const std::string& sink) { give_up_route_of(sink); });
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
    judge({itinerary_, conservation_, shown_, ask_tenant(*tenant_)}, harbour_, letters_, *program_, logbook_);
    // Where nothing is lost and one source fills one journal, evidence has to say what journal and receivers say.
    if (!itinerary_.may_lose() && itinerary_.sources.size() == 1) {
      const bool has_disk_trouble = has_lost_power_ || character_.disk_error + character_.disk_full > 0;
      const std::string directory = runtime::journal_directory(itinerary_.data_dir, itinerary_.sources.front());
      judge_evidence({*disk_, directory, has_disk_trouble}, harbour_, *program_, itinerary_.routes, logbook_);
    }
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
    const config::Node root = config::parse(itinerary_.configuration, "voyage.yaml", references, findings);
    auto plan = runtime::make_plan(root, registry_, *world_, findings);
    for (const auto& finding : findings.all()) fail(config::to_string(finding));
    if (!plan) return plan;
    plan->journal = itinerary_.journal;
    for (runtime::RoutePlan& route : plan->routes) route.reserve = itinerary_.reserve;
    return plan;
  }

  // Starts the program on the disk as it is, again and again where the disk does not let it.
  bool start() {
    befall_the_journals();
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
        conservation_.note_start(*program_);
        conservation_.check(*program_);
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

  void befall_the_journals() {
    if (!dice_.chance(character_.damage) || power_goes_at_ || has_calmed_) return;
    constexpr DamagedPart parts[] = {DamagedPart::head, DamagedPart::middle, DamagedPart::tail};
    const std::string& source = itinerary_.sources[dice_.below(itinerary_.sources.size())];
    if (damage_journal(*disk_, runtime::journal_directory(itinerary_.data_dir, source), parts[dice_.below(3)], dice_))
      ++logbook_.damages;
  }

  // The runner is fenced, and another one goes on where it was.
  void succeed(std::size_t route) {
    ++logbook_.reloads;
    auto planned = plan();
    if (!planned) return;
    const auto before = program_->running_routes()[route];
    auto places = before->runner->fence();
    // What a destination was in doubt of is sent once more.
    for (const auto& place : places)
      if (place.cursor.unsure_from) harbour_.receiver(before->plan.sink_name).is_disturbed = true;
    for (runtime::RoutePlan& wanted : planned->routes)
      if (wanted.name == before->plan.name) program_->put(program_->make_route(std::move(wanted), std::move(places)));
    route_due_[route] = time_.monotonic();
  }

  void give_up_route_of(const std::string& sink) {
    const auto routes = program_->running_routes();
    for (std::size_t i = 0; i < routes.size(); ++i)
      if (routes[i]->plan.sink_name == sink) succeed(i);
  }

  void reload() {
    const auto routes = program_->running_routes();
    const std::size_t route = dice_.below(routes.size());
    routes[route]->runner->close();
    succeed(route);
  }

  void replay() {
    const auto routes = program_->running_routes();
    const auto& route = routes[dice_.below(routes.size())];
    std::vector<runtime::RouteRunner::Rewind> rewinds;
    const runtime::RouteStatus status = route->runner->status();
    for (std::size_t i = 0; i < status.cursors.size(); ++i) {
      const auto& records = conservation_.followers().at(status.cursors[i].source).records();
      if (records.empty()) continue;
      const auto somewhere = [&] { return records[dice_.below(records.size())].position; };
      const store::Position first = journal_of(status.cursors[i].source).report().first;
      runtime::RouteRunner::Rewind rewind{i, std::max(somewhere(), first), std::nullopt};
      if (dice_.chance(0.5)) rewind.until = somewhere();
      if (rewind.since < status.cursors[i].cursor.position) rewinds.push_back(rewind);
    }
    harbour_.receiver(route->plan.sink_name).is_disturbed = true;
    route->runner->replay(std::move(rewinds));
    for (std::size_t i = 0; i < routes.size(); ++i)
      if (routes[i] == route) route_due_[i] = time_.monotonic();
    ++logbook_.replays;
  }

  const store::Journal& journal_of(const std::string& source) {
    for (const auto& one : program_->running_sources())
      if (one->plan.name == source) return *one->journal;
    std::abort();
  }

  void wire() {
    collector_due_.assign(program_->collectors().size(), time_.monotonic());
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
    has_lost_power_ = true;
    Survival survival;
    constexpr Survival::Kind kinds[] = {Survival::Kind::nothing, Survival::Kind::everything,
                                        Survival::Kind::first_writes, Survival::Kind::torn, Survival::Kind::random};
    survival.kind = kinds[dice_.below(std::size(kinds))];
    survival.count = dice_.below(6);
    survival.seed = dice_.seed();
    auto found = disk_->crash(survival);
    program_.reset();
    harbour_.program_died();
    conservation_.note_unclean_end();
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
    harbour_.program_died();
    conservation_.note_unclean_end();
  }

  bool restart() {
    for (const auto& route : program_->routes()) route->close();
    const Result<> finished = program_->committer().finish();
    std::vector<runtime::RouteStatus> before;
    for (const auto& route : program_->routes()) before.push_back(route->status());
    program_.reset();
    if (power_is_off()) {
      lose_power();
    } else if (!finished) {
      conservation_.note_unclean_end();
    } else {
      conservation_.check_stopped(*disk_, machine_clock_, before);
    }
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
    if (dice_.chance(character_.replay)) replay();
    if (dice_.chance(character_.reload)) reload();
    return true;
  }

  // One step of one part, whichever the dice say; time moves when nobody has anything to do.
  void step_somebody() {
    if (dice_.chance(seal_share)) program_->seal();
    const MonotonicTime now = time_.monotonic();
    const std::size_t collectors = collector_due_.size();
    const std::size_t parts = 1 + collectors + route_due_.size();
    const std::size_t first = dice_.below(parts);
    for (std::size_t i = 0; i < parts; ++i) {
      const std::size_t part = (first + i) % parts;
      if (part < collectors) {
        const auto collector = program_->collectors()[part];
        const auto& submission = collector->submission();
        const bool can_go = submission ? submission->is_done() : collector_due_[part] <= now;
        if (!can_go) continue;
        collector_due_[part] = collector->step({}).at.value_or(now);
        return;
      }
      const bool is_committer = part == collectors;
      std::optional<MonotonicTime>& due = is_committer ? committer_due_ : route_due_[part - collectors - 1];
      if (!due || *due > now) continue;
      // Set before the step: what the step itself wakes counts.
      due.reset();
      const runtime::Step step =
          is_committer ? program_->committer().step() : program_->routes()[part - collectors - 1]->step({});
      if (step.at) due = due ? std::min(*due, *step.at) : *step.at;
      return;
    }
    MonotonicTime next = now + std::chrono::minutes(1);
    for (std::size_t i = 0; i < collectors; ++i)
      if (!program_->collectors()[i]->submission()) next = std::min(next, collector_due_[i]);
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
      conservation_.check(*program_);
      if (!logbook_.complaints.empty()) return false;
    }
    return true;
  }

  bool calm() {
    has_calmed_ = true;
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
      conservation_.check(*program_);
      if (!logbook_.complaints.empty()) return false;
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
  const Itinerary itinerary_;
  SimulatedTime time_;
  MachineClock machine_clock_;
  TenantClock tenant_clock_;
  Harbour harbour_;
  MemoryDeadLetters letters_;
  Registry registry_;
  Logbook logbook_;
  Conservation conservation_;
  std::unique_ptr<simulator::TenantModel> tenant_;
  std::unique_ptr<SimulatedNetwork> network_;
  std::unique_ptr<SimulatedDisk> disk_;
  std::optional<World> world_;
  std::unique_ptr<runtime::Program> program_;
  Shown shown_;
  bool has_lost_power_ = false;
  bool has_calmed_ = false;

  std::vector<MonotonicTime> collector_due_;
  std::optional<MonotonicTime> committer_due_;
  std::vector<std::optional<MonotonicTime>> route_due_;
  std::optional<std::uint64_t> power_goes_at_;
  std::optional<MonotonicTime> full_until_;
  std::optional<MonotonicTime> plug_in_at_;
};

constexpr std::size_t complaints_max = 8;

}  // namespace

void complain(Logbook& logbook, std::string sentence) {
  if (logbook.complaints.size() < complaints_max) logbook.complaints.push_back(std::move(sentence));
}

Logbook sail(std::uint64_t seed) { return Voyage(seed).sail(); }

}  // namespace capstan::voyages
