// The table that the `subnets` feed of Defender for Cloud Apps makes: one row a range, so that
// `evaluate ipv4_lookup(subnets, …, range)` finds what the customer calls an address.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "event/record.h"
#include "kql/types.h"

namespace capstan::kql {

constexpr std::string_view subnets_feed = "subnets";

// range, name, category, tags, organization, location, _Id, _Tenant, _Source
std::vector<Column> subnet_columns();

// The rows of one record, each a line of JSON with those members; a range that cannot be read makes none. Empty for a
// record that is not a JSON object.
std::string subnet_rows(const RecordView& record, std::string_view tenant, std::string_view source);

}  // namespace capstan::kql
