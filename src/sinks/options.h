// Reading a sink's options by its schema.
#pragma once

#include <optional>

#include "component/registry.h"

namespace capstan::sinks {

// The options of a component without `type`, which belongs to the registry. Nothing when there was an error among them.
template <class C>
std::optional<C> read_options(const config::Schema<C>& schema, const config::Node& options, const std::string& name,
                              config::Findings& findings) {
  config::Node own = options;
  std::erase_if(own.members, [](const config::Node::Member& member) { return member.key == "type"; });
  config::Findings found;
  C decoded = schema.decode(own, "sink " + name, found);
  findings.append(found);
  if (found.has_errors()) return std::nullopt;
  return decoded;
}

// Where an option stands; where its owner stands when it was not given.
inline const config::Place& place_of(const config::Node& owner, std::string_view option) {
  const config::Node* given = owner.find(option);
  return given == nullptr ? owner.place : given->place;
}

}  // namespace capstan::sinks
