// A receiver on 127.0.0.1 that closes its connections again and again: after so many bytes, messages or milliseconds,
// with or without having read what had come, politely or with a reset. It remembers every whole message and how often
// it came, until it dies. It shares no code with the sink.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>

#include "certificates_for_test.h"

namespace capstan::receivers {

// What one connection is like.
struct Habit {
  std::size_t bytes_max = 0;     // reads exactly so many and closes; 0: no limit
  std::size_t messages_max = 0;  // closes when it has read so many whole messages; 0: no limit
  int milliseconds_max = 0;      // closes after this time; 0: no limit
  bool reads = true;             // false: it accepts and never reads
  bool resets = false;           // closes with a reset whatever it has read
  std::size_t read_size = 65'536;
};

enum class Framing { lf, octet_counting };

class ClosingReceiver {
public:
  using Choose = std::function<Habit(std::mt19937_64&)>;

  // `authority`: signs the certificate of a TLS receiver; nullptr: plain TCP.
  ClosingReceiver(Framing framing, const net::test::Identity* authority, Choose choose, std::uint64_t seed);
  ClosingReceiver(const ClosingReceiver&) = delete;
  ClosingReceiver& operator=(const ClosingReceiver&) = delete;
  ~ClosingReceiver();

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // From now on connections are like this.
  void behave(Choose choose);
  // Dies as a program does that is killed, with everything that it has read so far, and is started again.
  void die();
  // How often each whole message came, to the life that it has now.
  std::map<std::string, int> received();
  int connections() const { return connections_; }

private:
  struct Connection;
  void listen();
  void run();
  void live_again();
  void serve(Connection& connection);
  void take(Connection& connection, std::string_view bytes);
  void count(std::string_view message);

  Framing framing_;
  SSL_CTX* context_ = nullptr;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> ends_ = false;
  std::atomic<bool> dies_ = false;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  Choose choose_;
  std::mt19937_64 random_;
  std::map<std::string, int> received_;
  std::thread thread_;
};

}  // namespace capstan::receivers
