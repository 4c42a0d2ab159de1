// The equipment of the contract tests: a world that can be watched, and components made from their examples.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "app/components.h"
#include "config/document.h"

namespace capstan::contract {

// Stands still unless moved.
class FrozenClock final : public Clock {
public:
  Timestamp wall = from_epoch_ms(1'764'000'000'000);
  Duration passed{};
  Timestamp now() const override { return wall + passed; }
  MonotonicTime monotonic() const override { return MonotonicTime{std::chrono::hours(1) + passed}; }
};

// Answers everything politely with nothing, and remembers what it was asked.
class PoliteService final : public net::HttpClient {
public:
  struct Asked {
    std::string url;
    std::string body;
    bool operator==(const Asked&) const = default;
    friend void PrintTo(const Asked& asked, std::ostream* out) { *out << asked.url << " " << asked.body; }
  };
  Result<net::Response> send(const net::Request& request, const Call& call) override;
  // Questions since the last take, without those for tokens.
  std::vector<Asked> take();

private:
  std::vector<Asked> asked_;
};

// Counts touches; every file holds "secret".
class WatchedFiles final : public FileSystem {
public:
  mutable int touches = 0;
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<std::vector<std::string>> list(const std::string& directory) const override;
  Result<bool> exists(const std::string& path) const override;
  Result<std::optional<FileStatus>> status(const std::string& path) const override;
  Result<std::string> real_path(const std::string& path) const override;
  Result<> make_directories(const std::string& path) override;
  Result<> rename(const std::string& from, const std::string& to) override;
  Result<> rename_to_new(const std::string& from, const std::string& to) override;
  Result<> remove(const std::string& path) override;
  Result<> sync_directory(const std::string& directory) override;
  Result<std::uint64_t> free_bytes(const std::string& path) const override;
};

// A place where components are made.
class Workshop {
public:
  explicit Workshop(FileSystem& files) : world{clock, files, service} {}

  FrozenClock clock;
  PoliteService service;
  World world;
  config::Findings findings;  // of the last make

  template <class Component>
  std::unique_ptr<Component> make(const Kind<Component>& kind, const config::Node& options) {
    findings = {};
    // The member that names the kind belongs to whoever reads the configuration (component/registry.h).
    config::Node own = options;
    const char* selector = std::is_same_v<Component, Encoder> ? "format" : "type";
    std::erase_if(own.members, [selector](const auto& member) { return member.key == selector; });
    const BuildContext context{world, kind.name, [this](std::string_view name) { return tenant(name); }};
    return kind.make(own, context, findings);
  }

private:
  std::shared_ptr<net::Tenant> tenant(std::string_view name);
  std::shared_ptr<net::Tenant> tenant_;
};

// YAML as a person writes it; every reference resolves.
config::Node read_yaml(const std::string& yaml, config::Findings& findings);
// Sets or replaces a member.
void set(config::Node& map, const std::string& key, const std::string& scalar);
std::string text(const config::Findings& findings);

// The example, and the example with every other value of every choice and yes/no option: what a person may write. Those
// that contradict themselves (an option that another forbids) give findings when they are made and are left to the
// component's own tests.
struct Variation {
  std::string name;
  config::Node options;
};
template <class Component>
std::vector<Variation> variations(const Kind<Component>& kind) {
  config::Findings findings;
  std::vector<Variation> all{{"example", read_yaml(kind.example, findings)}};
  for (const auto& option : kind.options) {
    std::vector<std::string> values = option.choices;
    if (option.type == "yes/no") values = {"true", "false"};
    for (const auto& value : values) {
      Variation variation{option.name + ": " + value, all.front().options};
      set(variation.options, option.name, value);
      all.push_back(std::move(variation));
    }
  }
  return all;
}

}  // namespace capstan::contract
