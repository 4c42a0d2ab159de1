#include "simulator/receiver.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "syslog_frames.h"

namespace capstan::simulator {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// What a stream holds when it comes in pieces of every size.
std::vector<std::string> messages_of(std::string_view stream, std::size_t piece) {
  SyslogFrames frames;
  std::vector<std::string> found;
  const auto keep = [&](std::string_view message) { found.emplace_back(message); };
  for (std::size_t at = 0; at < stream.size(); at += piece)
    if (!frames.add(stream.substr(at, piece), keep)) found.emplace_back("BROKEN");
  frames.end(keep);
  return found;
}

TEST(SyslogFrames, AreFoundHoweverTheStreamIsCut) {
  for (std::size_t piece = 1; piece < 30; ++piece) {
    EXPECT_THAT(messages_of("<13>one\n<13>two = 2\n\n<13>three", piece),
                ElementsAre("<13>one", "<13>two = 2", "<13>three"));
    EXPECT_THAT(messages_of("7 <13>one8 <13>t\nwo11 unfinished", piece), ElementsAre("<13>one", "<13>t\nwo"));
  }
  EXPECT_THAT(messages_of("7 <13>onex", 100), ElementsAre("<13>one", "BROKEN"));
}

TEST(SyslogFrames, TheIdOfAnEvent) {
  EXPECT_EQ(external_id_of("<13>x CEF:0|V|P|1|C|Name|3|externalId=a_b-1 rt=5"), "a_b-1");
  EXPECT_EQ(external_id_of(R"(CEF:0|V|P|1|C|a\|b externalId=no|3|msg=x externalId=a\=b\\c)"), R"(a=b\c)");
  EXPECT_EQ(external_id_of("CEF:0|V|P|1|C|Name|3|oldexternalId=no rt=5"), std::nullopt);
  EXPECT_EQ(external_id_of("CEF:0|V|P|1|C|Name"), std::nullopt);
  EXPECT_EQ(external_id_of("plain text externalId=no"), std::nullopt);
}

int connect_to(std::uint16_t port) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(descriptor, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  return descriptor;
}

ReceiverCounts wait_for(const Receiver& receiver, std::uint64_t messages, std::uint64_t broken = 0) {
  const auto end = std::chrono::steady_clock::now() + 5s;
  while ((receiver.counts().messages < messages || receiver.counts().broken < broken) &&
         std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(5ms);
  return receiver.counts();
}

TEST(Receiver, CountsMessagesAndDistinctEvents) {
  const auto receiver = Receiver::start("127.0.0.1", 0);
  ASSERT_TRUE(receiver);
  const int lines = connect_to(receiver->port());
  const int octets = connect_to(receiver->port());
  const std::string one = "<13>CEF:0|V|P|1|C|N|3|externalId=one";
  const std::string two = "<13>CEF:0|V|P|1|C|N|3|externalId=two";
  const std::string by_line = one + "\n" + two + "\n<13>no event\n";
  const std::string by_count = std::to_string(one.size()) + " " + one;
  ::send(lines, by_line.data(), by_line.size(), 0);
  ::send(octets, by_count.data(), by_count.size(), 0);
  const ReceiverCounts counts = wait_for(*receiver, 4);
  ::close(lines);
  ::close(octets);
  EXPECT_EQ(counts.messages, 4U);
  EXPECT_EQ(counts.events, 2U);
  EXPECT_EQ(counts.doubles, 1U);
  EXPECT_EQ(counts.without_id, 1U);
  EXPECT_EQ(counts.bytes, by_line.size() + by_count.size());
  EXPECT_THAT(receiver->external_ids(), UnorderedElementsAre("one", "two"));
  EXPECT_TRUE(receiver->has("two"));
  EXPECT_FALSE(receiver->has("three"));
}

TEST(Receiver, EndsAConnectionThatItCannotUnderstand) {
  const auto receiver = Receiver::start("127.0.0.1", 0);
  ASSERT_TRUE(receiver);
  const int descriptor = connect_to(receiver->port());
  ::send(descriptor, "12x", 3, 0);
  EXPECT_EQ(wait_for(*receiver, 0, 1).broken, 1U);
  char byte = 0;
  EXPECT_LE(::recv(descriptor, &byte, 1, 0), 0);
  ::close(descriptor);
}

TEST(Receiver, SaysWhyItCannotListen) {
  const auto first = Receiver::start("127.0.0.1", 0);
  ASSERT_TRUE(first);
  const auto second = Receiver::start("127.0.0.1", first->port());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::port_in_use);
  EXPECT_THAT(second.error().text(), HasSubstr("Address already in use"));
}

}  // namespace
}  // namespace capstan::simulator
