// What the tests of sinks share: payloads, a clock that stands still, a directory of their own.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/clock.h"
#include "component/sink.h"

namespace capstan::sinks {

inline Payload make_payload(const std::string& id, const std::vector<std::string>& messages,
                            Timestamp time = from_epoch_ms(1'764'000'503'045)) {
  Payload payload;
  payload.id = id;
  for (const auto& message : messages) {
    payload.bytes += message;
    payload.messages.push_back({payload.bytes.size(), time, payload.messages.size()});
  }
  return payload;
}

class StandingClock final : public Clock {
public:
  Timestamp now() const override { return now_; }
  MonotonicTime monotonic() const override { return MonotonicTime(now_.time_since_epoch()); }
  void advance(Duration span) { now_ += span; }

private:
  Timestamp now_ = from_epoch_ms(1'764'000'000'000);  // 2025-11-24T16:00:00Z
};

class OwnDirectory {
public:
  OwnDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "capstan-sinks-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  OwnDirectory(const OwnDirectory&) = delete;
  OwnDirectory& operator=(const OwnDirectory&) = delete;
  ~OwnDirectory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

private:
  std::string path_;
};

}  // namespace capstan::sinks
