// Any bytes on the standard input of `capstan query`: all of them are read, or something is told and the exit code
// is 1.
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>

#include "app/program.h"

namespace {

using namespace capstan;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Said {
  int exit = 0;
  std::string out;
  std::string err;
};

Said ask(const std::string& query, const std::string& typed) {
  std::istringstream in(typed);
  std::ostringstream out;
  std::ostringstream err;
  app::Streams streams{.in = in, .out = out, .err = err};
  const int exit = app::main({"query", query, "--from", "json"}, streams);
  return {exit, out.str(), err.str()};
}

std::string without_blanks(std::string_view text) {
  std::string rest;
  for (const char c : text)
    if (!std::string_view(" \t\r\n").contains(c)) rest += c;
  return rest;
}

// What is left of the input without its records may only be what stands around them.
bool is_all_read(std::string_view input, std::string_view rows) {
  for (std::size_t row = 0; row < rows.size() || !input.empty();) {
    if (row < rows.size() && !input.empty() && input.front() == rows[row]) {
      ++row;
    } else if (input.empty() || !std::string_view("[],\x1E\xEF\xBB\xBF").contains(input.front())) {
      return false;
    }
    input.remove_prefix(1);
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  const Said said = ask("source", text);
  require(said.exit == app::exit_done || said.exit == app::exit_not_done);
  require((said.exit == app::exit_done) == said.err.empty());
  // Packed input and surrogates as bytes come out in another form.
  const bool is_plain = text.find_first_of("\x1F\x28\x50\xED") == std::string::npos;
  if (said.exit == app::exit_done && is_plain) require(is_all_read(without_blanks(text), without_blanks(said.out)));
  require(ask("print x = 1", text).out == "{\"x\":1}\n");
  return 0;
}
