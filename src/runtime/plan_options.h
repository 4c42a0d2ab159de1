// The declarations of everything in the configuration that is not a component's own.
#pragma once

#include <string>
#include <vector>

#include "config/schema.h"
#include "runtime/plan.h"

namespace capstan::runtime {

struct GeoOptions {
  std::string database;
  Duration reload = std::chrono::minutes(1);
};

struct TopOptions {
  std::string data_dir;
  store::JournalOptions journal;
  ProofOptions proof;
  ApiOptions api;
  LogOptions log;
  config::Raw tenants;
  config::Raw sources;
  config::Raw sinks;
  config::Raw routes;
  config::Raw secrets;
  GeoOptions geo;
  config::Raw tables;
};
config::Schema<TopOptions> top_schema();
config::Schema<FileTableOptions> table_schema();

struct RouteOptions {
  std::vector<std::string> from;
  std::vector<std::string> feeds;
  std::string query;
  std::string query_file;
  config::Raw encode;
  std::string to;
  BatchOptions batch;
};
config::Schema<RouteOptions> route_schema();

}  // namespace capstan::runtime
