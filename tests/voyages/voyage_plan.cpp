#include "voyage_plan.h"

#include <fmt/format.h>

namespace capstan::voyages {

namespace {

constexpr std::string_view tenant = R"(
data_dir: /state
journal: {reserve: 1MiB}
tenants:
  contoso:
    api_url: https://contoso.example/api/v1
    auth: {method: oauth2, authority: 'https://login.example', tenant_id: '${env:TENANT_ID}', client_id: '${env:CLIENT_ID}', client_secret: '${env:CLIENT_SECRET}'}
)";

std::string source(std::string_view name, std::string_view feeds) {
  return fmt::format(
      "  {}: {{type: mdca, tenant: contoso, feeds: [{}], interval: 1m, inventory_interval: 5m, sweep_interval: 1m, "
      "backfill: 3d}}\n",
      name, feeds);
}

}  // namespace

Character roll_character(Dice& dice) {
  const auto sometimes = [&](double least, double most) {
    return dice.chance(0.5) ? least + (most - least) * static_cast<double>(dice.below(1000)) / 1000 : 0.0;
  };
  Character c;
  c.network_trouble = sometimes(0.02, 0.4);
  c.unplug = sometimes(0.001, 0.01);
  // One voyage in three has no unclean end: there doubles are counted to the last one.
  const bool ends_cleanly = dice.chance(0.33);
  c.power_cut = ends_cleanly ? 0 : sometimes(0.002, 0.05);
  c.kill = ends_cleanly ? 0 : sometimes(0.002, 0.03);
  c.restart = sometimes(0.002, 0.02);
  c.disk_error = ends_cleanly ? 0 : sometimes(0.002, 0.02);
  c.disk_full = sometimes(0.002, 0.02);
  c.clock_jump = sometimes(0.002, 0.02);
  c.damage = dice.chance(0.3) ? 0.5 : 0;
  c.replay = dice.chance(0.3) ? 0.01 : 0;
  c.reload = dice.chance(0.3) ? 0.01 : 0;
  c.weather.dead = sometimes(0.05, 0.9);
  c.weather.lost_answer = sometimes(0.02, 0.3);
  c.weather.partly = sometimes(0.02, 0.3);
  c.weather.too_long = sometimes(0.05, 0.5);
  c.weather.crash_before = ends_cleanly ? 0 : sometimes(0.01, 0.1);
  c.weather.crash_after = ends_cleanly ? 0 : sometimes(0.01, 0.1);
  c.weather.breaks = sometimes(0.02, 0.3);
  c.weather.forgets = dice.chance(0.3) ? 0.5 : 0;
  c.weather.hangs = dice.chance(0.3) ? 0.02 : 0;
  c.weather.refused_records = dice.chance(0.25) ? 0.1 : 0.0;
  c.storm = std::chrono::minutes(dice.between(3, 20));
  return c;
}

Itinerary roll_itinerary(Dice& dice, const Character& character) {
  Itinerary it;
  it.data_dir = "/state";
  it.configuration = tenant;
  it.configuration += "sources:\n";
  const bool has_two_sources = dice.chance(0.4);
  it.sources = has_two_sources ? std::vector<std::string>{"mdca", "log"} : std::vector<std::string>{"mdca"};
  it.configuration +=
      source("mdca", has_two_sources ? "alerts, entities, subnets" : "alerts, activities, entities, subnets");
  if (has_two_sources) it.configuration += source("log", "activities");
  it.payload_max = dice.chance(0.8) ? 7 : 200;
  // The third destination sends again what it may have lost.
  it.configuration += fmt::format(R"(sinks:
  siem: {{type: recording}}
  soc: {{type: recording}}
  far: {{type: recording, window: {}}}
)",
                                  dice.between(1, 4000));
  it.configuration += fmt::format(R"(routes:
  everything: {{from: [{}], encode: {{format: lines}}, to: siem, batch: {{max_events: {}}}}}
  alerts_only: {{from: mdca, feeds: [alerts], encode: {{format: lines}}, to: soc, batch: {{max_events: {}}}}}
)",
                                  has_two_sources ? "mdca, log" : "mdca", it.payload_max, it.payload_max);
  it.routes = {{"everything", "siem", {}}, {"alerts_only", "soc", {"alerts"}}};
  if (dice.chance(0.5)) {
    it.configuration +=
        fmt::format("  distant: {{from: {}, encode: {{format: lines}}, to: far, batch: {{max_events: {}}}}}\n",
                    has_two_sources ? "[log, mdca]" : "mdca", it.payload_max);
    it.routes.push_back({"distant", "far", {}});
  }
  it.journal.reserve = 1_MiB;
  it.journal.segment_size = 64_KiB;
  it.journal.max_bytes = 8_MiB;
  if (dice.chance(0.3)) it.journal.segment_size = Bytes{dice.between(500, 8'000)};
  if (dice.chance(0.25)) it.journal.max_bytes = Bytes{dice.between(1, 60'000)};  // from less than one page on
  if (dice.chance(0.3)) it.journal.when_full = store::JournalOptions::WhenFull::drop_oldest;
  it.reserve = {dice.between(1, 4), dice.between(4, 20)};
  it.is_damaged = character.damage > 0;
  it.is_tight = it.journal.max_bytes < 1_MiB;
  return it;
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

}  // namespace capstan::voyages
