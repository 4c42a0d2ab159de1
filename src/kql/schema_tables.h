// The columns of the tables that we describe, a line each: name, type, "ms" for milliseconds since 1970, a note.
// Sources: the published records of the Defender for Cloud Apps API (no schema of them is); advanced hunting's
// CloudAppEvents page; Azure Monitor's table reference.
#pragma once

#include <array>
#include <string_view>

namespace capstan::kql::tables {

struct Table {
  std::string_view name;
  std::string_view summary;
  bool is_open;
  std::string_view columns;
  std::string_view more_columns = {};  // behind them
};

inline constexpr std::string_view activities_columns = R"(
_id string the event's id, stable across calls
uid string the same as _id
tenantId long the tenant's number
aadTenantId string the Entra tenant
appId long the app's number
saasId long the app's number, as other records name it
appName string the app's name
srcAppId long the app whose connector reported it; absent for Defender's own events
timestamp datetime ms when it happened
timestampRaw datetime ms when it happened, before any correction
instantiation datetime ms when the service received it
instantiationRaw datetime ms when the service received it, before any correction
created datetime ms when the service saved it
createdRaw datetime ms when the service saved it, before any correction
eventType long the event's number
eventTypeValue string EVENT_AAD_LOGIN_FAILED, EVENT_O365_ONEDRIVE_GENERIC …
eventTypeName string EVENT_CATEGORY_LOGIN, EVENT_CATEGORY_UPLOAD_FILE …
genericEventType string ENUM_ACTIVITY_GENERIC_TYPE_LOGIN …
description string what the portal shows
description_id string the description's template
description_metadata dynamic the template's parameters
severity string INFO
confidenceLevel long
source long
device dynamic clientIP, userAgent, countryCode
location dynamic countryCode, city, category, anonymousProxy, organizationSearchable …
user dynamic userName, userTags
failedUserData dynamic userName, of failed logins
userAgent dynamic family, name, operatingSystem, type, deviceType …
session dynamic sessionId
internals dynamic otherIPs
mainInfo dynamic type, rawOperationName, prettyOperationName, activityResult, eventObjects
resolvedActor dynamic id, name, role …
resolvedActorAccount dynamic id, name, role …
entityData dynamic a bag whose names are "0", "1", "2"
eventRouting dynamic flags of the service
lograbberService dynamic flags of the service
collected dynamic how the connector got it
rawDataJson dynamic the app's own event, in any shape
classifications dynamic
adallom dynamic of events about alerts
tags dynamic ids of tags
)";

inline constexpr std::string_view alerts_columns = R"(
_id string the alert's id
contextId string the Entra tenant
timestamp datetime ms when it was raised
resolveTime datetime when it was closed; null while it is open
title string
description string plain text or HTML
entities dynamic who and what it is about: type, id, label …
evidence dynamic
policy dynamic id, label, policyType
threatScore long
threatScoreReasoning dynamic
stories dynamic numbers: 0 threat detection, 1 privileged accounts, 2 compliance, 3 DLP, 4 discovery, 5 sharing, 7 access, 8 configuration
intent dynamic numbers of tactics, 0 unknown to 13 impact
statusValue long 0 unread, 1 read, 2 archived
severityValue long 0 low, 1 medium, 2 high, 3 informational
resolutionStatusValue long 0 open, 1 dismissed, 2 resolved, 3 false positive, 4 benign, 5 true positive
idValue long the kind of alert
isSystemAlert bool
isPreview bool
comment string
handledByUser string
audits dynamic ids of activities
URL string the alert in the portal
)";

inline constexpr std::string_view entities_columns = R"(
_id string
id string the Entra object, or a name
type long 1 account, 2 user
idType long 1 user, 17 application
status long 0 none, 1 staged, 2 active, 3 suspended, 4 deleted
displayName string
email string
domain string
organization string
role string
sid string
username string JSON: id, saas, inst
ii string
isAdmin bool
isExternal bool
isFake bool
lastSeen datetime null when never seen
appData dynamic appId, name, saas, instance
userGroups dynamic
accounts dynamic of users
threatScore long
threatScoreHistory dynamic
scoreTrends dynamic
subApps dynamic
identifiers dynamic
sctime datetime ms
actions dynamic
)";

inline constexpr std::string_view subnets_columns = R"(
_id string
_tid string the tenant's number, sometimes masked
name string
subnets dynamic address, mask, originalString
category long 1 corporate, 2 administrative, 3 risky, 4 VPN, 5 cloud provider, 6 other
organization string
tags dynamic
location dynamic name, countryCode, latitude, longitude
lastModified datetime ms
)";

inline constexpr std::string_view files_columns = R"(
_id string
_tid long the tenant's number
id string the file in its app
originalId string
appId long
appName string
saasId long
instId long
name string
name_l string the name in lower case
fileExtension string
mimeType string
fileType dynamic
fileTypeDisplay string
fileSize long
isFolder bool
isForeign bool
noGovernance bool
enriched bool
createdDate datetime ms
modifiedDate datetime ms
lastNrtTimestamp datetime ms
snapshotLastModifiedDate datetime
ownerName string
ownerAddress string
ownerExternal bool
fileAccessLevel dynamic
fileStatus dynamic
collaborators dynamic
display_collaborators dynamic
emails dynamic
domains dynamic
groups dynamic
groupIds dynamic
externalShares dynamic
parentId string
parentIds dynamic
effectiveParents dynamic
driveId string
listId string
siteCollection string
siteCollectionId string
sitePath string
filePath string
spDomain string
sharepointItem dynamic
alternateLink string
dlpScanResults dynamic
fTags dynamic
actions dynamic
ftype long
facl long
fstat long
scanVersion long
unseenScans long
)";

inline constexpr std::string_view cloudappevents_columns = R"(
Timestamp datetime
ActionType string
Application string
ApplicationId int
AppInstanceId int
AccountObjectId string
AccountId string
AccountDisplayName string
AccountType string
IsAdminOperation bool
IsExternalUser bool
IsImpersonated bool
DeviceType string
OSPlatform string
IPAddress string
IPTags dynamic
IPCategory string
IsAnonymousProxy bool
CountryCode string two letters
City string
Isp string
ISP string what records that are streamed call it
UserAgent string
UserAgentTags dynamic
ActivityType string
ActivityObjects dynamic
ObjectName string
ObjectType string
ObjectId string
ReportId string
RawEventData dynamic
AdditionalFields dynamic
LastSeenForUser dynamic days since each attribute was seen
UncommonForUser dynamic
AuditSource string
SessionData dynamic
OAuthAppId string
TimeGenerated datetime in Sentinel
TenantId string in Sentinel
Type string in Sentinel
SourceSystem string in Sentinel
)";

inline constexpr std::string_view mcasshadowitreporting_columns = R"(
TimeGenerated datetime
AadTenantId string
AppCategory string
AppId string
AppInstance string
AppName string
AppScore int
AppTags dynamic
BlockedEvents int
Date datetime
DownloadedBytes long
EnrichedUserName string
IpAddress string
MachineId string
MachineName string
StreamName string
TotalBytes long
TotalEvents int
UploadedBytes long
UserName string
SourceSystem string
TenantId string
Type string
)";

inline constexpr std::string_view commonsecuritylog_columns = R"(
TimeGenerated datetime
DeviceVendor string
DeviceProduct string
DeviceVersion string
DeviceEventClassID string
Activity string
LogSeverity string
OriginalLogSeverity string
AdditionalExtensions string
DeviceAction string
SimplifiedDeviceAction string
ApplicationProtocol string
CommunicationDirection string
Protocol string
Message string
Reason string
EventOutcome string
DeviceEventCategory string
EventCount int
EventType int
ExternalID int
ExtID string
Computer string
CollectorHostName string
DeviceName string
DeviceAddress string
DeviceMacAddress string
DeviceDnsDomain string
DeviceNtDomain string
DeviceExternalID string
DeviceFacility string
DeviceInboundInterface string
DeviceOutboundInterface string
DevicePayloadId string
DeviceTimeZone string
DeviceTranslatedAddress string
SourceIP string
SourceHostName string
SourceMACAddress string
SourceNTDomain string
SourceDnsDomain string
SourceServiceName string
SourceTranslatedAddress string
SourceUserID string
SourceUserName string
SourceUserPrivileges string
SourceProcessName string
SourcePort int
SourceTranslatedPort int
SourceProcessId int
DestinationIP string
DestinationHostName string
DestinationMACAddress string
DestinationNTDomain string
DestinationDnsDomain string
DestinationServiceName string
DestinationTranslatedAddress string
DestinationUserID string
DestinationUserName string
DestinationUserPrivileges string
DestinationProcessName string
DestinationPort int
DestinationTranslatedPort int
DestinationProcessId int
ProcessName string
ProcessID int
StartTime datetime
EndTime datetime
ReceiptTime string
ReceivedBytes long
SentBytes long
FileName string
FilePath string
FileType string
FileHash string
FileID string
FilePermission string
FileCreateTime string
FileModificationTime string
OldFileName string
OldFilePath string
OldFileType string
OldFileHash string
OldFileID string
OldFilePermission string
OldFileCreateTime string
OldFileModificationTime string
FileSize int
OldFileSize int
RequestURL string
RequestClientApplication string
RequestContext string
RequestCookies string
RequestMethod string
DeviceCustomIPv6Address1 string
DeviceCustomIPv6Address1Label string
DeviceCustomIPv6Address2 string
DeviceCustomIPv6Address2Label string
DeviceCustomIPv6Address3 string
DeviceCustomIPv6Address3Label string
DeviceCustomIPv6Address4 string
DeviceCustomIPv6Address4Label string
DeviceCustomFloatingPoint1 real
DeviceCustomFloatingPoint1Label string
DeviceCustomFloatingPoint2 real
DeviceCustomFloatingPoint2Label string
DeviceCustomFloatingPoint3 real
DeviceCustomFloatingPoint3Label string
DeviceCustomFloatingPoint4 real
DeviceCustomFloatingPoint4Label string
DeviceCustomNumber1 int
DeviceCustomNumber1Label string
DeviceCustomNumber2 int
DeviceCustomNumber2Label string
DeviceCustomNumber3 int
DeviceCustomNumber3Label string
FieldDeviceCustomNumber1 long
FieldDeviceCustomNumber2 long
FieldDeviceCustomNumber3 long
DeviceCustomString1 string
DeviceCustomString1Label string
DeviceCustomString2 string
DeviceCustomString2Label string
DeviceCustomString3 string
DeviceCustomString3Label string
DeviceCustomString4 string
DeviceCustomString4Label string
DeviceCustomString5 string
DeviceCustomString5Label string
DeviceCustomString6 string
DeviceCustomString6Label string
DeviceCustomDate1 string
DeviceCustomDate1Label string
DeviceCustomDate2 string
DeviceCustomDate2Label string
FlexDate1 string
FlexDate1Label string
FlexNumber1 int
FlexNumber1Label string
FlexString1 string
FlexString1Label string
FlexNumber2 int
FlexNumber2Label string
FlexString2 string
FlexString2Label string
RemoteIP string
RemotePort string
MaliciousIP string
MaliciousIPCountry string
IndicatorThreatType string
ThreatDescription string
ThreatConfidence string
ReportReferenceLink string
ThreatSeverity int
MaliciousIPLatitude real
MaliciousIPLongitude real
SourceSystem string
TenantId string
Type string
_ResourceId string
)";

inline constexpr std::string_view syslog_columns = R"(
TimeGenerated datetime
EventTime datetime
Facility string
SeverityLevel string
HostName string
HostIP string
Computer string
CollectorHostName string
ProcessName string
ProcessID int
SyslogMessage string
SourceSystem string
MG string
TenantId string
Type string
_ResourceId string
)";

// What `capstan query` finds in lines besides the columns that Sentinel has for them.
inline constexpr std::string_view cef_line_columns = R"(
CEFVersion long the number behind "CEF:"
Extension dynamic every key of the extension with its text
Prefix string what stood before "CEF:", such as a syslog header
)";

inline constexpr std::string_view syslog_line_columns = R"(
MessageID string MSGID of RFC 5424
StructuredData dynamic of RFC 5424: a bag of elements, each a bag of its parameters
)";

// IBM's "Predefined LEEF event attributes"; other attributes are members too, and dynamic.
inline constexpr std::string_view leef_line_columns = R"(
time datetime from devTime, or from the syslog header
leefVersion string 1.0 or 2.0
vendor string
product string
version string the product's
eventId string
attributes dynamic every attribute with its text
prefix string what stood before "LEEF:", such as a syslog header
host string from the syslog header
cat string
devTime string
devTimeFormat string
proto string
sev long 1 to 10
src string
dst string
srcPort long
dstPort long
srcPreNAT string
dstPreNAT string
srcPostNAT string
dstPostNAT string
srcPreNATPort long
dstPreNATPort long
srcPostNATPort long
dstPostNATPort long
srcMAC string
dstMAC string
usrName string
accountName string
identSrc string
identHostName string
identNetBios string
identGrpName string
identMAC string
srcBytes long
dstBytes long
srcPackets long
dstPackets long
totalPackets long
role string
realm string
policy string
resource string
url string
groupID string
domain string
isLoginEvent bool
isLogoutEvent bool
)";

inline constexpr std::array all{
    Table{"activities", "what users and apps did; one record an event", true, activities_columns},
    Table{"alerts", "what policies and detections raised; delivered again when they change", true, alerts_columns},
    Table{"entities", "users, accounts and apps; an inventory, delivered when something changed", true,
          entities_columns},
    Table{"subnets", "named IP ranges; an inventory, delivered when something changed", true, subnets_columns},
    Table{"files", "files that connected apps hold; an inventory, delivered when something changed", true,
          files_columns},
    Table{"CloudAppEvents", "the table of Defender XDR that replaces the activities feed", false,
          cloudappevents_columns},
    Table{"McasShadowItReporting", "discovered apps, as Sentinel stores them", false, mcasshadowitreporting_columns},
    Table{"CommonSecurityLog", "CEF, as Sentinel stores it", false, commonsecuritylog_columns},
    Table{"Syslog", "syslog messages, as Sentinel stores them", false, syslog_columns},
    Table{"cef", "CEF lines, as `capstan query` reads them", true, commonsecuritylog_columns, cef_line_columns},
    Table{"leef", "LEEF lines, as `capstan query` reads them", true, leef_line_columns},
    Table{"syslog", "syslog lines, as `capstan query` reads them", true, syslog_columns, syslog_line_columns},
};

}  // namespace capstan::kql::tables
