#include "cast.h"

#include <fmt/format.h>

#include <iterator>

#include "dice.h"

namespace capstan::simulator {
namespace {

constexpr std::string_view given_names[] = {"Alva",  "Benno",   "Carin", "Dmitri", "Eilidh", "Farid", "Greta",  "Håkan",
                                            "Imani", "Joaquín", "Katya", "Lőrinc", "Mirela", "Nuno",  "Oona",   "Pavel",
                                            "Qiang", "Rosalía", "Søren", "Tamsin", "Ulrike", "Vasco", "Wendla", "Yuki"};
constexpr std::string_view given_plain[] = {"alva",  "benno",   "carin", "dmitri", "eilidh", "farid", "greta",  "hakan",
                                            "imani", "joaquin", "katya", "lorinc", "mirela", "nuno",  "oona",   "pavel",
                                            "qiang", "rosalia", "soren", "tamsin", "ulrike", "vasco", "wendla", "yuki"};
static_assert(std::size(given_names) == std::size(given_plain));
constexpr std::string_view family_names[] = {"Ahlgren",  "Brandt",   "Castellan", "Dunmore",   "Eklund",   "Farkas",
                                             "Grimaldi", "Hollis",   "Ivanova",   "Jansen",    "Kowal",    "Lindqvist",
                                             "Moreau",   "Nakagawa", "Okafor",    "Pellegrin", "Quist",    "Rahimi",
                                             "Sandoval", "Tremblay", "Ueda",      "Vermeer",   "Whitlock", "Zielinski"};

constexpr Application applications[] = {{15600, "Microsoft OneDrive for Business", 11161},
                                        {20892, "Microsoft SharePoint Online", 11161},
                                        {20893, "Microsoft Exchange Online", 11161},
                                        {28375, "Microsoft Teams", 11161},
                                        {11161, "Office 365", 11161},
                                        {12260, "Microsoft Azure", 12260},
                                        {10489, "Box", 10489},
                                        {11114, "Salesforce", 11114},
                                        {14509, "ServiceNow", 14509},
                                        {20595, "Microsoft Cloud App Security", 0}};

constexpr Place places[] = {{"gothenburg", "västra götaland", "SE", "57.70887", "11.97456", "nordic fibre %2C ab"},
                            {"leipzig", "sachsen", "DE", "51.33962", "12.37129", "mitteldeutsche netze gmbh"},
                            {"porto", "porto", "PT", "41.15794", "-8.62911", "atlantico telecom"},
                            {"rotterdam", "zuid-holland", "NL", "51.92250", "4.47917", "maas hosting bv"},
                            {"halifax", "nova scotia", "CA", "44.64533", "-63.57239", "maritime broadband"},
                            {"sapporo", "hokkaidō", "JP", "43.06417", "141.34694", "kita networks k.k."},
                            {"montevideo", "montevideo", "UY", "-34.90328", "-56.18816", "rio de la plata red"},
                            {"nairobi", "nairobi county", "KE", "-1.28333", "36.81667", "savanna link%2C ltd"},
                            {"são paulo", "são paulo", "BR", "-23.54750", "-46.63611", "paulista dados s.a."},
                            {"wellington", "wellington", "NZ", "-41.28664", "174.77557", "tasman cable"}};

constexpr Browser browsers[] = {
    {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
     "CHROME", "130.0.0.0", "Windows", "DESKTOP"},
    {"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 "
     "Safari/605.1.15",
     "SAFARI", "17.6", "Mac OS", "DESKTOP"},
    {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", "MOBILE_SAFARI",
     "18.1", "iOS", "MOBILE"},
    {"Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0", "FIREFOX", "131.0", "Linux", "DESKTOP"},
    {"Outlook-Android/2.0|model=pad", "OUTLOOK", "2.0", "Android", "TABLET"},
    {";Windows 11;Edge 130.0;", "EDGE", "130.0", "Windows", "DESKTOP"},
    {"PowerShell/7.4.5 (script=\"nightly\\export\")", "POWERSHELL", "7.4.5", "Unknown", "OTHER"}};

constexpr std::string_view file_names[] = {"quarterly figures.xlsx",
                                           "contract | final | signed.pdf",
                                           "Überweisungen Österreich.docx",
                                           "a=b&c=d.csv",
                                           "価格表 2026.xlsx",
                                           "notes\\old\\draft.txt",
                                           "team photo 📷.jpeg",
                                           "plan \"B\".pptx",
                                           "minutes of the board meeting, third reading, with annexes.docx",
                                           "backup_2026-11.zip",
                                           "naïve résumé.odt",
                                           "список сотрудников.xlsx"};

constexpr std::string_view departments[] = {"Finance", "Research",  "Field Service", "Legal",
                                            "Payroll", "Logistics", "Customer Care", "Facilities"};

template <class T, std::size_t n>
const T& pick(const T (&from)[n], std::uint64_t random) {
  return from[random % n];
}

}  // namespace

Person person(const Company& company, std::uint32_t number) {
  Dice dice(company.seed, static_cast<std::uint64_t>(Stream::people), number);
  const auto given = dice.below(std::size(given_names));
  const std::string_view family = dice.pick(family_names);
  Person made;
  made.is_external = dice.below(12) == 0;
  made.name = fmt::format("{} {}", given_names[given], family);
  std::string plain{family};
  plain[0] = static_cast<char>(plain[0] - 'A' + 'a');
  made.address = fmt::format("{}.{}{}@{}", given_plain[given], plain, number,
                             made.is_external ? std::string_view{"partner.example"} : company.domain);
  made.guid = as_guid(id_digits(company.seed, Stream::entities, number) + hex_digits(dice.next(), 16));
  return made;
}

std::string ip_address(std::uint64_t random) {
  constexpr std::string_view networks[] = {"192.0.2", "198.51.100", "203.0.113"};
  if (random % 17 == 0) return fmt::format("2001:db8:{:x}::{:x}", (random >> 8) & 0xffff, (random >> 24) & 0xffff);
  return fmt::format("{}.{}", pick(networks, random >> 8), 1 + (random >> 16) % 254);
}

const Application& application(std::uint64_t random) { return pick(applications, random); }
const Place& place(std::uint64_t random) { return pick(places, random); }
const Browser& browser(std::uint64_t random) { return pick(browsers, random); }
std::string_view file_name(std::uint64_t random) { return pick(file_names, random); }
std::string_view department(std::uint64_t random) { return pick(departments, random); }

}  // namespace capstan::simulator
