#include "sinks/file.h"

#include <fmt/format.h>

#include "file_sink.h"
#include "options.h"

namespace capstan::sinks {
namespace {

using config::Findings;
using config::Node;

constexpr unsigned keep_max = 100'000;

void path_names_a_file(const FileOptions& options, const Node& node, Findings& findings) {
  if (!options.path.empty() && !options.path.ends_with('/')) return;
  findings.add(ErrorCode::wrong_value, place_of(node, "path"),
               fmt::format("path: expected the path of a file, got \"{}\"", options.path));
}

// Beside a sink that writes the file without the number, this one would be packed or removed.
void path_is_no_rotated_file(const FileOptions& options, const Node& node, Findings& findings) {
  const std::string_view name = std::string_view(options.path).substr(options.path.rfind('/') + 1);
  if (!is_rotated_name(name)) return;
  findings.add(ErrorCode::wrong_value, place_of(node, "path"),
               fmt::format("path: \"{}\" is the name of a file that was rotated away", name));
}

void rotation_by_time_is_not_too_fine(const FileOptions& options, const Node& node, Findings& findings) {
  if (!options.rotate_every || *options.rotate_every >= std::chrono::seconds(1)) return;
  findings.add(ErrorCode::wrong_value, place_of(node, "rotate_every"),
               fmt::format("rotate_every: expected at least 1s, got {}", config::written(*options.rotate_every)));
}

config::Schema<FileOptions> schema() {
  config::Schema<FileOptions> s;
  s.option("path", &FileOptions::path,
           "where to write, for this route alone; symbolic links are followed, missing directories are made")
      .required()
      .example("/var/log/capstan/alerts.cef");
  s.option("rotate_bytes", &FileOptions::rotate_bytes, "begin a new file when this one has reached this size")
      .range(1_KiB, 1024_GiB);
  s.option("rotate_every", &FileOptions::rotate_every,
           "begin a new file when this one is this old, with the next events")
      .example("1d");
  s.option("keep", &FileOptions::keep, "how many rotated files are kept, the oldest are removed; 0: all")
      .range(0U, keep_max);
  s.choice("compression", &FileOptions::compression,
           {{"none", Compression::none}, {"gzip", Compression::gzip}, {"zstd", Compression::zstd}},
           "how rotated files are packed");
  return s.rule(path_names_a_file).rule(path_is_no_rotated_file).rule(rotation_by_time_is_not_too_fine);
}

}  // namespace

Kind<Sink> file_kind() {
  return {.name = "file",
          .summary = "Writes messages into a file, one a line, synced before they count as delivered.",
          .options = schema().options(),
          .example =
              "type: file\n"
              "path: /var/log/capstan/alerts.cef\n"
              "rotate_every: 1d\n"
              "keep: 30\n"
              "compression: zstd\n",
          .make = [](const Node& node, const BuildContext& context, Findings& findings) -> std::unique_ptr<Sink> {
            auto options = read_options(schema(), node, context.name, findings);
            if (!options) return nullptr;
            return std::make_unique<FileSink>(std::move(*options), context.world.clock, context.world.files);
          }};
}

}  // namespace capstan::sinks
