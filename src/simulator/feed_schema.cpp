#include "feed_schema.h"

#include <algorithm>

namespace capstan::simulator {
namespace {

constexpr std::string_view equality = "eq neq";
constexpr std::string_view equality_or_set = "eq neq isset isnotset";
constexpr std::string_view date_operators = "lte gte range lte_ndays gte_ndays";
constexpr std::string_view time_operators = "lte gte range gt lt eq";

constexpr FilterField activity_filters[] = {
    {"service", equality, FieldKind::plain, "appId"},
    {"instance", equality, FieldKind::plain, "resolvedActor.instanceId"},
    {"user.orgUnit", equality_or_set, FieldKind::plain, "user.orgUnit"},
    {"actionType", "contains eq neq isset isnotset", FieldKind::plain, "mainInfo.rawOperationName"},
    {"activity.eventActionType", equality, FieldKind::plain, "eventTypeName"},
    {"activity.eventType", equality, FieldKind::plain, "eventTypeName"},
    {"activity.actionType", equality, FieldKind::plain, "mainInfo.rawOperationName"},
    {"activity.id", "eq", FieldKind::plain, "_id"},
    {"activity.impersonated", "eq", FieldKind::plain, "impersonated"},
    {"activity.type", "eq", FieldKind::plain, "eventRouting.adminEvent"},
    {"activity.takenAction", equality, FieldKind::plain, "takenAction"},
    {"activity.alertId", "eq", FieldKind::plain, "adallom.alertMongoId"},
    {"activityObject", equality, FieldKind::plain, "mainInfo.eventObjects.id"},
    {"device.type", equality, FieldKind::plain, "userAgent.deviceType"},
    {"device.tags", equality, FieldKind::plain, "userAgent.tags"},
    {"userAgent.userAgent", "contains ncontains", FieldKind::plain, "device.userAgent"},
    {"userAgent.tags", equality, FieldKind::plain, "userAgent.tags"},
    {"location.country", equality_or_set, FieldKind::plain, "location.countryCode"},
    {"location.organizations", "eq neq isset isnotset contains", FieldKind::plain, "location.organizationSearchable"},
    {"ip.address", "eq startswith doesnotstartwith isset isnotset neq", FieldKind::plain, "device.clientIP"},
    {"ip.category", equality, FieldKind::plain, "location.category"},
    {"ip.tags", equality, FieldKind::plain, "location.ipTags"},
    {"fileSelector", equality, FieldKind::entity, "mainInfo.eventObjects.id"},
    {"office365url", "startswith eq endswith", FieldKind::plain, "rawDataJson.ObjectId"},
    {"fileId", "eq", FieldKind::plain, "mainInfo.eventObjects.id"},
    {"fileLabels", "eq", FieldKind::plain, "fileLabels"},
    {"text", "eq startswithsingle text", FieldKind::full_text, "description"},
    {"policy", equality_or_set, FieldKind::plain, "policies"},
    {"source", equality, FieldKind::plain, "source"},
    {"date", date_operators, FieldKind::event},
    {"created", time_operators, FieldKind::created},
    {"entity", "eq neq isset isnotset startswith", FieldKind::entity, "mainInfo.eventObjects.id"},
    {"user.username", "eq neq isset isnotset startswith", FieldKind::plain, "user.userName"},
    {"user.tags", "eq neq isset isnotset startswith", FieldKind::plain, "user.userTags"},
    {"user.domain", equality_or_set, FieldKind::plain, "user.domain"}};
constexpr SortField activity_sorts[] = {{"date", TimeKey::event}, {"created", TimeKey::created}};

constexpr FilterField alert_filters[] = {{"entity.entity", equality, FieldKind::entity, "entities[type=account].id"},
                                         {"entity.ip", equality, FieldKind::plain, "entities[type=ip].id"},
                                         {"entity.service", equality, FieldKind::plain, "entities[type=service].id"},
                                         {"entity.instance", equality, FieldKind::plain, "entities[type=account].inst"},
                                         {"entity.policy", equality, FieldKind::plain, "entities[type=policyRule].id"},
                                         {"entity.file", equality, FieldKind::plain, "entities[type=file].id"},
                                         {"entity.user", "eq", FieldKind::plain, "entities[type=user].id"},
                                         {"alertOpen", "eq", FieldKind::open, "resolutionStatusValue"},
                                         {"severity", equality, FieldKind::plain, "severityValue"},
                                         {"resolutionStatus", equality, FieldKind::plain, "resolutionStatusValue"},
                                         {"read", "eq", FieldKind::read, "statusValue"},
                                         {"date", date_operators, FieldKind::event},
                                         {"resolutionDate", "lte gte range", FieldKind::time, "resolveTime"},
                                         {"risk", equality, FieldKind::plain, "threatScore"},
                                         {"alertType", equality, FieldKind::plain, "idValue"},
                                         {"id", equality, FieldKind::plain, "_id"},
                                         {"source", "eq", FieldKind::plain, "isSystemAlert"}};
constexpr SortField alert_sorts[] = {{"date", TimeKey::event}, {"severity", std::nullopt, "severityValue"}};

constexpr FilterField entity_filters[] = {{"type", equality, FieldKind::plain, "type"},
                                          {"isAdmin", "eq", FieldKind::plain, "isAdmin"},
                                          {"entity", equality, FieldKind::entity, "id"},
                                          {"userGroups", equality, FieldKind::plain, "userGroups._id"},
                                          {"app", equality, FieldKind::plain, "appData.appId"},
                                          {"instance", equality, FieldKind::plain, "appData.instance"},
                                          {"isExternal", "eq", FieldKind::plain, "isExternal"},
                                          {"domain", equality_or_set, FieldKind::plain, "domain"},
                                          {"organization", equality_or_set, FieldKind::plain, "organization"},
                                          {"status", equality, FieldKind::plain, "status"},
                                          {"displayName", equality, FieldKind::plain, "displayName"},
                                          {"score", equality, FieldKind::plain, "threatScore"},
                                          {"lastSeen", date_operators, FieldKind::event}};
constexpr SortField entity_sorts[] = {
    {"lastSeen", TimeKey::event}, {"date", TimeKey::event}, {"username", std::nullopt, "username"}};

constexpr FilterField file_filters[] = {
    {"service", equality, FieldKind::plain, "appId"},
    {"instance", equality, FieldKind::plain, "instId"},
    {"fileType", equality, FieldKind::plain, "ftype"},
    {"filename", "eq text", FieldKind::plain, "name"},
    {"modifiedDate", date_operators, FieldKind::event},
    {"createdDate", "lte gte range", FieldKind::created},
    {"snapshotLastModifiedDate", "lte gte range", FieldKind::time, "snapshotLastModifiedDate"},
    {"collaborators.entity", equality, FieldKind::entity, "collaborators.id"},
    {"collaborators.users", equality, FieldKind::plain, "emails"},
    {"owner.entity", equality, FieldKind::entity, "ownerAddress"},
    {"owner.username", equality, FieldKind::plain, "ownerAddress"},
    {"sharing", equality, FieldKind::plain, "facl"},
    {"fileId", equality, FieldKind::plain, "_id"},
    {"extension", equality, FieldKind::plain, "fileExtension"},
    {"mimeType", equality, FieldKind::plain, "mimeType"},
    {"folder", "eq", FieldKind::plain, "isFolder"},
    {"trashed", "eq", FieldKind::plain, "isTrashed"},
    {"quarantined", "eq", FieldKind::plain, "isQuarantined"}};
constexpr SortField file_sorts[] = {{"modifiedDate", TimeKey::event}};

constexpr FilterField subnet_filters[] = {{"category", equality, FieldKind::plain, "category"},
                                          {"tags", equality, FieldKind::plain, "tags._id"},
                                          {"builtIn", "eq", FieldKind::plain, "builtIn"}};
constexpr SortField subnet_sorts[] = {
    {"name", std::nullopt, "name"}, {"category", std::nullopt, "category"}, {"tags", std::nullopt, "tags.name"}};

}  // namespace

const FilterField* FeedSchema::filter(std::string_view name) const {
  const auto found = std::ranges::find(filters, name, &FilterField::name);
  return found == filters.end() ? nullptr : &*found;
}

const SortField* FeedSchema::sort(std::string_view name) const {
  const auto found = std::ranges::find(sorts, name, &SortField::name);
  return found == sorts.end() ? nullptr : &*found;
}

const FeedSchema& activities_schema() {
  static constexpr FeedSchema schema{"activities", activity_filters, activity_sorts};
  return schema;
}
const FeedSchema& alerts_schema() {
  static constexpr FeedSchema schema{"alerts", alert_filters, alert_sorts};
  return schema;
}
const FeedSchema& entities_schema() {
  static constexpr FeedSchema schema{"entities", entity_filters, entity_sorts};
  return schema;
}
const FeedSchema& files_schema() {
  static constexpr FeedSchema schema{"files", file_filters, file_sorts};
  return schema;
}
const FeedSchema& subnets_schema() {
  static constexpr FeedSchema schema{"subnets", subnet_filters, subnet_sorts};
  return schema;
}

}  // namespace capstan::simulator
