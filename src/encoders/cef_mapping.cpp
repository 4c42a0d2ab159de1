#include "cef_mapping.h"

#include <algorithm>

namespace capstan::cef {

namespace {

using enum Conversion;

constexpr std::string_view device_ipv6 = "Device IPv6 Address";

// The agent's keys in the agent's order (0.111 and later), in both profiles.
constexpr std::array activity_keys = {
    Key{"externalId", "", record_id, {}},
    Key{"rt", "", event_time, {}},
    Key{"start", "", event_time, {}},
    Key{"end", "", event_time, {}},
    Key{"msg", "", text, {"description"}},
    // Records of log-ins carry no user.userName; a refused log-in has its name apart.
    Key{"suser", "", text, {"user.userName", "failedUserData.userName", "resolvedActor.name"}},
    Key{"destinationServiceName", "", text, {"appName"}},
    Key{"dvc", "", ipv4, {"device.clientIP"}},
    Key{"requestClientApplication", "", text, {"device.userAgent"}},
    Key{"cs1", "portalURL", activity_url, {}},
    Key{"cs2", "uniqueServiceAppIds", app_ids, {"appId"}},
    Key{"cs3", "targetObjects", join, {"mainInfo.eventObjects[].name"}},
    // No member of the API's records holds the policies of an activity.
    Key{"cs4", "policyIDs", nothing, {}, In::siem_agent},
    Key{"c6a1", device_ipv6, ipv6, {"device.clientIP"}},
    Key{"act", "", update_mark, {}, In::strict},
};

// The agent's keys and order (0.102 and later); strict adds rt, the address that release 173 added (no line with it is
// public), and what changes in an alert.
constexpr std::array alert_keys = {
    Key{"externalId", "", record_id, {}},
    Key{"rt", "", event_time, {}, In::strict},
    Key{"start", "", event_time, {}},
    Key{"end", "", event_time, {}},
    Key{"msg", "", text, {"description"}},
    Key{"suser", "", text, {"entities[type=account].pa", "entities[type=user].label", "entities[type=account].label"}},
    Key{"destinationServiceName", "", text, {"entities[type=service].label"}},
    Key{"src", "", ipv4, {"entities[type=ip].id"}, In::strict},
    Key{"cn1", "riskScore", nothing, {}, In::siem_agent},
    Key{"cn1", "riskScore", integer, {"threatScore"}, In::strict},
    Key{"cs1", "portalURL", text, {"URL"}},
    Key{"cs2", "uniqueServiceAppIds", app_ids, {"entities[type=service].id"}},
    Key{"cs3", "relatedAudits", join, {"audits[]"}},
    Key{"cs4", "policyIDs", join, {"entities[type=policyRule].id", "policy.id"}},
    Key{"cs5", "status", alert_status, {"statusValue"}, In::strict},
    Key{"cs6", "resolutionStatus", resolution, {"resolutionStatusValue"}, In::strict},
    Key{"c6a1", device_ipv6, ipv6, {"entities[type=ip].id"}, In::strict},
    Key{"act", "", update_mark, {}, In::strict},
};

// The agent never sent inventories: one table for both profiles.
constexpr std::array entity_keys = {
    Key{"externalId", "", record_id, {}},
    Key{"rt", "", event_time, {}},
    Key{"msg", "", text, {"displayName"}},
    Key{"suser", "", text, {"email", "displayName"}},
    Key{"suid", "", text, {"id"}},
    Key{"spriv", "", text, {"role"}},
    Key{"sourceDnsDomain", "", text, {"domain"}},
    Key{"destinationServiceName", "", text, {"appData.name"}},
    Key{"cn1", "riskScore", integer, {"threatScore"}},
    Key{"cs1", "entityStatus", entity_status, {"status"}},
    Key{"cs2", "uniqueServiceAppIds", app_ids, {"appData.appId"}},
    Key{"cs3", "userGroups", join, {"userGroups[].name"}},
    Key{"cs4", "organization", text, {"organization"}},
    Key{"cs5", "isAdmin", text, {"isAdmin"}},
    Key{"cs6", "isExternal", text, {"isExternal"}},
    Key{"deviceCustomDate1", "lastSeen", epoch_ms, {"lastSeen"}},
    Key{"act", "", update_mark, {}, In::strict},
};

// Type, access level and status are pairs such as [4,"TEXT"].
constexpr std::array file_keys = {
    Key{"externalId", "", record_id, {}},
    Key{"rt", "", event_time, {}},
    Key{"fname", "", text, {"name"}},
    Key{"filePath", "", text, {"filePath"}},
    Key{"fileId", "", text, {"id"}},
    Key{"fsize", "", integer, {"fileSize"}},
    Key{"fileType", "", text, {"fileType[1]", "mimeType"}},
    Key{"fileCreateTime", "", epoch_ms, {"createdDate"}},
    Key{"fileModificationTime", "", epoch_ms, {"modifiedDate"}},
    Key{"suser", "", text, {"ownerAddress", "ownerName"}},
    Key{"destinationServiceName", "", text, {"appName"}},
    Key{"request", "", text, {"alternateLink"}},
    Key{"cs1", "accessLevel", text, {"fileAccessLevel[1]"}},
    Key{"cs2", "uniqueServiceAppIds", app_ids, {"appId"}},
    Key{"cs3", "collaborators", join, {"collaborators[].name"}},
    Key{"cs4", "fileStatus", text, {"fileStatus[1]"}},
    Key{"act", "", update_mark, {}, In::strict},
};

constexpr std::array subnet_keys = {
    Key{"externalId", "", record_id, {}},
    Key{"rt", "", event_time, {}},
    Key{"msg", "", text, {"name"}},
    Key{"cs1", "ranges", join, {"subnets[].originalString"}},
    Key{"cs2", "category", subnet_category, {"category"}},
    Key{"cs3", "tags", join, {"tags[].name"}},
    Key{"cs4", "organization", text, {"organization"}},
    Key{"cs5", "location", text, {"location.name", "location.countryCode"}},
    Key{"deviceCustomDate1", "lastModified", epoch_ms, {"lastModified"}},
    Key{"act", "", update_mark, {}, In::strict},
};

constexpr std::array other_keys = {
    Key{"externalId", "", record_id, {}},
    Key{"rt", "", event_time, {}},
    Key{"msg", "", raw_record, {}},
    Key{"act", "", update_mark, {}, In::strict},
};

constexpr std::array quarantined_keys = {
    Key{"externalId", "", record_id, {}},
    Key{"rt", "", event_time, {}},
    Key{"reason", "", reason, {}},
    Key{"msg", "", raw_record, {}},
    Key{"act", "", update_mark, {}, In::strict},
};

constexpr Key none{"", "", nothing, {}};

constexpr std::array all_mappings = {
    Mapping{"activities", Key{"", "", text, {"eventTypeName", "eventTypeValue"}}, "EVENT_CATEGORY_UNSPECIFIED",
            Key{"", "", head, {"description", "eventTypeName"}}, "Activity", none, "0", activity_keys},
    // Severity 3 stands in every public line of an alert, all of them matches of activity policies.
    Mapping{"alerts", Key{"", "", alert_type, {"idValue"}}, "ALERT_UNSPECIFIED",
            Key{"", "", text, {"title", "policy.label"}}, "Alert", Key{"", "", alert_severity, {"severityValue"}}, "3",
            alert_keys},
    Mapping{"entities", none, "INVENTORY_ENTITY", Key{"", "", text, {"displayName", "email"}}, "Entity", none, "0",
            entity_keys},
    Mapping{"files", none, "INVENTORY_FILE", Key{"", "", text, {"name"}}, "File", none, "0", file_keys},
    Mapping{"subnets", none, "INVENTORY_SUBNET", Key{"", "", text, {"name"}}, "Subnet", none, "0", subnet_keys},
};

constexpr Key feed_name{"", "", feed, {}};
constexpr Mapping other{"", feed_name, "RECORD", feed_name, "Record", none, "0", other_keys};
constexpr Mapping quarantined{"", none, "QUARANTINED_RECORD", none, "Quarantined record", none, "0", quarantined_keys};

struct Length {
  std::string_view key;
  std::size_t bytes;
};

// Of the keys above, from the dictionary of the standard; numbers, dates and addresses cannot be too long.
constexpr std::array lengths = {
    Length{"act", 63},
    Length{"cs1", 4000},
    Length{"cs2", 4000},
    Length{"cs3", 4000},
    Length{"cs4", 4000},
    Length{"cs5", 4000},
    Length{"cs6", 4000},
    Length{"destinationServiceName", 1023},
    Length{"fileId", 1023},
    Length{"filePath", 1023},
    Length{"fileType", 1023},
    Length{"fname", 1023},
    Length{"msg", 1023},
    Length{"reason", 1023},
    Length{"request", 1023},
    Length{"requestClientApplication", 1023},
    Length{"sourceDnsDomain", 255},
    Length{"spriv", 1023},
    Length{"suid", 1023},
    Length{"suser", 1023},
};

}  // namespace

std::span<const Mapping> mappings() { return all_mappings; }

const Mapping& other_mapping() { return other; }

const Mapping& quarantined_mapping() { return quarantined; }

std::size_t length_max(std::string_view key) {
  const auto found = std::find_if(lengths.begin(), lengths.end(), [&](const Length& l) { return l.key == key; });
  return found == lengths.end() ? no_limit : found->bytes;
}

}  // namespace capstan::cef
