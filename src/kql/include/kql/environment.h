// What a rule may use besides its record. All of it is shared and may be used by any number of threads.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/secret.h"
#include "kql/places.h"
#include "kql/table.h"

namespace capstan::kql {

// The keys of hmac_sha256(), by name.
using Secrets = std::map<std::string, Secret, std::less<>>;

// What is null is not configured: a rule that asks for it is refused, with what to configure.
struct Environment {
  std::shared_ptr<const Secrets> secrets;
  std::shared_ptr<const Places> places;
  Tables tables = {};  // that lookup and ipv4_lookup may name
};

}  // namespace capstan::kql
