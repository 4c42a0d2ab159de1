// A mapping: what stands in a message of each kind of record, as KQL expressions. A YAML file, a built-in one by name,
// or written into the configuration itself. docs/guide/write-a-mapping.md is for people.
//
//   format: cef                      # or leef
//   feeds: [activities]              # that it is for; left out: every feed
//   let: let admin = "root";         # KQL, before every expression
//   records:                         # the first whose `when` holds
//     - when: isnotempty(user.userName)
//       header: {signature: …, name: …, severity: …}         # cef
//       extension: {suser: user.userName, cs1: {label: …, value: …}}
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "component/registry.h"

namespace capstan::encoders {

struct MappedText {
  std::string text;  // KQL
  config::Place place;
};

struct MappedField {
  std::string key;
  std::string label;
  MappedText value;
};

struct MappedRecord {
  MappedText when;  // an empty text: always
  std::vector<MappedField> header;
  std::vector<MappedField> fields;
};

struct Mapping {
  std::string name;                // of the built-in one or the file
  std::string format;              // "cef", "leef"
  std::vector<std::string> feeds;  // empty: every feed
  bool keep_empty = false;         // keys without a value are written; nothing is trimmed or cut
  MappedText lets;
  std::vector<MappedRecord> records;
  bool is_for(std::string_view feed) const;
};

// What a format's mapping looks like.
struct MappingForm {
  std::string_view format;
  std::string_view fields;                   // "extension", "attributes"
  std::span<const std::string_view> header;  // of which all but optional ones have to be there
  std::span<const std::string_view> optional_header;
  bool has_labels = false;
  bool may_keep_empty = false;
};

// Mistakes become findings at their places.
Mapping read_mapping(const config::Node& node, const std::string& name, const MappingForm& form,
                     config::Findings& findings);
// `mapping:` of an encoder's options: names of built-in ones, paths of files (from where the configuration lies), or a
// mapping itself; one or a list.
std::vector<Mapping> read_mappings(const config::Node& option, const MappingForm& form, const BuildContext& context,
                                   config::Findings& findings);
// One of mappings/*.yaml, which are right: a test reads them all.
Mapping builtin_mapping(std::string_view name, const MappingForm& form);

}  // namespace capstan::encoders
