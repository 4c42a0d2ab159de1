#include "references.h"

#include <fmt/format.h>
#include <stdlib.h>

namespace capstan::config {

namespace {

constexpr std::uint64_t secret_size_max = 1U << 20;

std::string read_secret_file(const std::string& path, const std::string& written, const Place& place,
                             const References& references, Findings& findings) {
  auto content = read_file(*references.files, path, secret_size_max);
  if (!content.has_value()) {
    findings.add(ErrorCode::unresolved_secret, place,
                 fmt::format("resolving {}: {}", written, content.error().sentence()));
    return {};
  }
  std::string text = std::move(content.value());
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

std::string look_up(std::string_view kind, const std::string& name, const std::string& written, const Place& place,
                    const References& references, Findings& findings) {
  if (kind == "env") {
    const auto value = references.environment(name);
    if (!value)
      findings.add(ErrorCode::unresolved_secret, place,
                   fmt::format("resolving {}: the environment has no variable {}", written, name));
    return value.value_or("");
  }
  if (kind == "file") return read_secret_file(name, written, place, references, findings);
  if (kind == "credential") {
    const auto directory = references.environment("CREDENTIALS_DIRECTORY");
    if (directory && !name.contains('/'))
      return read_secret_file(*directory + "/" + name, written, place, references, findings);
    findings.add(ErrorCode::unresolved_secret, place,
                 fmt::format("resolving {}: {}", written,
                             directory ? "a credential's name has no slash"
                                       : "systemd passed no credentials (CREDENTIALS_DIRECTORY is not set)"));
    return {};
  }
  findings.add(
      ErrorCode::unresolved_secret, place,
      fmt::format("resolving {}: expected env, file or credential before the colon, got \"{}\"", written, kind));
  return {};
}

}  // namespace

Resolved resolve(std::string_view scalar, const Place& place, const References& references, Findings& findings) {
  Resolved resolved;
  for (std::size_t at = 0; at < scalar.size();) {
    const std::size_t mark = scalar.find("${", at);
    if (mark == std::string_view::npos) {
      resolved.text += scalar.substr(at);
      break;
    }
    if (mark > at && scalar[mark - 1] == '$') {
      resolved.text += scalar.substr(at, mark - 1 - at);
      resolved.text += "${";
      at = mark + 2;
      continue;
    }
    resolved.text += scalar.substr(at, mark - at);
    const std::size_t end = scalar.find('}', mark);
    const std::size_t colon = scalar.find(':', mark);
    if (end == std::string_view::npos || colon == std::string_view::npos || colon > end) {
      findings.add(ErrorCode::unresolved_secret, place,
                   "expected a reference such as ${env:NAME} after \"${\"; write \"$${\" for a plain \"${\"");
      return resolved;
    }
    const std::string written(scalar.substr(mark, end + 1 - mark));
    const std::string name(scalar.substr(colon + 1, end - colon - 1));
    resolved.text += look_up(scalar.substr(mark + 2, colon - mark - 2), name, written, place, references, findings);
    resolved.has_reference = true;
    at = end + 1;
  }
  return resolved;
}

Result<Secret> read_secret(std::string_view reference, const References& references) {
  const std::size_t colon = reference.find(':');
  const std::string_view kind = reference.substr(0, colon);
  if (colon == std::string_view::npos || (kind != "env" && kind != "file" && kind != "credential"))
    // Not shown: it may be the secret itself.
    return Error(ErrorCode::unresolved_secret,
                 "resolving a secret: expected env:NAME, file:PATH or credential:NAME, got something else");
  Findings findings;
  Secret secret(
      look_up(kind, std::string(reference.substr(colon + 1)), std::string(reference), {}, references, findings));
  if (!findings.all().empty()) return Error(ErrorCode::unresolved_secret, findings.all().front().sentence);
  if (secret.is_empty())
    return Error(ErrorCode::unresolved_secret, fmt::format("resolving {}: expected a secret, got nothing", reference));
  return secret;
}

References system_references(FileSystem& files) {
  return {[](const std::string& name) -> std::optional<std::string> {
            const char* value = ::getenv(name.c_str());
            return value == nullptr ? std::nullopt : std::optional<std::string>(value);
          },
          &files};
}

}  // namespace capstan::config
