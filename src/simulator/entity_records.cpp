#include <fmt/format.h>

#include "cast.h"
#include "dice.h"
#include "json_text.h"
#include "records.h"

namespace capstan::simulator {
namespace {

class Entities final : public Records {
public:
  explicit Entities(const Company& company) : company_(company) {}

  std::string id(std::uint32_t index) const override {
    return id_digits(company_.seed, Stream::entities, index) + hex_digits(mix(index), 8);
  }
  // By `_id` and by the entity's `id`, which is a GUID that begins with the same digits.
  std::optional<std::uint32_t> find(std::string_view id) const override {
    return index_of_digits(company_.seed, Stream::entities, id);
  }
  void write(const Entry& entry, std::string& out) const override;

private:
  void write_account(JsonText& json, const Entry& entry, const Person& who) const;
  void write_scores(JsonText& json, const Entry& entry, Dice dice) const;

  Company company_;
};

void group(JsonText& json, std::string_view id, std::string_view name, std::string_view description, int users) {
  json.open().text("_id", id).text("id", "000000200000000000000000").text("name", name);
  json.text("description", description).number("usersCount", users).close();
}

// Every fifth is an application's account, the others are users.
void Entities::write(const Entry& entry, std::string& out) const {
  Dice dice(company_.seed, static_cast<std::uint64_t>(Stream::entities), entry.index);
  const Person who = person(company_, entry.index);
  const bool is_application = dice.below(5) == 0;
  const bool is_admin = dice.below(15) == 0;
  const std::string name =
      is_application ? fmt::format("{} connector {}", application(dice.next()).name, entry.index) : who.name;
  JsonText json(out);
  json.open().number("type", is_application ? 1 : 2).number("status", entry.version % 5 == 4 ? 3 : 2);
  json.text("displayName", name).text("id", who.guid).text("_id", id(entry.index));
  json.open_list("userGroups");
  if (who.is_external)
    group(json, hex_digits(company_.seed ^ 21, 24), "External users", "Not a member of a managed domain", 106);
  if (is_application) group(json, hex_digits(company_.seed ^ 22, 24), "Application", "App-initiated", 562);
  group(json, hex_digits(company_.seed ^ mix(entry.index % 8), 24), department(entry.index), "Imported | \"directory\"",
        41);
  json.close_list().open_list("identifiers").close_list().null("sid");
  json.open("appData")
      .number("appId", 11161)
      .text("name", "Office 365")
      .number("saas", 11161)
      .number("instance", 0)
      .close();
  json.flag("isAdmin", is_admin).flag("isExternal", who.is_external);
  if (is_application) {
    json.null("email").null("role").null("organization").null("domain");
  } else {
    json.text("email", who.address).text("role", is_admin ? "Global Administrator" : "User").null("organization");
    json.text("domain", who.address.substr(who.address.find('@') + 1));
  }
  if (entry.moment.event != 0) {
    json.text("lastSeen", iso_time(entry.moment.event / 1000 * 1000).substr(0, 19) + "Z");
  } else if (dice.below(2) == 0) {
    json.null("lastSeen");
  }
  if (is_application) {
    json.null("scoreTrends").null("threatScore");
  } else {
    write_account(json, entry, who);
    write_scores(json, entry, dice);
  }
  json.open_list("subApps").close_list().number("idType", is_application ? 17 : 1).flag("isFake", false);
  json.text("ii", fmt::format("11161|0|{}", who.guid)).open_list("actions").close_list();
  // The service gives a JSON text here, with its blanks.
  json.text("username", fmt::format(R"({{"id": "{}", "saas": 11161, "inst": 0}})", who.guid)).null("sctime").close();
}

void Entities::write_account(JsonText& json, const Entry& entry, const Person& who) const {
  json.open_list("accounts").open().text("_id", fmt::format("fa-{}-11161", id(entry.index))).text("i", who.guid);
  json.text("ii", fmt::format("11161|0|{}", who.guid)).number("inst", 0).number("saas", 11161).number("t", 1);
  json.text("dn", who.name).flag("ext", who.is_external).number("s", 2).open_list("aliases").text("", who.address);
  json.text("", who.guid).close_list().flag("isFake", false).text("pa", who.address).text("em", who.address);
  json.open("sub").text("20893", iso_time(entry.moment.created)).close().text("p", "11161");
  json.text("ls", entry.moment.event == 0 ? "1970-01-01T00:00:00Z" : iso_time(entry.moment.event)).close().close_list();
}

void Entities::write_scores(JsonText& json, const Entry& entry, Dice dice) const {
  const auto score = static_cast<std::int64_t>((dice.below(60) + entry.version * 7) % 120);
  json.number("threatScore", score).open_list("threatScoreHistory");
  json.open().number("dateUtc", entry.moment.created).number("score", score).number("percentile", score / 2);
  json.close().close_list();
  json.open("scoreTrends")
      .open(iso_time(entry.moment.created).substr(0, 4) + "0101")
      .number("total", score)
      .close()
      .close();
}

}  // namespace

std::unique_ptr<Records> generated_entities(const Company& company) { return std::make_unique<Entities>(company); }

}  // namespace capstan::simulator
