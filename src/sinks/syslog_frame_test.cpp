#include "sinks/syslog_frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "base/digest.h"
#include "base/text.h"

namespace capstan::sinks {
namespace {

const Timestamp at = from_epoch_ms(1'764'547'203'045);  // 2025-12-01T00:00:03.045Z

SyslogShape shape() {
  SyslogShape s;
  s.host = "collector";
  s.zone = SyslogZone::utc;
  return s;
}

std::string framed(const SyslogShape& with, std::string_view message, Timestamp time = at) {
  SyslogFrames frames(with);
  std::string out;
  frames.append(message, time, out);
  return out;
}

TEST(SyslogFrames, rfc3164_lets_cef_and_leef_be_their_own_tag) {
  EXPECT_EQ(framed(shape(), "CEF:0|MCAS|x"), "<166>Dec  1 00:00:03 collector CEF:0|MCAS|x\n");
  EXPECT_EQ(framed(shape(), "LEEF:2.0|x"), "<166>Dec  1 00:00:03 collector LEEF:2.0|x\n");
  EXPECT_EQ(framed(shape(), "{\"a\":1}"), "<166>Dec  1 00:00:03 collector capstan: {\"a\":1}\n");
  auto with = shape();
  with.app_name = "mcas";
  EXPECT_EQ(framed(with, "CEF:0|MCAS|x"), "<166>Dec  1 00:00:03 collector mcas: CEF:0|MCAS|x\n");
}

TEST(SyslogFrames, priority_is_facility_times_eight_plus_severity) {
  auto with = shape();
  with.facility = 0;
  with.severity = 0;
  EXPECT_THAT(framed(with, "x"), testing::StartsWith("<0>"));
  with.facility = 23;
  with.severity = 7;
  EXPECT_THAT(framed(with, "x"), testing::StartsWith("<191>"));
}

TEST(SyslogFrames, timestamps) {
  auto with = shape();
  EXPECT_THAT(framed(with, "x", from_epoch_ms(-1)), testing::HasSubstr(">Dec 31 23:59:59 "));
  with.timestamp = SyslogTime::iso8601;
  EXPECT_EQ(framed(with, "x"), "<166>2025-12-01T00:00:03.045Z collector capstan: x\n");

  ::setenv("TZ", "IST-5:30", 1);
  ::tzset();
  with = shape();
  with.zone = SyslogZone::local;
  EXPECT_THAT(framed(with, "x"), testing::HasSubstr(">Dec  1 05:30:03 "));
  ::unsetenv("TZ");
  ::tzset();
}

TEST(SyslogFrames, rfc5424) {
  auto with = shape();
  with.format = SyslogFormat::rfc5424;
  EXPECT_EQ(framed(with, "CEF:0|x"), "<166>1 2025-12-01T00:00:03.045Z collector capstan - - - CEF:0|x\n");
  with.app_name = "mcas";
  with.has_bom = true;
  EXPECT_EQ(framed(with, "x"), "<166>1 2025-12-01T00:00:03.045Z collector mcas - - - \xEF\xBB\xBFx\n");
}

TEST(SyslogFrames, octet_counting_counts_bytes) {
  auto with = shape();
  with.framing = SyslogFraming::octet_counting;
  EXPECT_EQ(framed(with, "CEF:é\n"), "38 <166>Dec  1 00:00:03 collector CEF:é\n");
}

TEST(SyslogFrames, a_line_break_never_splits_an_lf_frame) {
  EXPECT_EQ(framed(shape(), std::string_view("CEF:a\nb\rc\0d\n", 12)), "<166>Dec  1 00:00:03 collector CEF:a b c d \n");
}

TEST(SyslogFrames, a_message_that_begins_with_a_digit_stands_behind_a_priority) {
  EXPECT_THAT(framed(shape(), "17 messages"), testing::StartsWith("<"));
}

TEST(SyslogFrames, format_none_is_the_message_alone) {
  auto with = shape();
  with.format = SyslogFormat::none;
  with.framing = SyslogFraming::datagram;
  EXPECT_EQ(framed(with, "2017-11-22T17:50:04.000Z CEF:0|x"), "2017-11-22T17:50:04.000Z CEF:0|x");
}

TEST(SyslogFrames, long_messages_are_cut_at_a_character_and_marked) {
  for (const auto framing : {SyslogFraming::lf, SyslogFraming::octet_counting, SyslogFraming::datagram})
    for (std::size_t surplus = 1; surplus < 12; ++surplus) {
      auto with = shape();
      with.framing = framing;
      with.message_max = Bytes{1024};
      std::string message = "CEF:0|";
      while (message.size() < 1024 - 31 + surplus) message += "漢\\\\";
      SyslogFrames frames(with);
      std::string out;
      ASSERT_EQ(frames.append(message, at, out), SyslogFrames::Outcome::cut);
      if (framing == SyslogFraming::lf) out.pop_back();
      if (framing == SyslogFraming::octet_counting) out = out.substr(out.find(' ') + 1);
      EXPECT_LE(out.size(), 1024U);
      EXPECT_GT(out.size(), 1024U - 8);
      EXPECT_TRUE(is_utf8(out));
      const std::string mark =
          " …[cut: sha256=" + sha256_hex(message).substr(0, 16) + " length=" + std::to_string(message.size()) + "]";
      EXPECT_THAT(out, testing::EndsWith(mark));
      const std::string kept = out.substr(0, out.size() - mark.size());
      const auto backslashes = kept.size() - 1 - kept.find_last_not_of('\\');
      EXPECT_EQ(backslashes % 2, 0U) << "half an escape is left";
      EXPECT_TRUE(message.starts_with(kept.substr(kept.find("CEF:"))));
    }
}

TEST(SyslogFrames, a_message_of_just_the_limit_is_whole) {
  auto with = shape();
  with.message_max = Bytes{1024};
  SyslogFrames frames(with);
  std::string out;
  EXPECT_EQ(frames.append("CEF:" + std::string(1024 - 31 - 4, 'x'), at, out), SyslogFrames::Outcome::whole);
  EXPECT_EQ(out.size(), 1025U);
  EXPECT_EQ(frames.append("CEF:" + std::string(1024 - 31 - 3, 'x'), at, out), SyslogFrames::Outcome::cut);
}

}  // namespace
}  // namespace capstan::sinks
