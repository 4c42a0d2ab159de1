#include "plan_path.h"

#include <fmt/format.h>

#include <charconv>

namespace capstan::plan {

namespace {

class PathParser {
public:
  explicit PathParser(std::string_view path) : path_(path) {}

  Result<std::vector<Step>> steps() {
    std::vector<Step> steps = {TRY(name())};
    std::size_t levels = 0;
    while (at_ < path_.size()) {
      if (path_[at_] == '[') {
        if (++levels > levels_max) return wrong(fmt::format("it goes through more than {} arrays", levels_max));
        steps.emplace_back(TRY(gate()));
      } else {
        ++at_;  // name() has stopped at a dot
        steps.emplace_back(TRY(name()));
      }
      if (steps.size() > steps_max) return wrong(fmt::format("it has more than {} steps", steps_max));
      if (at_ < path_.size() && path_[at_] != '.' && path_[at_] != '[')
        return wrong(fmt::format("expected \".\" or \"[\", got \"{}\"", path_[at_]));
    }
    return steps;
  }

private:
  Result<std::string> name() {
    std::string name;
    for (; at_ < path_.size() && path_[at_] != '.' && path_[at_] != '['; ++at_) {
      if (path_[at_] == ']') return wrong("expected a name, got \"]\"");
      if (path_[at_] == '\\' && ++at_ == path_.size()) return wrong("expected a character behind the backslash");
      name += path_[at_];
    }
    if (name.empty()) return wrong("expected the name of a member");
    return name;
  }

  Result<Gate> gate() {
    const std::size_t begin = at_ + 1;
    const std::size_t end = path_.find(']', begin);
    if (end == std::string_view::npos) return wrong("\"[\" is not closed");
    const std::string_view inside = path_.substr(begin, end - begin);
    const std::size_t equals = inside.find('=');
    if (equals == 0) return wrong("expected the name of a member before \"=\"");
    Gate gate;
    if (equals != std::string_view::npos) {
      gate = {Gate::Kind::filter, 0, std::string(inside.substr(0, equals)), std::string(inside.substr(equals + 1))};
    } else if (!inside.empty()) {
      gate.kind = Gate::Kind::index;
      const auto [stop, error] = std::from_chars(inside.data(), inside.data() + inside.size(), gate.index);
      if (error != std::errc{} || stop != inside.data() + inside.size())
        return wrong(fmt::format("expected [], [number] or [member=text], got \"[{}]\"", inside));
    }
    at_ = end + 1;
    return gate;
  }

  Error wrong(std::string_view why) const {
    return {ErrorCode::mapping_wrong, fmt::format("reading the path \"{}\": column {}: {}", path_, at_ + 1, why)};
  }

  std::string_view path_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::vector<Step>> parse_path(std::string_view path) { return PathParser(path).steps(); }

}  // namespace capstan::plan
