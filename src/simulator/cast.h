// Who and what appears in the records: people, places, applications. All of it invented; addresses are from the ranges
// for documentation (RFC 5737, RFC 3849), domains end in .example (RFC 2606).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "records.h"

namespace capstan::simulator {

struct Application {
  int id;
  std::string_view name;
  int connector;  // srcAppId; 0: the service's own events
};

struct Place {
  std::string_view city;
  std::string_view region;
  std::string_view country;  // ISO 3166
  std::string_view latitude;
  std::string_view longitude;
  std::string_view carrier;
};

struct Browser {
  std::string_view text;  // the header as sent
  std::string_view family;
  std::string_view version;
  std::string_view system;
  std::string_view device;  // DESKTOP, MOBILE, TABLET, OTHER
};

struct Person {
  std::string name;
  std::string address;  // user principal name
  std::string guid;
  bool is_external = false;
};

// People are numbered from 0 on; the entities feed lists them in this order.
Person person(const Company& company, std::uint32_t number);
// IPv4, sometimes IPv6.
std::string ip_address(std::uint64_t random);
const Application& application(std::uint64_t random);
const Place& place(std::uint64_t random);
const Browser& browser(std::uint64_t random);
std::string_view file_name(std::uint64_t random);
std::string_view department(std::uint64_t random);

// How many people take part in activities and alerts, whether the entities feed lists them or not.
constexpr std::uint32_t people_count = 400;

}  // namespace capstan::simulator
