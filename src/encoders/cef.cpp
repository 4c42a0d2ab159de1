#include "encoders/cef.h"

#include "cef_encoder.h"
#include "options.h"

namespace capstan::encoders {

namespace {

using cef::CefOptions;
using cef::Profile;

bool is_printable(const std::string& text) {
  return !text.empty() &&
         std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

void exact_belongs_to_siem_agent(const CefOptions& options, const config::Node& at, config::Findings& findings) {
  if (options.exact && options.profile != Profile::siem_agent)
    findings.add(ErrorCode::conflicting_options, place_of(at, "exact"), "exact: expected profile: siem-agent with it");
}

void header_fields_are_text(const CefOptions& options, const config::Node& at, config::Findings& findings) {
  const std::array fields = {std::pair("vendor", &options.vendor), std::pair("product", &options.product),
                             std::pair("device_version", &options.device_version)};
  for (const auto& [name, value] : fields)
    if (!is_printable(*value))
      findings.add(ErrorCode::wrong_value, place_of(at, name), std::string(name) + ": expected one line of text");
}

void portal_url_is_a_url(const CefOptions& options, const config::Node& at, config::Findings& findings) {
  if (!options.portal_url.empty() && !options.portal_url.starts_with("https://"))
    findings.add(ErrorCode::wrong_value, place_of(at, "portal_url"),
                 "portal_url: expected an address such as https://contoso.portal.cloudappsecurity.com, got \"" +
                     options.portal_url + "\"");
}

config::Schema<CefOptions> schema() {
  config::Schema<CefOptions> s;
  s.choice("profile", &CefOptions::profile, {{"strict", Profile::strict}, {"siem-agent", Profile::siem_agent}},
           "strict keeps every rule of CEF; siem-agent writes keys, order and empty values as Microsoft's retired SIEM "
           "agent did");
  s.option("exact", &CefOptions::exact,
           "with siem-agent: begin the line with the event time as the agent did, for files and UDP");
  s.option("vendor", &CefOptions::vendor, "device vendor of the header; parsers made for the agent look for MCAS");
  s.option("product", &CefOptions::product,
           "device product of the header; parsers made for the agent look for SIEM_Agent");
  s.option("device_version", &CefOptions::device_version, "device version of the header");
  s.option("portal_url", &CefOptions::portal_url,
           "the tenant's portal, for links to activities; without it they lead to security.microsoft.com")
      .example("https://contoso.portal.cloudappsecurity.com");
  s.option("mapping", &CefOptions::mapping,
           "what stands in a line, as KQL expressions: a file, the name of a built-in mapping, a mapping itself, or a "
           "list of them (docs/guide/write-a-mapping.md); what none of them is for is written as without it")
      .example("my-activities.yaml");
  s.rule(exact_belongs_to_siem_agent);
  s.rule(header_fields_are_text);
  s.rule(portal_url_is_a_url);
  return s;
}

}  // namespace

Kind<Encoder> cef_kind() {
  return {.name = "cef",
          .summary = "Lines of the Common Event Format, strict or as Microsoft's SIEM agent wrote them",
          .options = schema().options(),
          .example = "format: cef\nprofile: strict\n",
          .make = [](const config::Node& node, const BuildContext& context,
                     config::Findings& findings) -> std::unique_ptr<Encoder> {
            auto options = read_options(schema(), node, "encoder cef", findings);
            if (!options) return nullptr;
            config::Findings found;
            auto mappings = read_mappings(options->mapping.node, cef::mapping_form(), context, found);
            for (const Mapping& mapping : mappings) cef::check_mapping(mapping, found);
            findings.append(found);
            if (found.has_errors()) return nullptr;
            return std::make_unique<cef::CefEncoder>(std::move(*options), std::move(mappings));
          }};
}

}  // namespace capstan::encoders
