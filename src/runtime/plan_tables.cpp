#include "plan_tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "kql/subnets.h"
#include "plan_options.h"

namespace capstan::runtime {

namespace {

bool looks_up_in(const kql::Program& rule, const std::shared_ptr<kql::LiveTable>& table) {
  return std::ranges::find(rule.tables(), table) != rule.tables().end();
}

}  // namespace

void TablePlanner::add(const config::Node::Member& member) {
  const std::string owner = "table " + member.key;
  config::Findings found;
  FileTableOptions options = table_schema().decode(member.value, owner, found);
  findings_.append(found);
  broken_.push_back(member.key);  // until it is read
  if (found.has_errors()) return;
  const config::Node* file = member.value.find("file");
  options.file = config::beside(file->place, options.file);
  auto table = FileTable::open(world_.files, member.key, std::move(options), world_.clock.now());
  if (table) {
    broken_.pop_back();
    files_.push_back({std::move(*table), prefixed(owner + ": ", facts_of(member.value))});
    return;
  }
  const bool is_schema = table.error().code() == ErrorCode::wrong_usage;
  findings_.add(is_schema ? ErrorCode::wrong_value : table.error().code(),
                is_schema ? member.value.find("schema")->place : file->place,
                fmt::format("{}: {}", owner, table.error().sentence()));
}

kql::Tables TablePlanner::of_route(const std::vector<std::string>& from, const std::vector<SourcePlan>& sources) {
  kql::Tables tables;
  if (auto ranges = subnets(from, sources)) tables.add(std::move(ranges));
  for (const File& file : files_) tables.add(file.table->live());
  return tables;
}

std::shared_ptr<kql::LiveTable> TablePlanner::subnets(const std::vector<std::string>& from,
                                                      const std::vector<SourcePlan>& sources) {
  std::vector<std::string> names;
  for (const SourcePlan& source : sources) {
    const auto is_of_the_route = [&](const SourcePlan& other) {
      return std::ranges::find(from, other.name) != from.end() &&
             (other.name == source.name || (!other.tenant.empty() && other.tenant == source.tenant));
    };
    const auto is_subnets = [](const FeedTraits& traits) { return traits.feed == kql::subnets_feed; };
    if (std::ranges::any_of(source.source->feeds(), is_subnets) && std::ranges::any_of(sources, is_of_the_route))
      names.push_back(source.name);
  }
  if (names.empty()) return nullptr;
  for (const SubnetsPlan& known : subnets_)
    if (known.sources == names) return known.live;
  auto live = std::make_shared<kql::LiveTable>(std::string(kql::subnets_feed),
                                               kql::TableBuilder(kql::subnet_columns()).finish());
  subnets_.push_back({std::move(names), live});
  return live;
}

bool TablePlanner::is_reported(const kql::Diagnostic& diagnostic) const {
  return std::ranges::any_of(broken_, [&](const std::string& name) {
    return diagnostic.sentence.starts_with(fmt::format("there is no table \"{}\"", name));
  });
}

TablesInUse TablePlanner::in_use(const kql::Program& rule) const {
  TablesInUse tables;
  for (const File& file : files_)
    if (looks_up_in(rule, file.table->live())) tables.files.push_back(file.table);
  for (const SubnetsPlan& subnets : subnets_)
    if (looks_up_in(rule, subnets.live)) tables.subnets.push_back(subnets);
  return tables;
}

Facts TablePlanner::facts(const kql::Program& rule) const {
  Facts facts;
  for (const File& file : files_)
    if (looks_up_in(rule, file.table->live())) facts.insert(file.facts.begin(), file.facts.end());
  for (const SubnetsPlan& subnets : subnets_)
    if (looks_up_in(rule, subnets.live))
      facts["table subnets"].value = fmt::format("{}", fmt::join(subnets.sources, ","));
  return facts;
}

void TablesInUse::add(const TablesInUse& more) {
  for (const auto& file : more.files)
    if (std::ranges::find(files, file) == files.end()) files.push_back(file);
  for (const SubnetsPlan& one : more.subnets)
    if (std::ranges::find(subnets, one.live, &SubnetsPlan::live) == subnets.end()) subnets.push_back(one);
}

}  // namespace capstan::runtime
