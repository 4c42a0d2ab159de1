#include "proof_voyage.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "config/document.h"
#include "damage.h"
#include "dice.h"
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
using namespace std::chrono_literals;

constexpr std::uint64_t steps_max = 600'000;
constexpr int starts_in_a_row_max = 40;
constexpr std::uint64_t never = 1ULL << 40;
constexpr std::size_t complaints_max = 8;
// The oldest age, its block stretched to twice its length, and the time that it takes until everything is delivered.
constexpr std::chrono::hours calm{24 + 12 + 4};
// What has nothing to do is looked at so often: a thread is late, too.
constexpr std::chrono::seconds looked_every{60};

constexpr std::string_view configuration = R"(
data_dir: /state
journal: {segment_size: 64KiB, max_bytes: 8MiB, max_age: 12h, reserve: 1MiB}
proof: {ages: [1h, 3h, 8h, 1d]}
tenants:
  contoso:
    api_url: https://contoso.example/api/v1
    auth: {method: oauth2, authority: 'https://login.example', tenant_id: '${env:TENANT_ID}', client_id: '${env:CLIENT_ID}', client_secret: '${env:CLIENT_SECRET}'}
sources:
  mdca: {type: mdca, tenant: contoso, feeds: [alerts, activities, entities], interval: 10m, inventory_interval: 6h, sweep_interval: 1h, backfill: 2d}
sinks:
  siem: {type: recording}
  soc: {type: recording}
routes:
  everything: {from: mdca, encode: {format: lines}, to: siem, batch: {max_events: 20}}
  alerts_only: {from: mdca, feeds: [alerts], encode: {format: lines}, to: soc}
)";

simulator::SimulatorOptions roll_late_tenant(Dice& dice) {
  simulator::SimulatorOptions options;
  options.seed = dice.seed();
  options.activities = dice.between(20, 200);
  options.alerts = dice.between(1, 20);
  options.entities = dice.between(0, 6);
  options.files = 0;
  options.subnets = 0;
  options.history = std::chrono::hours(dice.between(6, 40));
  options.rate = static_cast<double>(dice.below(10)) / 10'000;
  options.late_by = {2h, 5h, 12h, 20h};
  options.late_share = dice.chance(0.7) ? 0.2 : 0.0;
  options.burst_share = 0.2;
  options.burst_size_max = 6;
  options.requests_per_minute = 60;
  return options;
}

class ProofVoyage {
public:
  explicit ProofVoyage(std::uint64_t seed)
      : dice_(seed),
        time_(from_epoch_ms(1'795'000'000'000 + static_cast<std::int64_t>(dice_.below(1'000'000'000)))),
        machine_clock_(time_),
        tenant_clock_(time_),
        harbour_(time_, dice_),
        disk_(std::make_unique<SimulatedDisk>()) {
    logbook_.seed = seed;
    registry_.sources.add(mdca_kind());
    registry_.encoders.add(harbour_.encoder_kind());
    registry_.sinks.add(harbour_.sink_kind());
    kills_ = dice_.chance(0.6) ? 0.0005 : 0;
    cuts_ = dice_.chance(0.5) ? 0.0005 : 0;
    damages_ = dice_.chance(0.5);
    trouble_ = dice_.chance(0.5) ? 0.2 : 0;
    weather_.dead = dice_.chance(0.5) ? 0.5 : 0;
    weather_.lost_answer = dice_.chance(0.3) ? 0.1 : 0;
    // By the machine's clock everything is journaled at another time than it is saved.
    if (dice_.chance(0.3)) time_.jump(std::chrono::hours(dice_.between(0, 60)) - 30h);
  }

  ProofLogbook sail() {
    auto tenant = simulator::TenantModel::create(roll_late_tenant(dice_), tenant_clock_);
    if (!tenant) return give_up("the tenant could not be made: " + tenant.error().text());
    tenant_ = std::make_unique<simulator::TenantModel>(std::move(*tenant));
    network_ = std::make_unique<SimulatedNetwork>(*tenant_, time_, dice_);
    const MonotonicTime begin = time_.monotonic();
    const bool went_well = start() && storm() && rest();
    logbook_.hours = static_cast<std::uint64_t>((time_.monotonic() - begin) / 1h);
    if (went_well) judge();
    return std::move(logbook_);
  }

private:
  ProofLogbook give_up(std::string sentence) {
    fail(std::move(sentence));
    return std::move(logbook_);
  }
  bool fail(std::string sentence) {
    if (logbook_.complaints.size() < complaints_max) logbook_.complaints.push_back(std::move(sentence));
    return false;
  }

  // --- the program ---

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
    for (const auto& finding : findings.all())
      if (finding.severity == config::Finding::Severity::error) fail(config::to_string(finding));
    return plan;
  }

  bool start() {
    befall_the_journal();
    for (int i = 0; i < starts_in_a_row_max; ++i) {
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
      } else if (opened.error().error_class() != ErrorClass::fault) {
        return fail("the program does not start: " + opened.error().text());
      }
      time_.advance(1s);
      if (i > starts_in_a_row_max / 2) calm_the_disk();
    }
    return fail("the program does not start any more");
  }

  void befall_the_journal() {
    if (!damages_ || power_goes_at_ || is_calm_ || !dice_.chance(0.6)) return;
    constexpr DamagedPart parts[] = {DamagedPart::head, DamagedPart::middle, DamagedPart::tail};
    if (damage_journal(*disk_, runtime::journal_directory("/state", "mdca"), parts[dice_.below(3)], dice_))
      ++logbook_.damages;
  }

  void wire() {
    collector_due_ = prover_due_ = time_.monotonic();
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

  runtime::Prover& prover() { return *program_->running_sources().front()->prover; }

  bool power_is_off() const { return power_goes_at_ && disk_->operations() > *power_goes_at_; }

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
    harbour_.program_died();
    disk_ = std::move(found);
    power_goes_at_.reset();
  }

  void kill() {
    ++logbook_.crashes;
    program_.reset();
    harbour_.program_died();
  }

  bool restart() {
    for (const auto& route : program_->routes()) route->close();
    program_->finish_provers();
    static_cast<void>(program_->committer().finish().has_value());
    program_.reset();
    if (power_is_off()) lose_power();
    return start();
  }

  void calm_the_disk() {
    disk_->lose_power_at(never);
    power_goes_at_.reset();
  }

  // --- steps ---

  template <class Part>
  bool step_if_due(Part& part, MonotonicTime& due, MonotonicTime least, MonotonicTime now) {
    const auto& submission = part.submission();
    const bool can_go = submission ? submission->is_done() : due <= now;
    if (!can_go) return false;
    const runtime::Step step = part.step({});
    due = step.at && *step.at > now ? std::max(*step.at, least) : now;
    return true;
  }

  void step_somebody() {
    if (dice_.chance(0.01)) program_->seal();
    const MonotonicTime now = time_.monotonic();
    const std::size_t parts = 3 + route_due_.size();
    const std::size_t first = dice_.below(parts);
    for (std::size_t i = 0; i < parts; ++i) {
      const std::size_t part = (first + i) % parts;
      if (part == 0) {
        if (step_if_due(*program_->collectors()[0], collector_due_, now, now)) return;
        continue;
      }
      if (part == 1) {
        if (step_if_due(prover(), prover_due_, now + looked_every, now)) return;
        continue;
      }
      std::optional<MonotonicTime>& due = part == 2 ? committer_due_ : route_due_[part - 3];
      if (!due || *due > now) continue;
      due.reset();
      const runtime::Step step = part == 2 ? program_->committer().step() : program_->routes()[part - 3]->step({});
      if (step.at) due = due ? std::min(*due, *step.at) : *step.at;
      return;
    }
    MonotonicTime next = now + 10min;
    if (!program_->collectors()[0]->submission()) next = std::min(next, collector_due_);
    if (!prover().submission()) next = std::min(next, prover_due_);
    if (committer_due_) next = std::min(next, *committer_due_);
    for (const auto& due : route_due_)
      if (due) next = std::min(next, *due);
    time_.advance(std::max<std::chrono::nanoseconds>(next - now, 1ms));
  }

  bool befall() {
    if (dice_.chance(cuts_) && !power_goes_at_) {
      const std::uint64_t operation = dice_.below(25);
      disk_->lose_power_at(operation);
      power_goes_at_ = disk_->operations() + operation;
    }
    if (dice_.chance(kills_)) {
      kill();
      return start();
    }
    return !dice_.chance(kills_ / 2) || restart();
  }

  bool survive() {
    if (harbour_.take_crash()) {
      kill();
      return start();
    }
    if (power_is_off()) {
      lose_power();
      return start();
    }
    return !program_->committer().fault() || restart();
  }

  bool storm() {
    network_->set_trouble(trouble_);
    harbour_.set_weather(weather_);
    const MonotonicTime end = time_.monotonic() + std::chrono::hours(dice_.between(10, 30));
    while (time_.monotonic() < end) {
      if (++logbook_.steps > steps_max) return fail("the storm takes too many steps");
      if (!befall()) return false;
      step_somebody();
      if (!survive() || !logbook_.complaints.empty()) return false;
    }
    return true;
  }

  bool rest() {
    is_calm_ = true;
    network_->set_trouble(0);
    harbour_.set_weather({});
    calm_the_disk();
    if (!restart()) return false;
    shown_ = ask_tenant(*tenant_);
    const MonotonicTime end = time_.monotonic() + calm;
    while (time_.monotonic() < end) {
      if (++logbook_.steps > steps_max) return fail("the calm takes too many steps");
      step_somebody();
      if (!survive() || !logbook_.complaints.empty()) return false;
    }
    for (int i = 0; i < 2000 && !program_->is_settled(); ++i) step_somebody();
    if (auto held = program_->held_by()) return fail("held at the end: " + held->text());
    return true;
  }

  // --- the oracle ---

  void judge() {
    logbook_.shown = shown_.ids.size();
    everything_arrived("everything", "siem", {});
    everything_arrived("alerts_only", "soc", "alerts");
    nothing_is_journaled_twice();
    the_ledger_says_so();
  }

  void everything_arrived(const std::string& route, const std::string& receiver, std::string_view only) {
    std::set<std::pair<std::string, std::string>> got;
    std::map<std::uint64_t, std::uint64_t> times;
    for (const Arrival& arrival : harbour_.receiver(receiver).arrivals()) {
      got.insert({arrival.feed, arrival.id});
      if (++times[key_of(arrival.feed, arrival.id, arrival.raw)] > 1) ++logbook_.doubles;
    }
    for (const auto& [feed, id] : shown_.ids) {
      if ((!only.empty() && feed != only) || feed == "subnets") continue;
      if (!got.contains({feed, id})) fail(fmt::format("{}: {} {} is missing", route, feed, id));
    }
    std::uint64_t doubles = 0;
    for (const auto& [key, count] : times) doubles += count - 1;
    for (const runtime::RouteStatus& status : program_->status().routes) {
      if (status.name != route) continue;
      logbook_.resent += status.resent;
      if (doubles > status.resent)
        fail(fmt::format("{}: {} doubles at the receiver, {} counted as resent", route, doubles, status.resent));
    }
  }

  void nothing_is_journaled_twice() {
    const store::Journal& journal = *program_->running_sources().front()->journal;
    std::set<std::string> seen;
    for (store::Position at = journal.report().first; at < journal.report().durable;) {
      const auto slice = journal.read(at, 1_MiB);
      if (!slice) break;
      for (const auto& item : slice->items)
        if (item.record.feed == "activities" && !seen.insert(std::string(item.record.id)).second)
          fail(fmt::format("activity {} stands in the journal twice", item.record.id));
      if (slice->end <= at) break;
      at = slice->end;
    }
  }

  void the_ledger_says_so() {
    const runtime::ProofStatus status = prover().status();
    logbook_.questions = status.comparisons;
    if (status.damaged_places > 0) fail(fmt::format("{} damaged places were not asked for", status.damaged_places));
    for (const runtime::ProofFeedStatus& feed : status.feeds) {
      logbook_.repaired += feed.repaired;
      if (feed.missing + feed.not_comparable > 0)
        fail(fmt::format("{}: {} windows missing, {} not comparable: {}", feed.feed, feed.missing, feed.not_comparable,
                         feed.why_not_later));
      const Timestamp due = time_.true_time() - (feed.feed == "entities" ? 26h : 3h);
      if (!feed.proved_until || *feed.proved_until < due)
        fail(fmt::format("{} is proved until {}: {} {}", feed.feed,
                         feed.proved_until ? to_iso8601(*feed.proved_until) : "never", feed.why_not_later,
                         status.error));
    }
    for (const runtime::RouteStatus& route : program_->status().routes)
      for (const runtime::RouteCursor& cursor : route.cursors)
        for (const runtime::RouteProof& proof : cursor.proof)
          if (!proof.proved_until || *proof.proved_until < time_.true_time() - 26h)
            fail(fmt::format("route {} has {} until {}: {}", route.name, proof.feed,
                             proof.proved_until ? to_iso8601(*proof.proved_until) : "never", proof.why_not_later));
  }

  Dice dice_;
  SimulatedTime time_;
  MachineClock machine_clock_;
  TenantClock tenant_clock_;
  Harbour harbour_;
  MemoryDeadLetters letters_;
  Registry registry_;
  ProofLogbook logbook_;
  double kills_ = 0;
  double cuts_ = 0;
  bool damages_ = false;
  double trouble_ = 0;
  Weather weather_;
  std::unique_ptr<simulator::TenantModel> tenant_;
  std::unique_ptr<SimulatedNetwork> network_;
  std::unique_ptr<SimulatedDisk> disk_;
  std::optional<World> world_;
  std::unique_ptr<runtime::Program> program_;
  Shown shown_;
  bool is_calm_ = false;
  MonotonicTime collector_due_{};
  MonotonicTime prover_due_{};
  std::optional<MonotonicTime> committer_due_;
  std::vector<std::optional<MonotonicTime>> route_due_;
  std::optional<std::uint64_t> power_goes_at_;
};

}  // namespace

ProofLogbook sail_for_proof(std::uint64_t seed) { return ProofVoyage(seed).sail(); }

}  // namespace capstan::voyages
