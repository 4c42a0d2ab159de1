// The part of a plan that rules look up in: the tables of the configuration, and those that sources bring.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/node.h"
#include "kql/diagnostic.h"
#include "kql/table.h"
#include "runtime/plan.h"

namespace capstan::runtime {

class TablePlanner {
public:
  TablePlanner(World& world, config::Findings& findings) : world_(world), findings_(findings) {}

  // A member of `tables`; what is wrong is a finding.
  void add(const config::Node::Member& member);
  // What the rule of a route that draws from `from` may look up in: the tables of the configuration, and the ranges of
  // the tenants behind it, unless the configuration has a table of that name.
  kql::Tables of_route(const std::vector<std::string>& from, const std::vector<SourcePlan>& sources);
  // Whether a rule only misses a table that has a finding of its own.
  bool is_reported(const kql::Diagnostic& diagnostic) const;
  // Of those, what a rule looks up in; and what they are configured with, for route.facts.
  TablesInUse in_use(const kql::Program& rule) const;
  Facts facts(const kql::Program& rule) const;

private:
  std::shared_ptr<kql::LiveTable> subnets(const std::vector<std::string>& from, const std::vector<SourcePlan>& sources);

  World& world_;
  config::Findings& findings_;
  struct File {
    std::shared_ptr<FileTable> table;
    Facts facts;
  };
  std::vector<File> files_;
  std::vector<SubnetsPlan> subnets_;
  std::vector<std::string> broken_;
};

}  // namespace capstan::runtime
