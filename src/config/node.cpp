#include "config/node.h"

#include <fmt/format.h>

#include <algorithm>

namespace capstan::config {

std::string to_string(const Place& place) {
  if (place.line == 0) return place.file;
  return fmt::format("{}:{}:{}", place.file, place.line, place.column);
}

std::string beside(const Place& place, const std::string& path) {
  const std::size_t slash = place.file.rfind('/');
  return path.starts_with('/') || slash == std::string::npos ? path : place.file.substr(0, slash + 1) + path;
}

const Node* Node::find(std::string_view key) const {
  const auto found = std::ranges::find(members, key, &Member::key);
  return found == members.end() ? nullptr : &found->value;
}

std::string to_string(const Finding& finding) {
  const std::string place = to_string(finding.place);
  // Below the first line may stand what the finding points at.
  const std::string_view sentence = finding.sentence;
  const std::size_t line_end = std::min(sentence.find('\n'), sentence.size());
  return fmt::format("{}{}{}{} [{}]{}", place, place.empty() ? "" : ": ",
                     finding.severity == Finding::Severity::warning ? "warning: " : "", sentence.substr(0, line_end),
                     label(finding.code), sentence.substr(line_end));
}

void Findings::add(ErrorCode code, const Place& place, std::string sentence) {
  all_.push_back({Finding::Severity::error, code, place, std::move(sentence)});
}

void Findings::warn(ErrorCode code, const Place& place, std::string sentence) {
  all_.push_back({Finding::Severity::warning, code, place, std::move(sentence)});
}

bool Findings::has_errors() const {
  return std::ranges::any_of(all_, [](const Finding& f) { return f.severity == Finding::Severity::error; });
}

void Findings::append(const Findings& other) { all_.insert(all_.end(), other.all_.begin(), other.all_.end()); }

}  // namespace capstan::config
