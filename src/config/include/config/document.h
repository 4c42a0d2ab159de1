// YAML text → Node. Duplicate keys, deep nesting (over 64) and alias bombs (over 100,000 nodes) are findings.
// ${env:NAME}, ${file:/path} (one trailing newline is cut) and ${credential:NAME} ($CREDENTIALS_DIRECTORY/NAME, systemd
// LoadCredential) are resolved inside scalars; one that cannot be is a finding (unresolved_secret) at its line; `$${`
// is a plain `${`.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/file_system.h"
#include "base/secret.h"
#include "config/node.h"

namespace capstan::config {

// Where references are looked up; tests have their own.
struct References {
  std::function<std::optional<std::string>(const std::string& name)> environment;
  FileSystem* files = nullptr;
};
References system_references(FileSystem& files);

// One secret as the command line names it: "env:NAME", "file:/path" or "credential:NAME". Fails with unresolved_secret.
Result<Secret> read_secret(std::string_view reference, const References& references);

// Findings say what is wrong; the node is as complete as could be read.
Node parse(std::string_view yaml, const std::string& file_name, const References& references, Findings& findings);

}  // namespace capstan::config
