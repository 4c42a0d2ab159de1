#include <fmt/format.h>

#include "cast.h"
#include "dice.h"
#include "json_text.h"
#include "records.h"

namespace capstan::simulator {
namespace {

class Subnets final : public Records {
public:
  explicit Subnets(const Company& company) : company_(company) {}

  std::string id(std::uint32_t index) const override {
    return id_digits(company_.seed, Stream::subnets, index) + hex_digits(mix(index), 8);
  }
  std::optional<std::uint32_t> find(std::string_view id) const override {
    return id.size() == 24 ? index_of_digits(company_.seed, Stream::subnets, id) : std::nullopt;
  }
  void write(const Entry& entry, std::string& out) const override;

private:
  Company company_;
};

// IPv4 is stored as IPv4-mapped IPv6, written out in full, the host bits cleared; the user's own text is kept.
void network(JsonText& json, std::uint32_t address, unsigned prefix) {
  const std::uint32_t cleared = prefix == 0 ? 0 : address & (0xffffffffU << (32 - prefix));
  json.open().number("mask", 96 + static_cast<std::int64_t>(prefix));
  json.text("address", fmt::format("0000:0000:0000:0000:0000:ffff:{:04x}:{:04x}", cleared >> 16, cleared & 0xffff));
  json.text("originalString", fmt::format("{}.{}.{}.{}/{}", address >> 24, (address >> 16) & 255, (address >> 8) & 255,
                                          address & 255, prefix));
  json.close();
}

void Subnets::write(const Entry& entry, std::string& out) const {
  Dice dice(company_.seed, static_cast<std::uint64_t>(Stream::subnets), entry.index);
  JsonText json(out);
  json.open()
      .text("_id", id(entry.index))
      .text("name", fmt::format("range {} | {}", entry.index, department(dice.next())));
  json.open_list("subnets");
  for (auto more = 1 + dice.below(3); more > 0; --more)
    network(json, 0x0a000000U + static_cast<std::uint32_t>(dice.below(1U << 24)),
            static_cast<unsigned>(16 + dice.below(17)));
  json.close_list();
  const Place& where = place(dice.next());
  if (dice.below(2) == 0) {
    json.open("location").text("name", where.region).raw("latitude", where.latitude).raw("longitude", where.longitude);
    json.text("countryCode", where.country).text("countryName", where.region).close();
  } else {
    json.null("location");
  }
  if (entry.version >= 2) {
    json.text("organization", fmt::format("{} {}", where.carrier, entry.version));
  } else {
    json.null("organization");
  }
  json.open_list("tags");
  if (dice.below(3) == 0) {
    json.open().text("_id", hex_digits(company_.seed ^ 41, 24)).text("id", "000000290000000000000000");
    json.number("target", 1).number("type", 2).text("name", "Branch office").number("status", 0);
    json.number("_tid", company_.tenant_number).close();
  }
  json.close_list().number("category", static_cast<std::int64_t>(1 + dice.below(6)));
  const std::int64_t modified = entry.changed != 0 ? entry.changed : entry.moment.created;
  json.raw("lastModified", fmt::format("{}.{:04}", modified, 1 + dice.below(9999)));
  json.number("_tid", company_.tenant_number).close();
}

}  // namespace

std::unique_ptr<Records> generated_subnets(const Company& company) { return std::make_unique<Subnets>(company); }

}  // namespace capstan::simulator
