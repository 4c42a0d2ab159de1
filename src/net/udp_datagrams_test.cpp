#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "net/stream.h"

namespace capstan::net {
namespace {

using namespace std::chrono_literals;

TEST(UdpDatagrams, one_message_one_datagram_and_refusals_are_told) {
  const int receiver = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(receiver, reinterpret_cast<sockaddr*>(&address), size), 0);
  ::getsockname(receiver, reinterpret_cast<sockaddr*>(&address), &size);

  const auto datagrams = open_udp({"127.0.0.1", ntohs(address.sin_port)}, {}).value();
  const std::string largest(65'507, 'x');
  ASSERT_TRUE(datagrams->send("one", {}));
  ASSERT_TRUE(datagrams->send(largest, {}));
  std::string bytes(70'000, '\0');
  EXPECT_EQ(::recv(receiver, bytes.data(), bytes.size(), 0), 3);
  EXPECT_EQ(::recv(receiver, bytes.data(), bytes.size(), 0), 65'507);
  const auto too_long = datagrams->send(largest + "x", {});
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().code(), ErrorCode::message_too_long);
  EXPECT_TRUE(datagrams->await_refusal({10ms, {}}));

  ::close(receiver);
  Result<> refused;
  for (int i = 0; i < 500 && refused; ++i) {
    refused = datagrams->send("nobody", {});
    std::this_thread::sleep_for(1ms);
  }
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::destination_unreachable);
  ASSERT_TRUE(datagrams->send("nobody", {}));
  const auto awaited = datagrams->await_refusal({1s, {}});
  ASSERT_FALSE(awaited);
  EXPECT_EQ(awaited.error().code(), ErrorCode::destination_unreachable);
}

}  // namespace
}  // namespace capstan::net
