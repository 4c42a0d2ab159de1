#include "runtime/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/digest.h"
#include "base/text.h"
#include "component/tenant_options.h"
#include "kql/schemas.h"
#include "plan_options.h"
#include "plan_tables.h"
#include "rule_environment.h"
#include "shared_files.h"

namespace capstan::runtime {

namespace {

using config::Findings;
using config::Node;

// Names become directories, metric labels and parts of ids.
constexpr std::size_t name_size_max = 100;

bool name_is_plain(std::string_view name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  return !name.empty() && name.size() <= name_size_max && name.front() != '.' && std::ranges::all_of(name, is_plain);
}

std::string listed(const std::vector<std::string_view>& names) {
  std::string list;
  for (const std::string_view name : names) list += fmt::format("{}\"{}\"", list.empty() ? "" : ", ", name);
  return list.empty() ? "none" : list;
}

// "there is no sink "arcsigth"; did you mean "arcsight"?", or the list of what there is.
std::string there_is_no(std::string_view what, std::string_view name, const std::vector<std::string_view>& known) {
  const std::string_view near = nearest(name, known);
  if (!near.empty()) return fmt::format("there is no {} \"{}\"; did you mean \"{}\"?", what, name, near);
  return fmt::format("there is no {} \"{}\"; there are: {}", what, name, listed(known));
}

// The text of a member that names a kind: `type` of a source, `format` of an encoder.
template <class Component>
const Kind<Component>* kind_of(const Node& node, std::string_view member, std::string_view owner,
                               const Kinds<Component>& kinds, Findings& findings) {
  const Node* named = node.find(member);
  if (named == nullptr || named->kind != Node::Kind::scalar) {
    findings.add(ErrorCode::missing_option, named == nullptr ? node.place : named->place,
                 fmt::format("{} needs the option \"{}\"", owner, member));
    return nullptr;
  }
  const Kind<Component>* kind = kinds.find(named->scalar);
  if (kind == nullptr) {
    std::vector<std::string_view> known;
    for (const auto& one : kinds.all()) known.push_back(one.name);
    findings.add(ErrorCode::unknown_name, named->place,
                 fmt::format("{}: {}", owner, there_is_no(member, named->scalar, known)));
  }
  return kind;
}

// The options of a component: everything but the member that names its kind.
Node without(Node node, std::string_view member) {
  std::erase_if(node.members, [&](const Node::Member& one) { return one.key == member; });
  return node;
}

// What concerns the program as a whole.
Node without_parts(Node node) {
  for (const std::string_view member : {"tenants", "sources", "sinks", "routes"})
    node = without(std::move(node), member);
  return node;
}

// A place in a file may be found twice when a sink is made for two routes: it is said once.
void append_new(Findings& findings, const Findings& more) {
  for (const config::Finding& finding : more.all()) {
    const bool is_known = std::ranges::any_of(
        findings.all(), [&](const config::Finding& known) { return to_string(known) == to_string(finding); });
    if (is_known) continue;
    if (finding.severity == config::Finding::Severity::error) {
      findings.add(finding.code, finding.place, finding.sentence);
    } else {
      findings.warn(finding.code, finding.place, finding.sentence);
    }
  }
}

class Planner {
public:
  Planner(const Registry& registry, World& world, Findings& findings, const std::vector<TenantPlan>& running)
      : registry_(registry),
        world_(world),
        findings_(findings),
        running_(running),
        tables_(world, findings),
        shared_files_(world.files) {}

  Plan plan(const Node& root) {
    const TopOptions top = top_schema().decode(root, "the configuration", findings_);
    plan_.data_dir = top.data_dir;
    plan_.journal = top.journal;
    plan_.proof = top.proof;
    plan_.api = top.api;
    plan_.log = top.log;
    plan_.facts = facts_of(without_parts(root));
    sinks_ = top.sinks.node;
    add_secrets(top.secrets.node);
    if (const Node* geo = root.find("geo")) environment_.places = open_places(top.geo, geo->place, findings_);
    for (const Node::Member& member : members(top.tenants.node, "tenants")) add_tenant(member);
    for (const Node::Member& member : members(top.sources.node, "sources")) add_source(member);
    check_sinks();
    for (const Node::Member& member : members(top.tables.node, "tables")) tables_.add(member);
    for (const Node::Member& member : members(top.routes.node, "routes")) add_route(member);
    warn_of_sources_without_a_route(top.sources.node);
    return std::move(plan_);
  }

private:
  const std::vector<Node::Member>& members(const Node& node, std::string_view what) {
    static const std::vector<Node::Member> none;
    if (node.kind == Node::Kind::null) return none;
    if (node.kind != Node::Kind::map) {
      findings_.add(ErrorCode::wrong_value, node.place, fmt::format("{}: expected a map from names to options", what));
      return none;
    }
    for (const Node::Member& member : node.members)
      if (!name_is_plain(member.key))
        findings_.add(
            ErrorCode::wrong_value, member.place,
            fmt::format("{}: expected a name of letters, digits, \"_\", \"-\" and \".\", at most {} long, got \"{}\"",
                        what, name_size_max, cut_utf8(member.key, 200)));
    return node.members;
  }

  void add_secrets(const Node& node) {
    const auto& named = members(node, "secrets");
    if (!named.empty()) environment_.secrets = read_secrets(named, findings_);
  }

  void add_tenant(const Node::Member& member) {
    Findings found;
    net::TenantOptions options = decode_tenant(member.value, member.key, found);
    findings_.append(found);
    Facts facts = facts_of(member.value);
    for (const TenantPlan& one : running_)
      if (one.name == member.key && one.facts == facts) return plan_.tenants.push_back(one);
    // Also one with findings: sources that name it are not wrong for it.
    plan_.tenants.push_back(
        {member.key, std::make_shared<net::Tenant>(std::move(options), world_.clock, world_.http), std::move(facts)});
  }

  // What a part that asks for this tenant is configured with by that; nothing where there is no such tenant.
  Facts tenant_facts(std::string_view name) const {
    for (const TenantPlan& tenant : plan_.tenants)
      if (tenant.name == name) return prefixed(fmt::format("tenant {}: ", name), tenant.facts);
    return {};
  }

  std::shared_ptr<net::Tenant> tenant(std::string_view name) const {
    for (const TenantPlan& tenant : plan_.tenants)
      if (tenant.name == name) return tenant.tenant;
    return nullptr;
  }

  void add_source(const Node::Member& member) {
    source_names_.push_back(member.key);
    const std::string owner = "source " + member.key;
    const Kind<Source>* kind = kind_of(member.value, "type", owner, registry_.sources, findings_);
    if (kind == nullptr) return;
    std::string asked_tenant;
    const BuildContext context{world_, member.key, [&](std::string_view name) {
                                 asked_tenant = name;
                                 return tenant(name);
                               }};
    Findings found;
    const Node options = without(member.value, "type");
    auto source = kind->make(options, context, found);
    findings_.append(found);
    if (source == nullptr) return;
    std::shared_ptr<net::Tenant> shared = tenant(asked_tenant);
    auto make_another = [kind = *kind, &world = world_, name = member.key, options, shared] {
      Findings ignored;  // the same options have been read without an error before
      return kind.make(options, BuildContext{world, name, [&](std::string_view) { return shared; }}, ignored);
    };
    Facts facts = facts_of(member.value);
    facts.merge(tenant_facts(asked_tenant));
    plan_.sources.push_back(
        {member.key, kind->name, asked_tenant, std::move(source), std::move(make_another), std::move(facts)});
  }

  struct MadeSink {
    std::unique_ptr<Sink> sink;
    std::string kind;
    Facts facts;
  };
  MadeSink make_sink(const Node::Member& member) {
    const std::string owner = "sink " + member.key;
    Findings found;
    MadeSink made;
    if (const Kind<Sink>* kind = kind_of(member.value, "type", owner, registry_.sinks, found)) {
      const BuildContext context{world_, member.key, [&](std::string_view name) {
                                   made.facts.merge(tenant_facts(name));
                                   return tenant(name);
                                 }};
      made.kind = kind->name;
      made.sink = kind->make(without(member.value, "type"), context, found);
    }
    append_new(findings_, found);
    made.facts.merge(prefixed(owner + ": ", facts_of(member.value)));
    return made;
  }

  void check_sinks() {
    for (const Node::Member& member : members(sinks_, "sinks")) {
      make_sink(member);
      plan_.sinks.push_back({member.key, facts_of(member.value)});
    }
  }

  void add_route(const Node::Member& member) {
    const std::string owner = "route " + member.key;
    const RouteOptions options = route_schema().decode(member.value, owner, findings_);
    RoutePlan route;
    route.facts = facts_of(member.value);
    for (const std::string& source : options.from) route.facts.merge(source_facts(source));
    route.name = member.key;
    route.from = options.from;
    route.feeds = options.feeds;
    route.batch = options.batch;
    check_from(member.value, owner, options);
    make_encoder(member, owner, options.encode.node, route);
    compile(member.value, owner, options, route);
    const bool has_sink = find_sink(member.value, owner, options.to, route);
    if (route.transform == nullptr || !has_sink || route.from.empty()) return;
    plan_.routes.push_back(std::move(route));
  }

  // What a route takes over from a source: its rule is compiled for the feeds, and each record carries the tenant.
  Facts source_facts(std::string_view name) const {
    const auto source = std::ranges::find(plan_.sources, name, &SourcePlan::name);
    if (source == plan_.sources.end()) return {};
    std::string feeds;
    for (const FeedTraits& traits : source->source->feeds()) feeds += (feeds.empty() ? "" : ",") + traits.feed;
    return prefixed(fmt::format("source {}: ", name),
                    {{"feeds", Fact{feeds, {}}}, {"tenant", Fact{source->tenant, {}}}});
  }

  // The feeds that may come, for the schema of rule and mapping.
  std::vector<std::string> feeds_of(const RouteOptions& options) const {
    std::vector<std::string> feeds = options.feeds;
    if (feeds.empty())
      for (const SourcePlan& source : plan_.sources)
        if (std::ranges::find(options.from, source.name) != options.from.end())
          for (const FeedTraits& traits : source.source->feeds()) feeds.push_back(traits.feed);
    return feeds;
  }

  // `query`, or the text of `query_file`, which lies beside the configuration.
  std::string rule_text(const Node& node, const std::string& owner, const RouteOptions& options) {
    const Node* file = node.find("query_file");
    if (file == nullptr || options.query_file.empty()) return options.query;
    if (!options.query.empty()) {
      findings_.add(ErrorCode::conflicting_options, file->place, owner + ": expected query or query_file, got both");
      return {};
    }
    constexpr std::uint64_t rule_size_max = 1U << 20;
    auto text = read_file(world_.files, config::beside(file->place, options.query_file), rule_size_max);
    if (text) return std::move(*text);
    findings_.add(ErrorCode::unreadable_file, file->place,
                  fmt::format("{}: query_file: {}", owner, text.error().sentence()));
    return {};
  }

  // Every mistake of a rule or a mapping is a finding of its own, with the line and a caret.
  void compile(const Node& node, const std::string& owner, const RouteOptions& options, RoutePlan& route) {
    const std::string rule = rule_text(node, owner, options);
    if (!options.query_file.empty()) route.facts["file " + options.query_file].value = sha256_hex(rule);
    const std::vector<std::string> feeds = feeds_of(options);
    const kql::Schema schema = kql::schema_of_feeds(feeds);
    const Node* query = node.find(options.query_file.empty() ? "query" : "query_file");
    const std::string_view rule_name = options.query_file.empty() ? std::string_view("query") : options.query_file;
    std::vector<TransformProblem> problems;
    kql::Environment environment = environment_;
    environment.tables = tables_.of_route(options.from, plan_.sources);
    if (!rule.empty()) {
      kql::Compiled compiled = kql::compile(rule, schema, environment);
      for (const kql::Diagnostic& diagnostic : compiled.diagnostics.all())
        problems.push_back({true, false, diagnostic, {}, rule});
      route.rule = std::move(compiled.program);
      if (route.rule)
        for (const kql::Diagnostic& doubt : route.rule->doubts())
          findings_.warn(doubt.code, query->place,
                         fmt::format("{}: {}", owner, kql::render_without_code(doubt, rule_name, rule)));
      route.rule_text = rule;
      if (route.rule != nullptr) {
        route.tables = tables_.in_use(*route.rule);
        route.facts.merge(tables_.facts(*route.rule));
      }
    }
    // A route without an encoder has a finding for that, and may have others in its rule.
    if (route.encoder != nullptr && problems.empty())
      route.transform = Transform::compile(rule, schema, feeds, *route.encoder, problems, environment);
    for (const TransformProblem& problem : problems) {
      if (tables_.is_reported(problem.diagnostic)) continue;
      const config::Place& place = problem.is_in_rule ? query->place : problem.origin.place;
      std::string sentence = fmt::format("{}: {}", owner, to_string(problem, rule_name));
      if (problem.is_doubt)
        findings_.warn(problem.diagnostic.code, place, std::move(sentence));
      else
        findings_.add(problem.diagnostic.code, place, std::move(sentence));
    }
  }

  void check_from(const Node& node, const std::string& owner, const RouteOptions& options) {
    const Node* from = node.find("from");
    const config::Place& place = from == nullptr ? node.place : from->place;
    if (from != nullptr && options.from.empty())
      findings_.add(ErrorCode::missing_option, place, owner + ": from: expected at least one source");
    std::vector<std::string_view> known;
    for (const SourcePlan& source : plan_.sources) known.push_back(source.name);
    std::vector<std::string> offered;
    for (std::size_t i = 0; i < options.from.size(); ++i) {
      const std::string& name = options.from[i];
      const auto source = std::ranges::find(plan_.sources, name, &SourcePlan::name);
      if (std::find(options.from.begin(), options.from.begin() + static_cast<std::ptrdiff_t>(i), name) !=
          options.from.begin() + static_cast<std::ptrdiff_t>(i)) {
        findings_.add(ErrorCode::wrong_value, place, fmt::format("{}: from: \"{}\" stands twice", owner, name));
      } else if (source != plan_.sources.end()) {
        for (const FeedTraits& traits : source->source->feeds()) offered.push_back(traits.feed);
      } else if (!source_is_configured(name)) {
        findings_.add(ErrorCode::unknown_name, place, fmt::format("{}: {}", owner, there_is_no("source", name, known)));
      } else {
        return;  // It has findings of its own: what feeds it would have is not known.
      }
    }
    check_feeds(node, owner, options.feeds, offered);
  }

  bool source_is_configured(std::string_view name) const {
    return std::ranges::find(source_names_, name) != source_names_.end();
  }

  void check_feeds(const Node& node, const std::string& owner, const std::vector<std::string>& feeds,
                   const std::vector<std::string>& offered) {
    const std::vector<std::string_view> known(offered.begin(), offered.end());
    for (const std::string& feed : feeds)
      if (std::ranges::find(offered, feed) == offered.end() && !offered.empty())
        findings_.add(ErrorCode::unknown_name, node.find("feeds")->place,
                      fmt::format("{}: {}", owner, there_is_no("feed", feed, known)));
  }

  void make_encoder(const Node::Member& member, const std::string& owner, const Node& encode, RoutePlan& route) {
    if (encode.kind == Node::Kind::null) return;  // reported as missing
    Node options = encode;
    if (encode.kind == Node::Kind::scalar) {
      // `encode: cef` is short for `encode: {format: cef}`.
      options = Node{};
      options.kind = Node::Kind::map;
      options.place = encode.place;
      options.members.push_back({"format", encode.place, encode});
    }
    const Kind<Encoder>* kind = kind_of(options, "format", owner + ": encode", registry_.encoders, findings_);
    if (kind == nullptr) return;
    const BuildContext context{world_, member.key, [&](std::string_view name) { return tenant(name); },
                               [&](std::string_view path, std::string_view text) {
                                 route.facts[fmt::format("file {}", path)].value = sha256_hex(text);
                               }};
    route.encoder_kind = kind->name;
    route.encoder = kind->make(without(options, "format"), context, findings_);
  }

  bool find_sink(const Node& node, const std::string& owner, const std::string& to, RoutePlan& route) {
    if (to.empty()) return false;  // reported as missing
    std::vector<std::string_view> known;
    if (sinks_.kind == Node::Kind::map) {
      for (const Node::Member& member : sinks_.members) {
        known.push_back(member.key);
        if (member.key != to) continue;
        MadeSink made = make_sink(member);
        route.sink_name = to;
        route.sink_kind = made.kind;
        route.sink = std::move(made.sink);
        route.facts.merge(std::move(made.facts));
        if (route.sink != nullptr) check_files(node.find("to")->place, owner, route);
        return route.sink != nullptr;
      }
    }
    findings_.add(ErrorCode::unknown_name, node.find("to")->place,
                  fmt::format("{}: {}", owner, there_is_no("sink", to, known)));
    return false;
  }

  void check_files(const config::Place& place, const std::string& owner, const RoutePlan& route) {
    for (const std::string& path : route.sink->owned_files()) {
      if (const auto other = shared_files_.add({route.name, path}))
        findings_.add(
            ErrorCode::conflicting_options, place,
            fmt::format("{}: to: {} is written by route {} already{}; give each route a file of its own", owner, path,
                        other->route, other->path == path ? "" : fmt::format(" (as {})", other->path)));
      const auto there = world_.files.status(path);
      if (there && *there && (*there)->kind != FileStatus::Kind::regular)
        findings_.warn(
            ErrorCode::wrong_value, place,
            fmt::format("{}: to: {} is {}, not a file; the route is held as long as it stands there", owner, path,
                        (*there)->kind == FileStatus::Kind::directory ? "a directory" : "a pipe, socket or device"));
    }
  }

  void warn_of_sources_without_a_route(const Node& sources) {
    if (sources.kind != Node::Kind::map || findings_.has_errors()) return;
    for (const Node::Member& member : sources.members) {
      const bool is_drawn_from = std::ranges::any_of(plan_.routes, [&](const RoutePlan& route) {
        return std::ranges::find(route.from, member.key) != route.from.end();
      });
      if (!is_drawn_from)
        findings_.warn(ErrorCode::unknown_name, member.place,
                       fmt::format("source {}: no route takes from it; its events stay in the journal", member.key));
    }
  }

  const Registry& registry_;
  World& world_;
  Findings& findings_;
  const std::vector<TenantPlan>& running_;
  Plan plan_;
  kql::Environment environment_;
  Node sinks_;
  std::vector<std::string> source_names_;
  TablePlanner tables_;
  SharedFiles shared_files_;
};

}  // namespace

std::optional<Plan> make_plan(const Node& root, const Registry& registry, World& world, Findings& findings,
                              const std::vector<TenantPlan>& running) {
  Findings found;
  Plan plan = Planner(registry, world, found, running).plan(root);
  findings.append(found);
  if (found.has_errors()) return std::nullopt;
  return plan;
}

PlanDescription describe_plan() { return {top_schema().options(), route_schema().options(), table_schema().options()}; }

}  // namespace capstan::runtime
