#include "net/resolve.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "name_lookups.h"
#include "tcp_socket.h"

namespace capstan::net {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* found) const { ::freeaddrinfo(found); }
};

// One socket type, so that an address comes once; which type makes no difference to the addresses.
Result<std::vector<std::string>> ask_system(const std::string& host, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* list = nullptr;
  const int error_number = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (error_number != 0) {
    const std::string words = error_number == EAI_SYSTEM ? errno_words(errno) : ::gai_strerror(error_number);
    return Error(ErrorCode::name_not_resolved, fmt::format("resolving \"{}\": {}", host, words));
  }
  const std::unique_ptr<addrinfo, FreeAddresses> found(list);
  std::vector<std::string> literals;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(each->ai_addr, each->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0)
      continue;
    if (std::ranges::find(literals, text.data()) == literals.end()) literals.emplace_back(text.data());
  }
  if (literals.empty()) return Error(ErrorCode::name_not_resolved, fmt::format("resolving \"{}\": no address", host));
  return literals;
}

// One for the process, because a look-up that hangs outlives whoever asked for it; never destroyed, because it may
// outlive main as well.
NameLookups& system_lookups() {
  static auto* const instance = new NameLookups([](const std::string& host) { return ask_system(host, 0); });
  return *instance;
}

}  // namespace

Result<std::vector<Address>> resolve(const Address& to, const Call& call) {
  auto literals = ask_system(to.host, AI_NUMERICHOST);
  if (!literals) literals = system_lookups().find(to.host, call);
  std::vector<Address> addresses;
  for (auto& literal : TRY(std::move(literals))) addresses.push_back({std::move(literal), to.port});
  return addresses;
}

}  // namespace capstan::net
