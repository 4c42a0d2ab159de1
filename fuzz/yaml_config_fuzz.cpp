// Any text as a configuration: it is read in bounded time and memory, every finding has its sentence, and what came out
// of a reference is never shown.
#include <cstdlib>

#include "config/document.h"
#include "config/schema.h"

namespace {

using namespace capstan;

constexpr std::string_view hidden = "SeCrEt-7f3a";

struct Inner {
  enum class Mode { fast, exact } mode = Mode::fast;
  Secret secret;
};
struct Options {
  std::string name;
  Duration wait{};
  Bytes size{};
  std::uint16_t port = 0;
  bool on = false;
  std::vector<std::string> feeds;
  std::optional<std::string> note;
  config::Raw raw;
  Inner inner;
};

config::Schema<Options> schema() {
  config::Schema<Inner> inner;
  inner.choice("mode", &Inner::mode, {{"fast", Inner::Mode::fast}, {"exact", Inner::Mode::exact}}, "how");
  inner.option("secret", &Inner::secret, "what");
  config::Schema<Options> s;
  s.option("name", &Options::name, "who").required();
  s.option("wait", &Options::wait, "how long");
  s.option("size", &Options::size, "how large");
  s.option("port", &Options::port, "where to").range<std::uint16_t>(1, 1000);
  s.option("on", &Options::on, "whether");
  s.option("feeds", &Options::feeds, "which");
  s.option("note", &Options::note, "more");
  s.option("raw", &Options::raw, "anything");
  s.object("inner", &Options::inner, inner, "deeper");
  return s;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  if (text.contains(hidden)) return 0;
  const config::References references{
      [](const std::string& name) { return name.starts_with("S") ? std::optional<std::string>(hidden) : std::nullopt; },
      nullptr};
  config::Findings findings;
  static const config::Schema<Options> options = schema();
  // ${file:…} needs a disk, which a fuzzer does not touch.
  if (text.contains("${file") || text.contains("${credential")) return 0;
  const config::Node node = config::parse(text, "fuzz.yaml", references, findings);
  (void)options.decode(node, "the fuzzer", findings);
  for (const config::Finding& finding : findings.all()) {
    if (finding.sentence.empty()) std::abort();
    if (to_string(finding).contains(hidden)) std::abort();
  }
  return 0;
}
