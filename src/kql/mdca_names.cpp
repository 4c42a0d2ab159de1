#include "mdca_names.h"

#include <algorithm>
#include <array>

namespace capstan::kql {

namespace {

constexpr std::array app_names = {
    MdcaName{10489, "APPID_BOX"},        MdcaName{11114, "APPID_SALESFORCE"},       MdcaName{11161, "APPID_O365"},
    MdcaName{14509, "APPID_SERVICENOW"}, MdcaName{15600, "APPID_ONEDRIVE"},         MdcaName{20595, "APPID_MCAS"},
    MdcaName{20893, "APPID_OUTLOOK"},    MdcaName{20940, "APPID_ACTIVE_DIRECTORY"},
};

// The numbers that Microsoft's PowerShell module and the API's records give.
constexpr std::array alert_type_names = {
    MdcaName{15728641, "ALERT_CABINET_EVENT_MATCH_AUDIT"},
    MdcaName{15728642, "ALERT_CABINET_EVENT_MATCH_FILE"},
    MdcaName{14680070, "ALERT_ADMIN_USER"},
    MdcaName{196608, "ALERT_GEOLOCATION_NEW_COUNTRY"},
    MdcaName{15794945, "ALERT_MANAGEMENT_DISCONNECTED_API"},
    MdcaName{14680083, "ALERT_SUSPICIOUS_ACTIVITY"},
    MdcaName{15859716, "ALERT_ANUBIS_DETECTION_VELOCITY"},
};

// Docs of the alerts API, "Properties".
constexpr std::array alert_status_names = {MdcaName{0, "UNREAD"}, MdcaName{1, "READ"}, MdcaName{2, "ARCHIVED"}};
constexpr std::array resolution_names = {MdcaName{0, "OPEN"},     MdcaName{1, "DISMISSED"},
                                         MdcaName{2, "RESOLVED"}, MdcaName{3, "FALSE_POSITIVE"},
                                         MdcaName{4, "BENIGN"},   MdcaName{5, "TRUE_POSITIVE"}};
// Docs of the entities API, filter "status".
constexpr std::array entity_status_names = {MdcaName{0, "N/A"}, MdcaName{1, "Staged"}, MdcaName{2, "Active"},
                                            MdcaName{3, "Suspended"}, MdcaName{4, "Deleted"}};
// Docs of the activities API, filter "ip.category".
constexpr std::array subnet_category_names = {MdcaName{1, "Corporate"},      MdcaName{2, "Administrative"},
                                              MdcaName{3, "Risky"},          MdcaName{4, "VPN"},
                                              MdcaName{5, "Cloud provider"}, MdcaName{6, "Other"}};

constexpr std::array all_names = {
    MdcaNames{"app", "APPID_", app_names},
    MdcaNames{"alert_type", "ALERT_", alert_type_names},
    MdcaNames{"alert_status", "", alert_status_names},
    MdcaNames{"alert_resolution", "", resolution_names},
    MdcaNames{"entity_status", "", entity_status_names},
    MdcaNames{"subnet_category", "", subnet_category_names},
};

}  // namespace

std::span<const MdcaNames> mdca_names() { return all_names; }

const MdcaNames* find_mdca_names(std::string_view kind) {
  const auto found = std::ranges::find(all_names, kind, &MdcaNames::kind);
  return found == all_names.end() ? nullptr : &*found;
}

std::string_view mdca_word(const MdcaNames& names, std::int64_t number) {
  const auto found = std::ranges::find(names.names, number, &MdcaName::number);
  return found == names.names.end() ? std::string_view{} : found->text;
}

}  // namespace capstan::kql
