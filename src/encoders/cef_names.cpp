#include "cef_names.h"

#include <algorithm>
#include <array>
#include <span>

namespace capstan::cef {

namespace {

struct Name {
  std::int64_t number;
  std::string_view text;
};

std::string_view find(std::span<const Name> names, std::int64_t number) {
  const auto found = std::find_if(names.begin(), names.end(), [&](const Name& n) { return n.number == number; });
  return found == names.end() ? std::string_view{} : found->text;
}

// Numbers: the list of apps in Microsoft's PowerShell module. Words: lines of the agent that name the same app.
// An app whose word was never seen in a line (Teams, Yammer, Okta …) keeps its number, as the agent did for others.
constexpr std::array app_names = {
    Name{10489, "BOX"},      Name{11114, "SALESFORCE"}, Name{11161, "O365"},    Name{14509, "SERVICENOW"},
    Name{15600, "ONEDRIVE"}, Name{20595, "MCAS"},       Name{20893, "OUTLOOK"}, Name{20940, "ACTIVE_DIRECTORY"},
};

// The numbers that Microsoft's PowerShell module and the API's records give.
constexpr std::array alert_type_names = {
    Name{15728641, "ALERT_CABINET_EVENT_MATCH_AUDIT"},
    Name{15728642, "ALERT_CABINET_EVENT_MATCH_FILE"},
    Name{14680070, "ALERT_ADMIN_USER"},
    Name{196608, "ALERT_GEOLOCATION_NEW_COUNTRY"},
    Name{15794945, "ALERT_MANAGEMENT_DISCONNECTED_API"},
    Name{14680083, "ALERT_SUSPICIOUS_ACTIVITY"},
    Name{15859716, "ALERT_ANUBIS_DETECTION_VELOCITY"},
};

// Docs of the alerts API, "Properties".
constexpr std::array alert_status_names = {Name{0, "UNREAD"}, Name{1, "READ"}, Name{2, "ARCHIVED"}};
constexpr std::array resolution_names = {Name{0, "OPEN"},           Name{1, "DISMISSED"}, Name{2, "RESOLVED"},
                                         Name{3, "FALSE_POSITIVE"}, Name{4, "BENIGN"},    Name{5, "TRUE_POSITIVE"}};
// Docs of the entities API, filter "status".
constexpr std::array entity_status_names = {Name{0, "N/A"}, Name{1, "Staged"}, Name{2, "Active"}, Name{3, "Suspended"},
                                            Name{4, "Deleted"}};
// Docs of the activities API, filter "ip.category".
constexpr std::array subnet_category_names = {Name{1, "Corporate"}, Name{2, "Administrative"}, Name{3, "Risky"},
                                              Name{4, "VPN"},       Name{5, "Cloud provider"}, Name{6, "Other"}};

}  // namespace

std::string_view app_name(std::int64_t app_id) { return find(app_names, app_id); }
std::string_view alert_type_name(std::int64_t type) { return find(alert_type_names, type); }
std::string_view alert_status_name(std::int64_t n) { return find(alert_status_names, n); }
std::string_view resolution_name(std::int64_t n) { return find(resolution_names, n); }
std::string_view entity_status_name(std::int64_t n) { return find(entity_status_names, n); }
std::string_view subnet_category_name(std::int64_t n) { return find(subnet_category_names, n); }

}  // namespace capstan::cef
