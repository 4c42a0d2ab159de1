// Where a source got to: opaque to everyone but the source that wrote it, small (kilobytes), text (JSON by custom).
// Empty means "never polled".
#pragma once

#include <string>

namespace capstan {

struct Checkpoint {
  std::string text;
  bool operator==(const Checkpoint&) const = default;
};

}  // namespace capstan
