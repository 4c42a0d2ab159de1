#include <fmt/format.h>

#include "cast.h"
#include "dice.h"
#include "json_text.h"
#include "records.h"

namespace capstan::simulator {
namespace {

struct Operation {
  std::string_view name;         // as the application calls it
  std::string_view category;     // eventTypeName
  std::string_view event_value;  // eventTypeValue
  int event_type;
  std::string_view kind;     // mainInfo.type
  std::string_view generic;  // genericEventType
  std::string_view description;
  bool has_file;
};

constexpr Operation operations[] = {
    {"FilePreviewed", "EVENT_CATEGORY_VIEW", "EVENT_O365_ONEDRIVE_GENERIC", 233580, "basic",
     "ENUM_ACTIVITY_GENERIC_TYPE_BASIC", "View file: file {}", true},
    {"FileDownloaded", "EVENT_CATEGORY_DOWNLOAD_FILE", "EVENT_O365_ONEDRIVE_GENERIC", 233580, "basic",
     "ENUM_ACTIVITY_GENERIC_TYPE_BASIC", "Download file: file {}", true},
    {"FileUploaded", "EVENT_CATEGORY_UPLOAD_FILE", "EVENT_O365_ONEDRIVE_GENERIC", 233580, "basic",
     "ENUM_ACTIVITY_GENERIC_TYPE_BASIC", "Upload file: file {}", true},
    {"FileDeleted", "EVENT_CATEGORY_DELETE_FILE", "EVENT_O365_ONEDRIVE_GENERIC", 233580, "basic",
     "ENUM_ACTIVITY_GENERIC_TYPE_BASIC", "Delete file: file {}", true},
    {"SharingSet", "EVENT_CATEGORY_SHARE_FILE", "EVENT_O365_ONEDRIVE_GENERIC", 233580, "basic",
     "ENUM_ACTIVITY_GENERIC_TYPE_BASIC", "Share file: file {}", true},
    {"MailItemsAccessed", "EVENT_CATEGORY_UNSPECIFIED", "EVENT_O365_EXCHANGE_GENERIC", 917543, "basic",
     "ENUM_ACTIVITY_GENERIC_TYPE_BASIC", "MailItemsAccessed", false},
    {"UserLoggedIn", "EVENT_CATEGORY_LOGIN", "EVENT_AAD_LOGIN", 2293760, "login", "ENUM_ACTIVITY_GENERIC_TYPE_LOGIN",
     "Log on", false},
    {"UserLoginFailed", "EVENT_CATEGORY_FAILED_LOGIN", "EVENT_AAD_LOGIN_FAILED", 2293761, "failedLogin",
     "ENUM_ACTIVITY_GENERIC_TYPE_FAILED_LOGIN", "Failed log on (Failure message: the password\nwas not right)", false},
    {"Add member to role.", "EVENT_CATEGORY_UPDATE_USER", "EVENT_AAD_DIRECTORY", 2293764, "unknown",
     "ENUM_ACTIVITY_GENERIC_TYPE_UNKNOWN", "Update user: add member to role | Global Reader", false},
    {"RunQuery", "EVENT_CATEGORY_RUN_COMMAND", "EVENT_GENERIC", 917504, "basic", "ENUM_ACTIVITY_GENERIC_TYPE_BASIC",
     "Run command: query \"a=b|c\\d\"", false}};

// All that a record's text is made of, thrown once.
struct Facts {
  const Application& app;
  const Operation& operation;
  const Place& where;
  const Browser& agent;
  Person who;
  std::string ip;
  std::string digits;
  std::uint64_t random;
  bool is_login() const { return operation.kind == "login" || operation.kind == "failedLogin"; }
  std::string file_link() const {
    return fmt::format("https://files.example/personal/{}/Documents/{}/{}",
                       who.address.substr(0, who.address.find('@')), hex_digits(random, 6), file_name(random));
  }
};

class Activities final : public Records {
public:
  explicit Activities(const Company& company) : company_(company) {}

  std::string id(std::uint32_t index) const override {
    Dice dice(company_.seed, static_cast<std::uint64_t>(Stream::activities), index);
    return id_of(index, application(dice.next()));
  }
  std::optional<std::uint32_t> find(std::string_view id) const override {
    // The first digits stand behind the tenant and the application or time, which are shorter than sixteen.
    return index_of_digits(company_.seed, Stream::activities, id);
  }
  void write(const Entry& entry, std::string& out) const override;

private:
  // The three forms that the service uses, by where the event comes from.
  std::string id_of(std::uint32_t index, const Application& app) const {
    const std::string first = id_digits(company_.seed, Stream::activities, index);
    const std::uint64_t more = company_.seed ^ mix(index);
    switch (app.connector) {
      case 11161:
        if (app.id == 11161) return first + hex_digits(more, 48);
        return fmt::format("{}_{}_{}", company_.tenant_number, app.id, as_guid(first + hex_digits(more, 16)));
      case 0:
        return fmt::format("{}_{}_{}", company_.tenant_number, 1'500'000'000'000 + index, first + hex_digits(more, 16));
      default:
        return fmt::format("{}_{}_{}", company_.tenant_number, app.id, as_guid(first + hex_digits(more, 16)));
    }
  }
  void write_client(JsonText& json, const Facts& facts) const;
  void write_objects(JsonText& json, const Facts& facts) const;
  void write_raw(JsonText& json, const Facts& facts, const Moment& moment) const;
  void write_people(JsonText& json, const Facts& facts) const;

  Company company_;
};

void Activities::write(const Entry& entry, std::string& out) const {
  Dice dice(company_.seed, static_cast<std::uint64_t>(Stream::activities), entry.index);
  const Application& app = application(dice.next());
  const Facts facts{app,
                    operations[dice.below(std::size(operations))],
                    place(dice.next()),
                    browser(dice.next()),
                    person(company_, static_cast<std::uint32_t>(dice.below(people_count))),
                    ip_address(dice.next()),
                    id_digits(company_.seed, Stream::activities, entry.index),
                    dice.next()};
  const std::string id = id_of(entry.index, app);
  const std::int64_t received =
      entry.moment.created - std::min<std::int64_t>(2000, (entry.moment.created - entry.moment.event) / 8);
  JsonText json(out);
  json.open().text("_id", id).number("tenantId", company_.tenant_number).text("aadTenantId", company_.tenant_guid);
  json.number("appId", app.id).number("saasId", app.id);
  json.number("timestamp", entry.moment.event).number("timestampRaw", entry.moment.event);
  json.number("instantiation", received).number("instantiationRaw", received);
  json.number("created", entry.moment.created).number("createdRaw", entry.moment.created);
  json.number("eventType", facts.operation.event_type).text("eventTypeValue", facts.operation.event_value);
  json.open("eventRouting").flag("lograbber", app.connector != 0).flag("auditing", true);
  if (app.connector == 0) json.flag("adminEvent", true);
  json.close();
  write_client(json, facts);
  write_objects(json, facts);
  if (app.connector != 0) json.number("confidenceLevel", facts.is_login() ? 30 : 20).number("srcAppId", app.connector);
  json.number("source", 2);
  write_raw(json, facts, entry.moment);
  write_people(json, facts);
  json.text("uid", id).text("appName", app.name).text("eventTypeName", facts.operation.category);
  json.open_list("classifications");
  if (facts.is_login()) json.text("", "access");
  json.close_list().text("description_id", "EVENT_DESCRIPTION_BASIC_EVENT");
  json.open("description_metadata").text("operation_name", facts.operation.name).close();
  json.text("description", facts.operation.has_file
                               ? fmt::format(fmt::runtime(facts.operation.description), file_name(facts.random))
                               : std::string(facts.operation.description));
  json.text("genericEventType", facts.operation.generic).text("severity", "INFO").close();
}

void Activities::write_client(JsonText& json, const Facts& facts) const {
  const Place& where = facts.where;
  const Browser& agent = facts.agent;
  json.open("device").text("clientIP", facts.ip).text("userAgent", agent.text);
  json.text("countryCode", where.country).close();
  json.open("location").text("countryCode", where.country).text("city", where.city);
  json.raw("longitude", where.longitude).raw("latitude", where.latitude);
  json.text("organizationSearchable", where.carrier).flag("anonymousProxy", facts.random % 50 == 0);
  json.number("category", facts.random % 9 == 0 ? 1 : 0);
  json.text("categoryValue", facts.random % 9 == 0 ? "CORPORATE" : "NONE").text("carrier", where.carrier).close();
  json.open("user");
  if (facts.operation.kind != "login") json.text("userName", facts.who.address);
  json.open_list("userTags");
  if (facts.who.is_external) json.text("", "000000200000000000000000");
  json.text("", hex_digits(company_.seed ^ 77, 24)).close_list().close();
  if (facts.operation.kind == "failedLogin") json.open("failedUserData").text("userName", facts.who.address).close();
  const std::string_view major = agent.version.substr(0, agent.version.find('.'));
  json.open("userAgent").text("family", agent.family).text("name", agent.family).text("major", major);
  json.text("minor", "0").text("version", agent.version);
  json.open("operatingSystem").text("name", agent.system).close();
  json.text("type", "Browser").text("deviceType", agent.device);
  json.text("browser", agent.family);
  json.open_list("tags").close_list().close();
  if (facts.is_login()) json.open("session").text("sessionId", hex_digits(facts.random ^ 5, 64)).close();
  json.open("internals").open_list("otherIPs").text("", facts.ip).close_list().close();
}

void Activities::write_objects(JsonText& json, const Facts& facts) const {
  const Person& who = facts.who;
  json.open("mainInfo").open_list("eventObjects");
  if (facts.operation.has_file) {
    json.open().number("objType", 1).number("role", 3).open_list("tags").close_list();
    json.text("name", file_name(facts.random)).text("id", as_guid(hex_digits(facts.random ^ 1, 32)));
    json.text("serviceObjectType", "File").close();
  } else {
    json.open().text("id", as_guid(hex_digits(facts.random ^ 2, 32))).text("name", "Request ID");
    json.number("objType", 7).number("role", 3).open_list("tags").close_list();
    json.text("value", facts.random % 2 == 0 ? "true" : "scope=all|mode=\\silent\\").close();
  }
  json.open().number("objType", 21).number("role", 4).text("name", who.name);
  json.flag("resolved", true).number("saasId", 11161).text("id", who.address);
  json.close();
  json.open().number("objType", 23).number("role", 4).open_list("tags").text("", hex_digits(company_.seed ^ 77, 24));
  json.close_list().text("name", who.name).flag("resolved", true).number("saasId", 11161);
  json.text("id", who.guid).close().close_list();
  json.text("rawOperationName", facts.operation.name).text("prettyOperationName", facts.operation.name);
  if (facts.is_login()) {
    json.open("activityResult").flag("isSuccess", facts.operation.kind == "login");
    if (facts.operation.kind == "failedLogin") json.text("message", "AADSTS50126: the password was not right");
    json.close();
  }
  json.text("type", facts.operation.kind).close();
}

// What the application itself said: any shape, names that differ in case only, numbers above 2^53, line ends.
void Activities::write_raw(JsonText& json, const Facts& facts, const Moment& moment) const {
  const auto large = static_cast<std::int64_t>((1ULL << 53) + 1 + facts.random % (1ULL << 60));
  json.open("rawDataJson").text("CreationTime", iso_time(moment.event));
  json.number("RecordType", static_cast<std::int64_t>(facts.random % 90));
  json.text("Id", as_guid(facts.digits + hex_digits(facts.random ^ 4, 16))).number("id", large);
  json.text("Level", "Informational").number("level", static_cast<std::int64_t>(facts.random % 5)).null("EventName");
  json.text("UserId", facts.who.address);
  if (facts.operation.has_file) {
    json.text("ObjectId", facts.file_link()).text("SourceFileName", file_name(facts.random));
    json.number("FileSizeBytes", static_cast<std::int64_t>(facts.random % 50'000'000));
  }
  json.open_list("ExtendedProperties").open().text("Name", "path");
  json.text("Value", "C:\\Public|x=1\nsecond line\tafter a tab").close().close_list().close();
}

void Activities::write_people(JsonText& json, const Facts& facts) const {
  const Person& who = facts.who;
  json.open("resolvedActor").text("id", who.guid).text("saasId", "11161").text("instanceId", "0");
  json.text("objType", "23");
  json.text("name", who.name).text("role", "4").flag("resolved", true).close();
  const auto named = [&](std::string_view key, std::string_view id) {
    json.open(key).text("displayName", who.name);
    json.open("id").text("id", id).number("saas", 11161).number("inst", 0).close().flag("resolved", true).close();
  };
  json.open("entityData");
  named("0", who.address);
  json.null("1");
  named("2", who.guid);
  json.close();
}

}  // namespace

std::unique_ptr<Records> generated_activities(const Company& company) { return std::make_unique<Activities>(company); }

}  // namespace capstan::simulator
