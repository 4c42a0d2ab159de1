#include "cef_keys.h"

#include <algorithm>
#include <array>

namespace capstan::cef {

namespace {

using encoders::CellKind;
using encoders::no_limit;

struct Group {
  CellKind kind;
  std::size_t length_max;
  std::string_view keys;  // by blanks
};

// externalId is 40 by the dictionary, but the ids of activities have 50 to 65 characters and a cut one finds nothing.
constexpr std::array groups = {
    Group{CellKind::text, 4000, "cs1 cs2 cs3 cs4 cs5 cs6"},
    Group{CellKind::text, 2048, "requestContext"},
    Group{CellKind::text, 1023,
          "cat destinationServiceName deviceFacility deviceProcessName dhost dpriv dproc duid duser fileId filePath "
          "filePermission fileType flexString1 flexString2 fname msg oldFileId oldFileName oldFilePath "
          "oldFilePermission oldFileType reason request requestClientApplication requestCookies requestMethod shost "
          "sourceServiceName spriv sproc suid suser"},
    Group{CellKind::text, 255,
          "destinationDnsDomain deviceDnsDomain deviceExternalId deviceNtDomain dntdom dtz fileHash oldFileHash sntdom "
          "sourceDnsDomain"},
    Group{CellKind::text, 128, "deviceInboundInterface deviceOutboundInterface devicePayloadId"},
    Group{CellKind::text, 100, "dvchost"},
    Group{CellKind::text, 63, "act outcome"},
    Group{CellKind::text, 31, "app proto"},
    Group{CellKind::text, no_limit, "dmac dvcmac externalId smac"},
    Group{CellKind::ipv4, no_limit,
          "destinationTranslatedAddress deviceTranslatedAddress dst dvc sourceTranslatedAddress src"},
    Group{CellKind::ipv6, no_limit, "c6a1 c6a2 c6a3 c6a4"},
    Group{CellKind::integer, no_limit,
          "cn1 cn2 cn3 cnt destinationTranslatedPort deviceDirection dpid dpt dvcpid flexNumber1 flexNumber2 fsize in "
          "oldFileSize out sourceTranslatedPort spid spt type"},
    Group{CellKind::real, no_limit, "cfp1 cfp2 cfp3 cfp4"},
    Group{CellKind::epoch_ms, no_limit,
          "deviceCustomDate1 deviceCustomDate2 end fileCreateTime fileModificationTime flexDate1 oldFileCreateTime "
          "oldFileModificationTime rt start"},
};

constexpr std::string_view labelled =
    "cs1 cs2 cs3 cs4 cs5 cs6 cn1 cn2 cn3 cfp1 cfp2 cfp3 cfp4 c6a1 c6a2 c6a3 c6a4 deviceCustomDate1 deviceCustomDate2 "
    "flexDate1 flexString1 flexString2 flexNumber1 flexNumber2";

constexpr std::string_view receivers =
    "agentDnsDomain agentNtDomain agentTranslatedAddress agentTranslatedZoneExternalID agentTranslatedZoneURI "
    "agentZoneExternalID agentZoneURI agt ahost aid amac art at atz av customerExternalID customerURI "
    "destinationTranslatedZoneExternalID destinationTranslatedZoneURI destinationZoneExternalID destinationZoneURI "
    "deviceTranslatedZoneExternalID deviceTranslatedZoneURI deviceZoneExternalID deviceZoneURI dlat dlong eventId "
    "rawEvent slat slong sourceTranslatedZoneExternalID sourceTranslatedZoneURI sourceZoneExternalID sourceZoneURI";

bool lists(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    if (words.substr(0, end) == word) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

}  // namespace

KeyRules rules_of_key(std::string_view key) {
  KeyRules rules;
  for (const Group& group : groups)
    if (lists(group.keys, key)) rules = {group.kind, group.length_max, true, false, false};
  rules.needs_label = lists(labelled, key);
  rules.is_receivers = lists(receivers, key);
  return rules;
}

}  // namespace capstan::cef
