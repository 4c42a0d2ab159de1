// A part of a YAML document as JSON.
#pragma once

#include <string>

#include "config/node.h"

namespace capstan::app {

// What the core schema of YAML 1.2 says: plain true, false, null and numbers are what they look like, everything that
// is quoted is text. Numbers keep their digits.
std::string node_json(const config::Node& node);

}  // namespace capstan::app
