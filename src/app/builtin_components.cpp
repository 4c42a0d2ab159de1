#include "app/components.h"
#include "encoders/cef.h"
#include "encoders/json.h"
#include "encoders/leef.h"
#include "sinks/file.h"
#include "sinks/stdout.h"
#include "sinks/syslog.h"
#include "sources/mdca.h"

namespace capstan::app {

namespace {

Registry made() {
  Registry registry;
  registry.sources.add(mdca_kind());
  registry.encoders.add(encoders::json_kind());
  registry.encoders.add(encoders::cef_kind());
  registry.encoders.add(encoders::leef_kind());
  registry.sinks.add(sinks::syslog_kind());
  registry.sinks.add(sinks::file_kind());
  registry.sinks.add(sinks::stdout_kind());
  return registry;
}

}  // namespace

const Registry& builtin_components() {
  static const Registry registry = made();
  return registry;
}

}  // namespace capstan::app
