// What kinds of components there are. Registration is one line each in app/builtin_components.cpp.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "component/encoder.h"
#include "component/sink.h"
#include "component/source.h"
#include "config/schema.h"
#include "net/http.h"
#include "net/tenant.h"

namespace capstan {

// All that a component may touch of the outside. No globals, no threads.
struct World {
  Clock& clock;
  FileSystem& files;
  net::HttpClient& http;
};

struct BuildContext {
  World& world;
  std::string name;  // of this component in the configuration
  // The tenants by name; a source that needs one and does not find it adds a finding (unknown_name).
  std::function<std::shared_ptr<net::Tenant>(std::string_view name)> tenant;
  // To be told, where it is set, of every file that is read while the component is made (a mapping): what such a file
  // holds is part of the configuration, and a reload has to see that it changed.
  std::function<void(std::string_view path, std::string_view text)> has_read = {};
};

// One kind: its declaration and how one is made. `make` reads the options (everything but `type`), adds findings, and
// returns nullptr when there was an error. It does not touch the network or the disk.
template <class Component>
struct Kind {
  std::string name;     // "mdca", "syslog", "cef"
  std::string summary;  // one sentence
  std::vector<config::OptionDescription> options;
  std::string example;  // YAML, complete and valid
  std::function<std::unique_ptr<Component>(const config::Node& options, const BuildContext& context,
                                           config::Findings& findings)>
      make;
};

template <class Component>
class Kinds {
public:
  void add(Kind<Component> kind) { kinds_.push_back(std::move(kind)); }
  const Kind<Component>* find(std::string_view name) const {
    for (const auto& kind : kinds_)
      if (kind.name == name) return &kind;
    return nullptr;
  }
  const std::vector<Kind<Component>>& all() const { return kinds_; }

private:
  std::vector<Kind<Component>> kinds_;
};

struct Registry {
  Kinds<Source> sources;
  Kinds<Encoder> encoders;
  Kinds<Sink> sinks;
};

}  // namespace capstan
