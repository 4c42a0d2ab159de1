// The records that benchmarks work on: activities of about 2.9 KB, the members and their order as the activities
// endpoint sends them.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <random>
#include <string>

namespace capstan::bench {

inline std::string hex(std::mt19937_64& random, std::size_t digits) {
  std::string text;
  while (text.size() < digits) text += fmt::format("{:016x}", random());
  text.resize(digits);
  return text;
}

inline std::string activity(std::mt19937_64& random, std::size_t number, const std::string& id) {
  const auto user = fmt::format("user{}@contoso.example", random() % 5000);
  const auto ip = fmt::format("192.0.{}.{}", random() % 256, random() % 256);
  const auto time = 1'595'096'313'000 + static_cast<std::int64_t>(number);
  // Two of each, for rules that keep half.
  const int app = random() % 2 == 0 ? 15600 : 11161;
  const auto kind = random() % 2 == 0 ? "ENUM_ACTIVITY_GENERIC_TYPE_BASIC" : "ENUM_ACTIVITY_GENERIC_TYPE_LOGIN";
  std::string raw = "{";
  for (int i = 0; i < 12; ++i) raw += fmt::format(R"("Property{}":"{}",)", i, hex(random, 64));
  raw += R"("Operation":"FileUploaded","Version":1})";
  return fmt::format(
      R"({{"_id":"{0}","tenantId":97134000,"aadTenantId":"{1}","appId":{10},"saasId":{10},"timestamp":{2},)"
      R"("timestampRaw":{2},"instantiation":{2},"instantiationRaw":{2},"created":{2},"createdRaw":{2},"eventType":233580,)"
      R"("eventTypeValue":"EVENT_O365_ONEDRIVE_GENERIC","eventRouting":{{"scubaUnpacker":false,"lograbber":true,"auditing":true}},)"
      R"("device":{{"clientIP":"{3}","userAgent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) Gecko/20100101 Firefox/115.0","countryCode":"NL"}},)"
      R"("location":{{"countryCode":"NL","city":"Utrecht","longitude":5.12,"latitude":52.09,"anonymousProxy":false,"category":0}},)"
      R"("user":{{"userName":"{4}","userTags":["{5}"]}},"userAgent":{{"family":"FIREFOX","name":"Firefox","type":"Browser","deviceType":"DESKTOP"}},)"
      R"("internals":{{"otherIPs":["{3}"]}},"mainInfo":{{"eventObjects":[{{"objType":1,"role":3,"tags":[],"name":"report {6}.xlsx","id":"{7}"}},)"
      R"({{"objType":21,"role":4,"tags":[],"name":"{4}","resolved":true,"saasId":11161}},{{"objType":23,"role":4,"tags":[],"name":"User","id":"{8}"}}],)"
      R"("rawOperationName":"FileUploaded","prettyOperationName":"FileUploaded","type":"basic"}},"confidenceLevel":20,"source":2,)"
      R"("rawDataJson":{9},"resolvedActor":{{"id":"{8}","name":"User","role":"4"}},"uid":"{0}","appName":"Microsoft OneDrive for Business",)"
      R"("eventTypeName":"EVENT_CATEGORY_UPLOAD_FILE","classifications":[],"description":"Upload file: report {6}.xlsx",)"
      R"("genericEventType":"{11}","severity":"INFO"}})",
      id, hex(random, 32), time, ip, user, hex(random, 24), number, hex(random, 36), hex(random, 36), raw, app, kind);
}

}  // namespace capstan::bench
