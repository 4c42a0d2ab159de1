// The declarations of the sinks: their examples are valid, and every rule says where and why.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/document.h"
#include "payload_for_test.h"
#include "sinks/file.h"
#include "sinks/stdout.h"
#include "sinks/syslog.h"

namespace capstan::sinks {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class NoHttp final : public net::HttpClient {
public:
  Result<net::Response> send(const net::Request&, const Call&) override {
    return Error(ErrorCode::connection_failed, "a sink asked for HTTP");
  }
};

class DeclarationsTest : public testing::Test {
protected:
  struct Made {
    std::unique_ptr<Sink> sink;
    std::vector<std::string> errors;
    std::vector<std::string> warnings;
  };
  Made make(const Kind<Sink>& kind, const std::string& yaml) {
    config::Findings findings;
    const auto node = config::parse(
        yaml, "test.yaml",
        {.environment = [](const std::string&) { return std::optional<std::string>("secret"); }, .files = &files},
        findings);
    World world{clock, files, http};
    const BuildContext context{world, "arcsight", [](std::string_view) { return nullptr; }};
    Made made;
    made.sink = kind.make(node, context, findings);
    for (const auto& finding : findings.all())
      (finding.severity == config::Finding::Severity::error ? made.errors : made.warnings)
          .push_back(to_string(finding));
    return made;
  }
  void expect_refused(const Kind<Sink>& kind, const std::string& yaml, const std::string& words) {
    const auto made = make(kind, yaml);
    EXPECT_EQ(made.sink, nullptr) << yaml;
    EXPECT_THAT(made.errors, ElementsAre(HasSubstr(words))) << yaml;
  }

  StandingClock clock;
  PosixFileSystem files;
  NoHttp http;
};

TEST_F(DeclarationsTest, examples_are_complete_and_valid) {
  for (const auto& kind : {syslog_kind(), file_kind(), stdout_kind()}) {
    const auto made = make(kind, kind.example);
    EXPECT_THAT(made.errors, IsEmpty()) << kind.name;
    EXPECT_THAT(made.warnings, IsEmpty()) << kind.name;
    EXPECT_NE(made.sink, nullptr) << kind.name;
  }
}

TEST_F(DeclarationsTest, syslog_refuses_what_cannot_work) {
  const auto kind = syslog_kind();
  expect_refused(kind, "type: syslog\n", "needs the option \"address\"");
  expect_refused(kind, "adress: siem:514\naddress: siem:514\n", "did you mean \"address\"");
  expect_refused(kind, "address: siem\n", "expected host:port");
  expect_refused(kind, "address: siem:514\nformat: none\n", "format none is for transport udp only");
  expect_refused(kind, "address: siem:514\ntransport: udp\nframing: lf\n", "framing is for transport tcp and tls");
  expect_refused(kind, "address: siem:514\ntls: {server_name: x}\n", "for transport tls");
  expect_refused(kind, "address: siem:514\nhost: my host\n", "printable ASCII");
  expect_refused(kind, fmt::format("address: siem:514\nformat: rfc5424\napp_name: {}\n", std::string(49, 'a')), "48");
  expect_refused(kind, "address: siem:514\nbom: true\n", "bom is for format rfc5424");
  expect_refused(kind, "address: siem:514\nmax_message_bytes: 100B\n", "expected 1KiB to 16MiB");
  expect_refused(kind, "address: siem:514\nmax_rate: 100\n", "max_rate is for transport udp");
  expect_refused(kind, "address: siem:514\ntransport: tls\nburst: 10\n", "burst is for transport udp");
  expect_refused(kind, "address: siem:514\ntransport: udp\nburst: 0\n", "expected 1 to");
  expect_refused(kind, "address: siem:514\nresolve_every: 10ms\n", "expected 1s to 1h");
  expect_refused(kind, "address: siem:514\nfacility: local9\n", "facility: expected one of");
}

TEST_F(DeclarationsTest, syslog_warns_of_what_may_lose) {
  const auto kind = syslog_kind();
  const auto udp = make(kind, "address: siem:514\ntransport: udp\nformat: none\n");
  EXPECT_NE(udp.sink, nullptr);
  EXPECT_THAT(udp.warnings, ElementsAre(HasSubstr("sent, not provable")));
  const auto unverified = make(kind, "address: siem:6514\ntransport: tls\ntls: {verify: false}\n");
  EXPECT_NE(unverified.sink, nullptr);
  EXPECT_THAT(unverified.warnings, ElementsAre(HasSubstr("test.yaml:3:")));
  const auto lines = make(kind, "address: siem:6514\ntransport: tls\nframing: lf\n");
  EXPECT_NE(lines.sink, nullptr);
  EXPECT_THAT(lines.warnings, ElementsAre(HasSubstr("RFC 5425")));
}

TEST_F(DeclarationsTest, a_client_certificate_comes_by_reference_only) {
  const auto kind = syslog_kind();
  expect_refused(kind, "address: siem:6514\ntransport: tls\ntls: {certificate: plain}\n", "certificate");
  EXPECT_NE(make(kind, "address: siem:6514\ntransport: tls\ntls: {certificate: '${env:PEM}'}\n").sink, nullptr);
}

TEST_F(DeclarationsTest, file_refuses_what_cannot_work) {
  const auto kind = file_kind();
  expect_refused(kind, "type: file\n", "needs the option \"path\"");
  expect_refused(kind, "path: /tmp/x/\n", "expected the path of a file");
  expect_refused(kind, "path: /tmp/x\nrotate_every: 10ms\n", "at least 1s");
  expect_refused(kind, "path: /tmp/x\nrotate_bytes: 1B\n", "expected 1KiB to");
  expect_refused(kind, "path: /tmp/x\ncompression: rar\n", "expected one of none, gzip, zstd");
}

TEST_F(DeclarationsTest, two_routes_with_one_file_are_told_apart) {
  const OwnDirectory directory;
  const auto kind = file_kind();
  const std::string yaml = "path: " + directory.path() + "/out.cef\n";
  const auto first = make(kind, yaml);
  const auto second = make(kind, yaml);
  ASSERT_TRUE(first.sink->resume(""));
  EXPECT_FALSE(second.sink->resume(""));
}

TEST_F(DeclarationsTest, stdout_has_no_options) { expect_refused(stdout_kind(), "type: stdout\npath: x\n", "path"); }

}  // namespace
}  // namespace capstan::sinks
