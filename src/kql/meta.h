// The columns that come with a record and not out of it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "kql/types.h"

namespace capstan::kql {

enum class Meta : std::uint8_t { tenant, source, feed, id, kind, time, ingest_time };

struct MetaColumn {
  Meta meta;
  std::string_view name;
  Type type;
  std::string_view note;
};
constexpr std::array meta_column_table{
    MetaColumn{Meta::tenant, "_Tenant", Type::string, "the tenant's name in the configuration"},
    MetaColumn{Meta::source, "_Source", Type::string, "the source's name in the configuration"},
    MetaColumn{Meta::feed, "_Feed", Type::string, "activities, alerts, entities, subnets, files …"},
    MetaColumn{Meta::id, "_Id", Type::string, "the record's id, as the service gives it"},
    MetaColumn{Meta::kind, "_Kind", Type::string, "created, or updated when the id was seen before with other content"},
    MetaColumn{Meta::time, "_Time", Type::datetime, "when it happened, as the record says"},
    MetaColumn{Meta::ingest_time, "_IngestTime", Type::datetime, "when it was collected"},
};

inline std::optional<Meta> meta_of(std::string_view column) {
  for (const MetaColumn& row : meta_column_table)
    if (row.name == column) return row.meta;
  return std::nullopt;
}

}  // namespace capstan::kql
