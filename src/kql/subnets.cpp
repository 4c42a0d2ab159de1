#include "kql/subnets.h"

#include <fmt/format.h>

#include <optional>

#include "address.h"
#include "base/text.h"
#include "dynamic_form.h"
#include "text_form.h"

namespace capstan::kql {

namespace {

constexpr int mapped_prefix = 96;  // ::ffff:0:0/96 holds the IPv4 addresses

std::string_view text_of(const Dynamic* value) {
  return value != nullptr && value->kind == Dynamic::Kind::string ? value->text : std::string_view{};
}

std::optional<int> mask_of(const Dynamic& entry) {
  const Dynamic* mask = find_member(entry, "mask");
  if (mask == nullptr || mask->kind != Dynamic::Kind::long_integer || mask->number < 0 || mask->number > 128)
    return std::nullopt;
  return static_cast<int>(mask->number);
}

std::string network_text(const Ipv4& address) {
  const std::uint32_t bits = address.bits & ipv4_mask(address.prefix);
  return fmt::format("{}.{}.{}.{}/{}", bits >> 24, (bits >> 16) & 255, (bits >> 8) & 255, bits & 255, address.prefix);
}

// What the administrator wrote is believed first; it may lack the prefix, which `mask` then says (96 more for IPv4).
// Failing that, what the service made of it: an IPv6 address, also for IPv4.
std::optional<std::string> range_of(const Dynamic& entry) {
  const std::string_view written = text_of(find_member(entry, "originalString"));
  const std::optional<int> mask = mask_of(entry);
  if (auto v4 = parse_ipv4(written)) {
    if (!written.contains('/') && mask && *mask >= mapped_prefix) v4->prefix = *mask - mapped_prefix;
    return network_text(*v4);
  }
  if (parse_ipv6(written))
    return std::string(written) + (written.contains('/') ? "" : fmt::format("/{}", mask.value_or(128)));
  const std::string_view address = text_of(find_member(entry, "address"));
  const auto v6 = parse_ipv6(address);
  if (!v6 || !mask) return std::nullopt;
  Ipv6 mapped;
  mapped.bytes[10] = mapped.bytes[11] = 0xFF;
  if (*mask < mapped_prefix || compare(*v6, mapped, mapped_prefix) != 0) return fmt::format("{}/{}", address, *mask);
  Ipv4 v4{0, *mask - mapped_prefix};
  for (std::size_t i = 12; i < v6->bytes.size(); ++i) v4.bits = (v4.bits << 8) | v6->bytes[i];
  return network_text(v4);
}

// The names of the tags; the id of one without.
std::string tag_names(const Dynamic* tags) {
  std::string names;
  if (tags != nullptr && tags->kind == Dynamic::Kind::array)
    for (const Dynamic& tag : tags->items) {
      const std::string_view name = text_of(find_member(tag, "name"));
      names += names.empty() ? "" : ",";
      append_json_string(name.empty() ? text_of(find_member(tag, "id")) : name, names);
    }
  return "[" + names + "]";
}

std::string json_of(const Dynamic* value) {
  std::string text;
  append_json(value == nullptr ? Dynamic{} : *value, text);
  return text;
}

}  // namespace

std::vector<Column> subnet_columns() {
  return {{"range", Type::string, false, "a network: 203.0.113.0/24"},
          {"name", Type::string, false, {}},
          {"category", Type::long_integer, false,
           "1 corporate, 2 administrative, 3 risky, 4 VPN, 5 cloud provider, 6 other"},
          {"tags", Type::dynamic, false, "their names"},
          {"organization", Type::string, false, {}},
          {"location", Type::dynamic, false, "name, countryCode, latitude, longitude"},
          {"_Id", Type::string, false, "of the record"},
          {"_Tenant", Type::string, false, {}},
          {"_Source", Type::string, false, {}}};
}

std::string subnet_rows(const RecordView& record, std::string_view tenant, std::string_view source) {
  JsonDocument reader;
  Arena arena;
  const auto object = read_dynamic(record.raw, reader, arena);
  if (record.is_quarantined || !object || object->kind != Dynamic::Kind::bag) return {};
  const Dynamic* ranges = find_member(*object, "subnets");
  if (ranges == nullptr || ranges->kind != Dynamic::Kind::array) return {};
  std::string rest = fmt::format(
      R"("name":{},"category":{},"tags":{},"organization":{},"location":{},"_Id":{},"_Tenant":{},"_Source":{}}})",
      json_of(find_member(*object, "name")), json_of(find_member(*object, "category")),
      tag_names(find_member(*object, "tags")), json_of(find_member(*object, "organization")),
      json_of(find_member(*object, "location")), json_quote(record.id), json_quote(tenant), json_quote(source));
  std::string rows;
  for (const Dynamic& entry : ranges->items)
    if (const auto range = range_of(entry)) rows += fmt::format("{{\"range\":{},{}\n", json_quote(*range), rest);
  return rows;
}

}  // namespace capstan::kql
