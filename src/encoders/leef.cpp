#include "encoders/leef.h"

#include "leef_encoder.h"
#include "options.h"

namespace capstan::encoders {

namespace {

using leef::LeefOptions;
using leef::Version;

void delimiter_is_one_character(const LeefOptions& options, const config::Node& at, config::Findings& findings) {
  const std::string& delimiter = options.delimiter;
  const bool is_good = delimiter == "\t" || (delimiter.size() == 1 && delimiter[0] > ' ' && delimiter[0] < 0x7F &&
                                             std::string_view("|=\\\"").find(delimiter[0]) == std::string_view::npos);
  if (!is_good)
    findings.add(ErrorCode::wrong_value, place_of(at, "delimiter"),
                 "delimiter: expected one ASCII character that is neither a letter of the format (| =) nor a quote, "
                 "such as ^, or a tab");
  if (options.version == Version::one && at.find("delimiter") != nullptr && delimiter != "\t")
    findings.add(ErrorCode::conflicting_options, place_of(at, "delimiter"),
                 "delimiter: LEEF 1.0 has tabs between attributes; expected version: \"2.0\" with it");
}

void header_is_text(const LeefOptions& options, const config::Node& at, config::Findings& findings) {
  const std::array fields = {std::pair("vendor", &options.vendor), std::pair("product", &options.product),
                             std::pair("product_version", &options.product_version)};
  for (const auto& [name, value] : fields)
    if (value->empty() || std::any_of(value->begin(), value->end(),
                                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '|'; }))
      findings.add(ErrorCode::wrong_value, place_of(at, name),
                   std::string(name) + ": expected one line of text without \"|\"");
}

config::Schema<LeefOptions> schema() {
  config::Schema<LeefOptions> s;
  s.choice("version", &LeefOptions::version, {{"1.0", Version::one}, {"2.0", Version::two}},
           "2.0 says its delimiter itself; 1.0 has tabs, which rsyslog does not let through");
  s.option("delimiter", &LeefOptions::delimiter, "between attributes, with 2.0; it becomes a blank inside of values");
  s.option("vendor", &LeefOptions::vendor, "vendor of the header");
  s.option("product", &LeefOptions::product, "product of the header; QRadar chooses its DSM by vendor and product");
  s.option("product_version", &LeefOptions::product_version, "product version of the header");
  s.option("mapping", &LeefOptions::mapping,
           "what stands in a line, as KQL expressions: a file, the name of a built-in mapping, a mapping itself, or a "
           "list of them (docs/guide/write-a-mapping.md); what none of them is for is written as without it")
      .example("my-activities.yaml");
  s.rule(delimiter_is_one_character);
  s.rule(header_is_text);
  return s;
}

}  // namespace

Kind<Encoder> leef_kind() {
  return {.name = "leef",
          .summary = "Lines of the Log Event Extended Format 1.0 or 2.0, for QRadar",
          .options = schema().options(),
          .example = "format: leef\nversion: \"2.0\"\n",
          .make = [](const config::Node& node, const BuildContext& context,
                     config::Findings& findings) -> std::unique_ptr<Encoder> {
            auto options = read_options(schema(), node, "encoder leef", findings);
            if (!options) return nullptr;
            config::Findings found;
            auto mappings = read_mappings(options->mapping.node, leef::mapping_form(), context, found);
            for (const Mapping& mapping : mappings) leef::check_mapping(mapping, found);
            findings.append(found);
            if (found.has_errors()) return nullptr;
            return std::make_unique<leef::LeefEncoder>(std::move(*options), std::move(mappings));
          }};
}

}  // namespace capstan::encoders
