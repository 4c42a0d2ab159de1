// What the configuration lends to rules (kql/environment.h), read from its parts of the file.
#pragma once

#include <memory>
#include <vector>

#include "config/node.h"
#include "kql/environment.h"
#include "plan_options.h"

namespace capstan::runtime {

// Each member a secret, given by reference. One of a few characters is warned of: who can try all texts can try all
// keys.
std::shared_ptr<const kql::Secrets> read_secrets(const std::vector<config::Node::Member>& members,
                                                 config::Findings& findings);

// Nothing where no database is named, or where it cannot be read (a finding at `place`).
std::shared_ptr<const kql::Places> open_places(const GeoOptions& options, const config::Place& place,
                                               config::Findings& findings);

}  // namespace capstan::runtime
