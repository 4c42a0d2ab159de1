// The tables that rules are written against: columns, types, notes. What a feed's records hold besides may be named too
// and is dynamic; the tables of Azure are closed, as they are there.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kql/types.h"

namespace capstan::kql {

struct NamedSchema {
  std::string name;     // "activities", "CloudAppEvents"
  std::string summary;  // one line for people
  Schema schema;        // without the meta columns
};

// The feeds of Defender for Cloud Apps first.
const std::vector<NamedSchema>& named_schemas();
const NamedSchema* find_schema(std::string_view name);

// _Tenant, _Source, _Feed, _Id, _Time, _IngestTime: what every record of the journal has besides its members.
std::vector<Column> meta_columns();
Schema with_meta_columns(Schema schema);

// One schema for a route that draws from several feeds: a column that two of them type differently is dynamic. Feeds
// that nobody has described leave the schema open.
Schema schema_of_feeds(std::span<const std::string> feeds);

// "user:string, when:datetime:ms, raw:dynamic" as --schema takes it; `:ms` marks milliseconds since 1970. Members that
// are not in it are dynamic. Fails with wrong_usage.
Result<Schema> parse_schema(std::string_view text);

}  // namespace capstan::kql
