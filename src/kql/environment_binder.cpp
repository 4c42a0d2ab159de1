// Calls of functions that use the environment: the configuration decides whether they exist.
#include <fmt/format.h>

#include "base/text.h"
#include "expression_binder.h"
#include "place_nodes.h"
#include "pseudonym.h"

namespace capstan::kql {

bool ExpressionBinder::uses_environment(std::string_view function) {
  return function == "hmac_sha256" || function == "geo_location" || function == "geo_info_from_ip_address";
}

NodePtr ExpressionBinder::bind_environment_call(const Expression& e, Scope& scope) {
  // Of these a data collection rule has geo_location().
  if (e.name != "geo_location") note_extension(e.span, e.name);
  return e.name == "hmac_sha256" ? bind_hmac(e, scope) : bind_place(e, scope);
}

NodePtr ExpressionBinder::bind_place(const Expression& e, Scope& scope) {
  if (!environment_.places)
    return refuse(
        ErrorCode::kql_not_supported, {e.span.begin, e.span.begin + e.name.size()},
        fmt::format("the function \"{}\" is not supported: asks a database of places, and none is configured; "
                    "name a MaxMind DB file under \"geo\", or behind --geo",
                    e.name));
  if (e.items.size() != 1)
    return refuse(ErrorCode::kql_type, e.span, fmt::format("{}() takes 1 argument, got {}", e.name, e.items.size()));
  NodePtr address = bind(*e.items[0], scope);
  if (address) address = fit(*e.items[0], std::move(address), 's', e.name);
  if (!address) return nullptr;
  return make_place(environment_.places, e.name == "geo_location" ? dcr_place_names : kusto_place_names,
                    std::move(address));
}

// hmac_sha256(value, "the name of a secret")
NodePtr ExpressionBinder::bind_hmac(const Expression& e, Scope& scope) {
  if (e.items.size() != 2)
    return refuse(ErrorCode::kql_type, e.span,
                  fmt::format("hmac_sha256() takes a value and the name of a secret, got {} argument{}", e.items.size(),
                              e.items.size() == 1 ? "" : "s"));
  NodePtr value = bind(*e.items[0], scope);
  const NodePtr name = bind(*e.items[1], scope);
  if (!value || !name) return nullptr;
  if (name->type() != Type::string || !name->is_constant())
    return refuse(ErrorCode::kql_type, e.items[1]->span, "hmac_sha256(): expected a secret's name as a constant text");
  Workspace work;
  Frame frame{{}, work};
  const std::string_view wanted = name->evaluate(frame).text;
  if (!environment_.secrets || environment_.secrets->empty())
    return refuse(ErrorCode::kql_unknown_name, e.items[1]->span,
                  fmt::format("there is no secret \"{}\": none is configured; name one under \"secrets\", or behind "
                              "--secret",
                              wanted));
  if (const auto found = environment_.secrets->find(wanted); found != environment_.secrets->end())
    return make_hmac(std::move(value), found->second);
  std::vector<std::string_view> names;
  for (const auto& [known, secret] : *environment_.secrets) names.emplace_back(known);
  const std::string_view near = nearest(wanted, names);
  return refuse(ErrorCode::kql_unknown_name, e.items[1]->span,
                fmt::format("there is no secret \"{}\"{}", wanted,
                            near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
}

}  // namespace capstan::kql
