#include <fmt/format.h>

#include "cast.h"
#include "dice.h"
#include "json_text.h"
#include "records.h"

namespace capstan::simulator {
namespace {

struct Kind {
  std::string_view title;
  std::string_view policy_type;
  int id_value;
  int story;
  int intent;
  bool is_system;
  std::string_view description;  // {0}: person, {1}: place, {2}: file
};

constexpr Kind kinds[] = {
    {"Impossible travel", "ANOMALY_DETECTION", 15859716, 0, 2, true,
     "<p>The user {0} signed in from {1} and from a place too far away.<br>If these addresses are known, add them to "
     "the "
     "<a href=\"#/subnet\">IP address ranges</a>.</p>"},
    {"Mass download by a single user", "ANOMALY_DETECTION", 15859719, 0, 11, true,
     "The user {0} downloaded 214 files within 5 minutes."},
    {"Confidential file shared outside", "FILE", 15728642, 5, 0, false,
     "File policy 'Confidential file shared outside' __siteIcon__ was matched by '{2}'"},
    {"Log on from a new country", "AUDIT", 15859713, 0, 2, false,
     "Activity policy ''Log on from a new country'' was triggered by ''{0}'' = \"{1}\" | C:\\temp"},
    {"Risky sign-in", "ANOMALY_DETECTION", 15795457, 0, 2, true,
     "{0} performed a risky sign-in.<br><br>Unfamiliar sign-in properties"},
    {"Unusual administrative activity", "ANOMALY_DETECTION", 15859721, 1, 4, true,
     "The user {0} performed an unusual number of administrative activities\nfrom {1}."},
    {"New cloud app in use", "NEW_SERVICE", 15794945, 4, 0, false, "A new app was discovered."}};

class Alerts final : public Records {
public:
  explicit Alerts(const Company& company) : company_(company), activities_(generated_activities(company)) {}

  std::string id(std::uint32_t index) const override {
    return id_digits(company_.seed, Stream::alerts, index) + hex_digits(mix(index), 8);
  }
  std::optional<std::uint32_t> find(std::string_view id) const override {
    return id.size() == 24 ? index_of_digits(company_.seed, Stream::alerts, id) : std::nullopt;
  }
  void write(const Entry& entry, std::string& out) const override;

private:
  void write_entities(JsonText& json, const Kind& kind, Dice dice, const Person& who, std::string_view policy) const;
  void write_evidence(JsonText& json, Dice& dice) const;
  void write_state(JsonText& json, const Entry& entry, Dice dice) const;
  void write_audits(JsonText& json, Dice dice) const;

  Company company_;
  std::unique_ptr<Records> activities_;
};

void Alerts::write(const Entry& entry, std::string& out) const {
  Dice dice(company_.seed, static_cast<std::uint64_t>(Stream::alerts), entry.index);
  const Kind& kind = kinds[dice.below(std::size(kinds))];
  const Person who = person(company_, static_cast<std::uint32_t>(dice.below(people_count)));
  const std::string policy = hex_digits(company_.seed ^ static_cast<std::uint64_t>(kind.id_value), 24);
  const std::uint64_t scene = dice.next();
  const std::string id_text = id(entry.index);
  JsonText json(out);
  json.open().text("_id", id_text).text("contextId", company_.tenant_guid).number("timestamp", entry.moment.event);
  json.text("title", kind.title);
  json.text("description",
            fmt::format(fmt::runtime(kind.description), who.address, place(scene).city, file_name(scene)));
  if (kind.policy_type != "NEW_SERVICE" || dice.below(2) == 0) write_entities(json, kind, dice, who, policy);
  if (!kind.is_system) {
    json.open("policy").text("id", policy).text("label", kind.title).text("policyType", kind.policy_type);
    json.text("type", "policyRule").close();
  }
  write_evidence(json, dice);
  json.open_list("stories")
      .number("", kind.story)
      .close_list()
      .open_list("intent")
      .number("", kind.intent)
      .close_list();
  json.number("threatScore", static_cast<std::int64_t>(dice.below(100))).number("idValue", kind.id_value);
  json.number("severityValue", static_cast<std::int64_t>(dice.below(4)));
  json.flag("isSystemAlert", kind.is_system).flag("isPreview", false).flag("isMarkdown", false);
  write_audits(json, dice);
  write_state(json, entry, dice);
  json.text("URL", fmt::format("https://{}.portal.cloudappsecurity.com/#/alerts/{}", company_.name, id_text)).close();
}

void Alerts::write_entities(JsonText& json, const Kind& kind, Dice dice, const Person& who,
                            std::string_view policy) const {
  json.open_list("entities");
  json.open().text("id", policy).text("label", kind.title).text("policyType", kind.policy_type);
  json.text("type", "policyRule").close();
  json.open().text("type", "account").text("label", who.name).text("id", who.guid).number("saas", 11161);
  json.number("inst", 0).text("pa", who.address).number("entityType", 2);
  if (dice.below(2) == 0) json.text("em", who.address).text("entityRole", "Source");
  json.close();
  json.open().text("id", who.address).text("label", who.address).text("type", "user").close();
  const auto addresses = dice.below(4);
  for (std::uint64_t i = 0; i < addresses; ++i) {
    const std::string address = ip_address(dice.next());
    json.open().text("id", address).text("label", address).text("type", "ip");
    if (i == 0) json.flag("triggeredAlert", true);
    json.close();
    const Place& where = place(dice.next());
    json.open().text("id", where.country).text("label", where.country).text("type", "country").close();
  }
  const auto services = 1 + dice.below(3);
  for (std::uint64_t i = 0; i < services; ++i) {
    const Application& app = application(dice.next());
    json.open().number("id", app.id).text("label", app.name).text("type", "service").close();
  }
  if (kind.policy_type == "FILE") {
    json.open().text("id",
                     fmt::format("{}|{}", as_guid(hex_digits(dice.next(), 32)), as_guid(hex_digits(dice.next(), 32))));
    json.text("label", file_name(dice.next())).text("type", "file").close();
  }
  for (auto devices = dice.below(3); devices > 0; --devices) {
    json.open()
        .text("id", as_guid(hex_digits(dice.next(), 32)))
        .text("label", fmt::format("LT-{:05}", dice.below(100'000)));
    json.text("type", "device").text("entityRole", "Related").close();
  }
  if (dice.below(3) == 0)
    json.open().text("type", "groupTag").text("id", hex_digits(company_.seed ^ 77, 24)).text("label", "Staff").close();
  json.close_list();
}

void Alerts::write_evidence(JsonText& json, Dice& dice) const {
  json.open_list("evidence").open().open("title").text("template", "ANUBIS_ADMIN_USER_FEATURE");
  json.open("parameters").text("app", application(dice.next()).name).close().close().close();
  json.open().open("title").text("template", "ALERTS_MITRE_TACTIC").open("parameters").text("tactic", "INITIAL_ACCESS");
  json.open("mitre").text("type", "link").text("label", "MITRE").text("alternateLink", "https://attack.example/?a=1|b");
  json.close().close().close().close().close_list();
  json.open_list("threatScoreReasoning").open().text("template", "UEBA_ALERTS_TENANT_USAGE_EVIDENCE");
  json.open("parameters").number("usage", 1).number("userPercent", static_cast<std::int64_t>(dice.below(100)));
  json.close().close().close_list();
}

void Alerts::write_audits(JsonText& json, Dice dice) const {
  if (company_.activities == 0 || dice.below(3) == 0) return;
  json.open_list("audits");
  for (auto more = 1 + dice.below(4); more > 0; --more)
    json.text("", activities_->id(static_cast<std::uint32_t>(dice.below(company_.activities))));
  json.close_list();
}

// What changes while an alert is worked on: read, then resolved, then commented again and again. Three in ten were
// resolved before anybody asked.
void Alerts::write_state(JsonText& json, const Entry& entry, Dice dice) const {
  const bool was_resolved = dice.below(10) < 3;
  const bool is_resolved = was_resolved || entry.version >= 3;
  json.number("statusValue", is_resolved || entry.version >= 2 ? 1 : 0);
  json.number("resolutionStatusValue", is_resolved ? dice.between(2, 5) : 0);
  if (is_resolved)
    json.text("resolveTime", iso_time(entry.version >= 2 ? entry.changed : entry.moment.created + 60'000));
  if (entry.version >= 2) {
    json.text("comment", fmt::format("looked at {} times", entry.version - 1));
    json.text("handledByUser", fmt::format("soc{}@{}", entry.version, company_.domain));
  } else {
    json.null("comment").null("handledByUser");
  }
}

}  // namespace

std::unique_ptr<Records> generated_alerts(const Company& company) { return std::make_unique<Alerts>(company); }

}  // namespace capstan::simulator
