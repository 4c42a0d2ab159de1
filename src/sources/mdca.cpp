#include "sources/mdca.h"

#include <fmt/format.h>

#include <algorithm>

#include "mdca_source.h"

namespace capstan::mdca {

namespace {

std::unique_ptr<Source> make(const config::Node& node, const BuildContext& context, config::Findings& findings) {
  config::Findings own;
  Options options = schema().decode(node, "source " + context.name, own);
  const auto filters = filters_by_feed(options.filters, own);
  std::shared_ptr<net::Tenant> tenant;
  if (!options.tenant.empty()) {
    tenant = context.tenant(options.tenant);
    const config::Node* at = node.find("tenant");
    if (!tenant)
      own.add(ErrorCode::unknown_name, at == nullptr ? node.place : at->place,
              fmt::format("source {}: there is no tenant \"{}\" under tenants", context.name, options.tenant));
    const bool wants_files = std::find(options.feeds.begin(), options.feeds.end(), "files") != options.feeds.end();
    if (tenant && wants_files && !tenant->has_files_token())
      own.add(ErrorCode::missing_option, node.place,
              fmt::format("source {}: the feed files needs files_token in tenant {}; the service refuses application "
                          "tokens there",
                          context.name, options.tenant));
  }
  findings.append(own);
  if (own.has_errors()) return nullptr;
  return std::make_unique<Mdca>(std::move(options), filters, std::move(tenant), context.world.clock);
}

}  // namespace

}  // namespace capstan::mdca

namespace capstan {

Kind<Source> mdca_kind() {
  return {"mdca",
          "Collects activities, alerts, entities, subnets and files of a Microsoft Defender for Cloud Apps tenant.",
          mdca::schema().options(),
          "type: mdca\n"
          "tenant: contoso\n"
          "feeds: [alerts, activities, entities, subnets]\n"
          "interval: 1m\n"
          "backfill: 2d\n",
          mdca::make};
}

}  // namespace capstan
