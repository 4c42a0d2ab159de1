// Reading an encoder's options by its schema.
#pragma once

#include <optional>

#include "component/registry.h"

namespace capstan::encoders {

// The options of an encoder without `format` (or `type`), which belongs to the registry. Nothing when there was an
// error among them.
template <class C>
std::optional<C> read_options(const config::Schema<C>& schema, const config::Node& options, std::string_view owner,
                              config::Findings& findings) {
  config::Node own = options;
  std::erase_if(own.members, [](const config::Node::Member& m) { return m.key == "format" || m.key == "type"; });
  config::Findings found;
  C decoded = schema.decode(own, owner, found);
  findings.append(found);
  if (found.has_errors()) return std::nullopt;
  return decoded;
}

// Where an option stands; where its owner stands when it was not given.
inline const config::Place& place_of(const config::Node& owner, std::string_view option) {
  const config::Node* given = owner.find(option);
  return given == nullptr ? owner.place : given->place;
}

}  // namespace capstan::encoders
