#include "mapping.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/document.h"
#include "encoders/embedded_files.h"
#include "encoders/mappings.h"
#include "options.h"

namespace capstan::encoders {

namespace {

using config::Findings;
using config::Node;

constexpr std::uint64_t file_size_max = 1U << 20;
constexpr std::size_t records_max = 100;
constexpr std::size_t fields_max = 200;

class MappingReader {
public:
  MappingReader(const MappingForm& form, Findings& findings) : form_(form), findings_(findings) {}

  Mapping read(const Node& node, const std::string& name) {
    Mapping mapping;
    mapping.name = name;
    if (!knows_members(node, "a mapping", {"format", "feeds", "let", "keep_empty", "records"})) return mapping;
    mapping.format = text(node, "format").text;
    if (mapping.format != form_.format)
      wrong(place_of(node, "format"), fmt::format("format: expected {}, got \"{}\": the mapping is for another encoder",
                                                  form_.format, mapping.format));
    if (const Node* feeds = node.find("feeds")) config::read(*feeds, "feeds", mapping.feeds, findings_);
    const Node* keep = node.find("keep_empty");
    if (keep != nullptr && !form_.may_keep_empty)
      wrong(keep->place, fmt::format("keep_empty: {} has no keys without a value", form_.format));
    else if (keep != nullptr)
      config::read(*keep, "keep_empty", mapping.keep_empty, findings_);
    mapping.lets = text(node, "let");
    const Node* records = node.find("records");
    if (records == nullptr || records->kind != Node::Kind::sequence || records->items.empty()) {
      wrong(place_of(node, "records"), "records: expected a list of at least one record");
      return mapping;
    }
    if (records->items.size() > records_max)
      return wrong(records->place,
                   fmt::format("records: expected at most {}, got {}", records_max, records->items.size())),
             mapping;
    for (const Node& record : records->items) mapping.records.push_back(read_record(record));
    return mapping;
  }

private:
  void wrong(const config::Place& place, std::string sentence) {
    findings_.add(ErrorCode::mapping_wrong, place, std::move(sentence));
  }

  bool knows_members(const Node& node, std::string_view owner, const std::vector<std::string_view>& known) {
    if (node.kind != Node::Kind::map) {
      wrong(node.place, fmt::format("{}: expected a map", owner));
      return false;
    }
    for (const Node::Member& member : node.members) {
      if (std::ranges::find(known, member.key) != known.end()) continue;
      const std::string_view near = nearest(member.key, known);
      findings_.add(ErrorCode::unknown_option, member.place,
                    fmt::format("there is no \"{}\" in {}{}", member.key, owner,
                                near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
    }
    return true;
  }

  MappedText text(const Node& node, std::string_view member) {
    const Node* found = node.find(member);
    if (found == nullptr) return {"", node.place};
    return expression(*found, member);
  }

  MappedText expression(const Node& node, std::string_view what) {
    if (node.kind == Node::Kind::scalar) return {node.scalar, node.place};
    wrong(node.place, fmt::format("{}: expected a KQL expression", what));
    return {"\"\"", node.place};
  }

  MappedRecord read_record(const Node& node) {
    MappedRecord record;
    if (!knows_members(node, "a record of the mapping", {"when", "header", form_.fields})) return record;
    record.when = text(node, "when");
    read_header(node, record);
    const Node* fields = node.find(form_.fields);
    if (fields == nullptr || fields->kind != Node::Kind::map) {
      wrong(place_of(node, form_.fields), fmt::format("{}: expected a map from keys to KQL expressions", form_.fields));
      return record;
    }
    if (fields->members.size() > fields_max)
      wrong(fields->place,
            fmt::format("{}: expected at most {} keys, got {}", form_.fields, fields_max, fields->members.size()));
    for (const Node::Member& member : fields->members) record.fields.push_back(read_field(member));
    return record;
  }

  void read_header(const Node& node, MappedRecord& record) {
    std::vector<std::string_view> known(form_.header.begin(), form_.header.end());
    known.insert(known.end(), form_.optional_header.begin(), form_.optional_header.end());
    const Node* header = node.find("header");
    if (header == nullptr || header->kind != Node::Kind::map)
      return wrong(place_of(node, "header"), fmt::format("header: expected a map of {}", fmt::join(known, ", ")));
    knows_members(*header, "the header", known);
    for (const std::string_view name : known) {
      const bool is_needed = std::ranges::find(form_.header, name) != form_.header.end();
      const Node* given = header->find(name);
      if (given == nullptr && is_needed) wrong(header->place, fmt::format("header: \"{}\" is missing", name));
      if (given != nullptr || is_needed)
        record.header.push_back(
            {std::string(name), "", given == nullptr ? MappedText{"\"\"", header->place} : expression(*given, name)});
    }
  }

  MappedField read_field(const Node::Member& member) {
    MappedField field{member.key, "", {"\"\"", member.place}};
    if (member.value.kind != Node::Kind::map) {
      field.value = expression(member.value, member.key);
      return field;
    }
    knows_members(
        member.value, member.key,
        form_.has_labels ? std::vector<std::string_view>{"label", "value"} : std::vector<std::string_view>{"value"});
    if (member.value.find("value") == nullptr)
      wrong(member.value.place, fmt::format("{}: \"value\" is missing", member.key));
    else
      field.value = text(member.value, "value");
    if (const Node* label = member.value.find("label")) config::read(*label, "label", field.label, findings_);
    return field;
  }

  const MappingForm& form_;
  Findings& findings_;
};

Node parse(std::string_view yaml, const std::string& name, FileSystem& files, Findings& findings) {
  return config::parse(yaml, name, config::system_references(files), findings);
}

void read_one(const Node& node, const MappingForm& form, const BuildContext& context, std::vector<Mapping>& into,
              Findings& findings) {
  // Text that is not YAML has its finding, and all else would be noise.
  const auto add = [&](std::string_view yaml, const std::string& name) {
    Findings found;
    const Node mapping = parse(yaml, name, context.world.files, found);
    findings.append(found);
    if (!found.has_errors()) into.push_back(read_mapping(mapping, name, form, findings));
  };
  if (node.kind == Node::Kind::map) {
    into.push_back(read_mapping(node, "mapping", form, findings));
    return;
  }
  if (node.kind != Node::Kind::scalar || node.scalar.empty()) {
    findings.add(ErrorCode::wrong_value, node.place, "mapping: expected a name, a file, a mapping, or a list of them");
    return;
  }
  if (const std::string_view text = mapping_text(node.scalar); !text.empty()) {
    add(text, node.scalar);
    return;
  }
  const std::vector<std::string_view> names = mapping_names();
  const std::string path = config::beside(node.place, node.scalar);
  const auto text = read_file(context.world.files, path, file_size_max);
  if (!text) {
    const std::string_view near = nearest(node.scalar, names);
    const std::string advice = near.empty() ? fmt::format("built in are {}", fmt::join(names, ", "))
                                            : fmt::format("did you mean the built-in \"{}\"?", near);
    findings.add(ErrorCode::unreadable_file, node.place,
                 fmt::format("mapping: {}; {}", text.error().sentence(), advice));
    return;
  }
  if (context.has_read) context.has_read(path, *text);
  add(*text, path);
}

}  // namespace

bool Mapping::is_for(std::string_view feed) const {
  return feeds.empty() || std::ranges::find(feeds, feed) != feeds.end();
}

Mapping read_mapping(const Node& node, const std::string& name, const MappingForm& form, Findings& findings) {
  return MappingReader(form, findings).read(node, name);
}

std::vector<Mapping> read_mappings(const Node& option, const MappingForm& form, const BuildContext& context,
                                   Findings& findings) {
  std::vector<Mapping> all;
  if (option.kind == Node::Kind::null) return all;
  if (option.kind != Node::Kind::sequence) {
    read_one(option, form, context, all, findings);
    return all;
  }
  for (const Node& item : option.items) read_one(item, form, context, all, findings);
  return all;
}

Mapping builtin_mapping(std::string_view name, const MappingForm& form) {
  Findings findings;
  const config::References none{.environment = [](const std::string&) { return std::nullopt; }, .files = nullptr};
  return read_mapping(config::parse(mapping_text(name), std::string(name), none, findings), std::string(name), form,
                      findings);
}

std::vector<std::string_view> mapping_names() {
  std::vector<std::string_view> names;
  for (const EmbeddedFile& file : embedded_files) names.push_back(file.name);
  std::ranges::sort(names);
  return names;
}

std::string_view mapping_text(std::string_view name) {
  const auto found = std::ranges::find(embedded_files, name, &EmbeddedFile::name);
  return found == embedded_files.end() ? std::string_view{} : found->text;
}

}  // namespace capstan::encoders
