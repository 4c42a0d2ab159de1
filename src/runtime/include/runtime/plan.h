// The whole configuration, decoded and made into components: what the engine runs. Making one touches neither the
// network nor the data directory, so `capstan check` is this call and nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "component/registry.h"
#include "kql/program.h"
#include "runtime/file_table.h"
#include "runtime/plan_facts.h"
#include "runtime/transform.h"
#include "store/journal.h"

namespace capstan::runtime {

struct ApiOptions {
  bool enabled = true;
  std::string listen = "127.0.0.1:9477";
};

struct LogOptions {
  log::Level level = log::Level::info;
  log::Format format = log::Format::text;
};

// How much goes into one payload, and how long one attempt may take.
struct BatchOptions {
  Bytes max_bytes = 256_KiB;  // of encoded messages; one larger message goes alone
  std::uint32_t max_events = 1000;
  Duration timeout = std::chrono::seconds(30);
};

// The block `proof:` (runtime/prover.h).
struct ProofOptions {
  bool enabled = true;
  // Younger than this, by the service's clock, a record may still be on its way.
  Duration late_after = std::chrono::minutes(15);
  // How old a window of saved time is when it is compared with the tenant, again and again.
  std::vector<std::string> ages{"1h", "6h", "12h", "1d", "3d", "7d", "30d"};
};
// The ages as spans; what is not one is left out (the plan has checked them).
std::vector<Duration> ages_of(const ProofOptions& options);

// How many records the mark of what may have been sent runs ahead of what was (runtime/route_runner.h): where the route
// has caught up, and at most. After a kill, so many may be counted as resent that were not. No option.
struct AttemptReserve {
  std::uint64_t least = 1'024;
  std::uint64_t most = 65'536;
};

struct TenantPlan {
  std::string name;
  std::shared_ptr<net::Tenant> tenant;
  Facts facts = {};
};

struct SourcePlan {
  std::string name;
  std::string kind;
  std::string tenant;  // that it asked for; empty: none
  std::unique_ptr<Source> source;
  // Another instance with the same options (verify asks beside the collector); it shares the tenant and its budget.
  std::function<std::unique_ptr<Source>()> make_another;
  Facts facts = {};  // its own and its tenant's
};

// Each route has a sink of its own (RoutePlan::sink); here is what all of that name are configured with.
struct SinkPlan {
  std::string name;
  Facts facts;
};

// The table `subnets` of the rules that draw from some sources: what the feed of that name has brought to the journals
// of `sources`, one row a range.
struct SubnetsPlan {
  std::vector<std::string> sources;
  std::shared_ptr<kql::LiveTable> live;
};

// What rules look up in that changes while they run.
struct TablesInUse {
  std::vector<std::shared_ptr<FileTable>> files;
  std::vector<SubnetsPlan> subnets;
  // Each table once.
  void add(const TablesInUse& more);
};

struct RoutePlan {
  std::string name;
  std::vector<std::string> from;   // sources, at least one
  std::vector<std::string> feeds;  // that it takes; empty: all
  std::string rule_text;
  std::shared_ptr<const kql::Program> rule;  // nothing: every record as it is
  TablesInUse tables = {};                   // by the rule
  std::string encoder_kind;
  std::unique_ptr<Encoder> encoder;
  std::shared_ptr<const Transform> transform;  // of rule and encoder
  std::string sink_name;
  std::string sink_kind;
  std::unique_ptr<Sink> sink;  // the route's own
  BatchOptions batch;
  AttemptReserve reserve = {};
  Facts facts = {};  // its own, its sink's, and what it takes from its sources
};

struct Plan {
  std::string data_dir;
  store::JournalOptions journal;
  ProofOptions proof;
  ApiOptions api;
  LogOptions log;
  std::vector<TenantPlan> tenants;
  std::vector<SourcePlan> sources;
  std::vector<SinkPlan> sinks;
  std::vector<RoutePlan> routes;
  Facts facts;  // of data_dir, journal, proof, api and log, as far as they are written
};

// Every mistake becomes a finding at its place; unknown names come with a suggestion. Nothing when there was an error.
// `world` must outlive the plan. `running`: tenants that are at work already. One that is configured in the same way
// is taken over with its tokens and its request budget, of which a tenant has only one.
std::optional<Plan> make_plan(const config::Node& root, const Registry& registry, World& world,
                              config::Findings& findings, const std::vector<TenantPlan>& running = {});

// The options outside of components, for the reference page: top level, journal, proof, api, log, one route and one
// table.
struct PlanDescription {
  std::vector<config::OptionDescription> top;
  std::vector<config::OptionDescription> route;
  std::vector<config::OptionDescription> table;
};
PlanDescription describe_plan();

}  // namespace capstan::runtime
