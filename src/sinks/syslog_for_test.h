// What the tests of the syslog sink share: options, the lines that arrive, a fixture.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "payload_for_test.h"
#include "receiver_for_test.h"
#include "syslog_sink.h"

namespace capstan::sinks {

// Waits look for a stop every 50 ms; the rest is for a machine that is busy with other tests. What is stopped here
// would last far longer.
constexpr auto prompt = std::chrono::milliseconds(1500);

inline SyslogOptions options_for(const std::string& address) {
  SyslogOptions options;
  options.address = address;
  options.host = "collector";
  options.time_zone = SyslogZone::utc;
  return options;
}

// What lf framing makes of the test's messages: "CEF:…" at the payloads' own time.
inline std::string lines(const std::vector<std::string>& messages) {
  std::string all;
  for (const auto& message : messages) all += "<166>Nov 24 16:08:23 collector " + message + "\n";
  return all;
}

class SyslogSinkTest : public testing::Test {
protected:
  std::unique_ptr<SyslogSink> make(const SyslogOptions& options) {
    return std::make_unique<SyslogSink>(options, clock);
  }
  SystemClock clock;
};

}  // namespace capstan::sinks
