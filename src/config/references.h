// ${env:NAME}, ${file:/path} and ${credential:NAME} inside a scalar.
#pragma once

#include <string>

#include "config/document.h"

namespace capstan::config {

struct Resolved {
  std::string text;
  bool has_reference = false;
};

// `$${` is a plain `${`. What cannot be resolved is a finding (unresolved_secret) at `place`, and stays empty.
Resolved resolve(std::string_view scalar, const Place& place, const References& references, Findings& findings);

}  // namespace capstan::config
