#include "config/document.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <set>
#include <sstream>

#include "references.h"

namespace capstan::config {

namespace {

// Bounds against a document made to exhaust memory: aliases can make a small file unfold to billions of nodes.
constexpr int depth_max = 64;
constexpr std::size_t nodes_max = 100'000;

class Reader {
public:
  Reader(const std::string& file, const References& references, Findings& findings)
      : file_(file), references_(references), findings_(findings) {}

  Node read(const YAML::Node& yaml, int depth) {
    Node node;
    node.place = place_of(yaml.Mark());
    if (++nodes_ > nodes_max || depth > depth_max) {
      if (!is_exhausted_)
        findings_.add(ErrorCode::not_yaml, node.place,
                      depth > depth_max ? fmt::format("it is nested deeper than {} levels", depth_max)
                                        : fmt::format("it has more than {} nodes, aliases unfolded", nodes_max));
      is_exhausted_ = true;
      return node;
    }
    switch (yaml.Type()) {
      case YAML::NodeType::Scalar:
        read_scalar(yaml, node);
        break;
      case YAML::NodeType::Sequence:
        read_sequence(yaml, node, depth);
        break;
      case YAML::NodeType::Map:
        read_map(yaml, node, depth);
        break;
      case YAML::NodeType::Null:
      case YAML::NodeType::Undefined:
        break;
    }
    return node;
  }

private:
  Place place_of(const YAML::Mark& mark) const { return {file_, mark.line + 1, mark.column + 1}; }

  void read_scalar(const YAML::Node& yaml, Node& node) {
    // An empty plain scalar and ~ are null in YAML; quoted they are text ("!" is the tag of a quoted scalar).
    node.is_quoted = yaml.Tag() == "!";
    node.kind = Node::Kind::scalar;
    const Resolved resolved = resolve(yaml.Scalar(), node.place, references_, findings_);
    node.scalar = resolved.text;
    node.is_secret = resolved.has_reference;
  }

  void read_sequence(const YAML::Node& yaml, Node& node, int depth) {
    node.kind = Node::Kind::sequence;
    for (const auto& item : yaml) {
      if (is_exhausted_) return;
      node.items.push_back(read(item, depth + 1));
    }
  }

  void read_map(const YAML::Node& yaml, Node& node, int depth) {
    node.kind = Node::Kind::map;
    std::set<std::string, std::less<>> seen;
    for (const auto& member : yaml) {
      if (is_exhausted_) return;
      const YAML::Node& key = member.first;
      const YAML::Node& value = member.second;
      const Place place = place_of(key.Mark());
      if (!key.IsScalar()) {
        findings_.add(ErrorCode::not_yaml, place, "expected a plain name as a key, got a list or a map");
        continue;
      }
      if (!seen.insert(key.Scalar()).second) {
        findings_.add(ErrorCode::duplicate_key, place, fmt::format("the key \"{}\" stands twice", key.Scalar()));
        continue;
      }
      node.members.push_back({key.Scalar(), place, read(value, depth + 1)});
    }
  }

  const std::string& file_;
  const References& references_;
  Findings& findings_;
  std::size_t nodes_ = 0;
  bool is_exhausted_ = false;
};

// Sees where documents begin and nothing else.
class Beginnings final : public YAML::EventHandler {
public:
  std::optional<YAML::Mark> latest;

  void OnDocumentStart(const YAML::Mark& mark) override { latest = mark; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// Where a second document begins. Asked for two documents and no more: YAML::LoadAll makes empty ones for ever of a
// stray ",", which it never passes over (yaml-cpp 0.7).
std::optional<YAML::Mark> second_document(const std::string& text) {
  std::istringstream input(text);
  YAML::Parser parser(input);
  Beginnings beginnings;
  if (!parser.HandleNextDocument(beginnings)) return std::nullopt;
  beginnings.latest.reset();
  if (!parser.HandleNextDocument(beginnings)) return std::nullopt;
  return beginnings.latest;
}

// The usual cause of what the parser calls an "illegal map value": its line is indented with a tab.
std::optional<int> line_indented_with_a_tab(std::string_view yaml, int line_last) {
  for (int line = 0; line <= line_last && !yaml.empty(); ++line) {
    const std::string_view blanks = yaml.substr(0, yaml.find_first_not_of(" \t"));
    if (blanks.contains('\t') && blanks.size() < yaml.size()) return line;
    const std::size_t end = yaml.find('\n');
    yaml = end == std::string_view::npos ? std::string_view{} : yaml.substr(end + 1);
  }
  return std::nullopt;
}

void report(const YAML::Exception& e, std::string_view yaml, const std::string& file, Findings& findings) {
  if (e.mark.line < 0) {
    findings.add(ErrorCode::not_yaml, {file, 0, 0}, e.msg);
  } else if (const auto line = line_indented_with_a_tab(yaml, e.mark.line)) {
    findings.add(ErrorCode::not_yaml, {file, *line + 1, 1},
                 "expected blanks in front of the line, got a tab (YAML does not take tabs as indentation)");
  } else {
    findings.add(ErrorCode::not_yaml, {file, e.mark.line + 1, e.mark.column + 1}, e.msg);
  }
}

}  // namespace

Node parse(std::string_view yaml, const std::string& file_name, const References& references, Findings& findings) {
  const std::string text(yaml);
  try {
    if (const auto second = second_document(text)) {
      findings.add(ErrorCode::not_yaml, {file_name, second->line + 1, second->column + 1},
                   "expected one document and nothing behind it, got something more");
      return {};
    }
    return Reader(file_name, references, findings).read(YAML::Load(text), 0);
  } catch (const YAML::Exception& e) {
    report(e, yaml, file_name, findings);
    return {};
  }
}

}  // namespace capstan::config
