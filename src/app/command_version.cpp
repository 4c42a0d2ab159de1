#include <fmt/format.h>
#include <CLI/Version.hpp>
#include <boost/version.hpp>

#include "app/version.h"
#include "base/text.h"
#include "session.h"

namespace capstan::app {

namespace {

constexpr std::string_view build_type =
#ifdef __OPTIMIZE__
    "release";
#else
    "debug";
#endif

Result<int> run(Session& session) {
  const std::vector<std::pair<std::string, std::string>> parts{
      {"build", std::string(build_type)},
      {"compiler", __VERSION__},
      {"Boost", fmt::format("{}.{}.{}", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100)},
      {"CLI11", CLI11_VERSION},
      {"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
      {"journal format", "1"}};
  if (session.wants_json()) {
    std::string members = fmt::format(R"("version":{})", json_quote(version));
    for (const auto& [name, value] : parts) members += fmt::format(",{}:{}", json_quote(name), json_quote(value));
    session.out() << "{" << members << "}\n";
    return exit_done;
  }
  session.out() << "capstan " << version << "\n";
  for (const auto& [name, value] : parts) session.out() << fmt::format("  {:<15} {}\n", name, value);
  return exit_done;
}

}  // namespace

Command version_command() {
  return {.name = "version",
          .summary = "print the version of Capstan and of what it is built with",
          .details = "",
          .wants = Wants::output,
          .run = run};
}

}  // namespace capstan::app
