// `parse`: docs "parse operator", with what the engine does where the page says otherwise: string columns of kind=regex
// are greedy and not anchored at the end; kind=simple is anchored at both ends and all or nothing.
#include <fmt/format.h>

#include "convert.h"
#include "stage.h"

namespace capstan::kql {

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\.+*?()|[]{}^$-&~#").contains(c)) out += '\\';
    out += c;
  }
  return out;
}

// What a column of a type may eat.
std::string_view shape_of(Type type) {
  switch (type) {
    case Type::integer:
    case Type::long_integer:
      return R"( ?[+-]?[0-9]+)";
    case Type::real:
      return R"( ?[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)";
    case Type::boolean:
      return R"( ?(?:[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|[+-]?[0-9]+))";
    case Type::guid:
      return R"([0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12})";
    case Type::datetime:
      return R"([0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}(?:[T ][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z| ?[AP]M|[+-][0-9]{2}:?[0-9]{2})?)?)";
    case Type::timespan:
      return R"(-?(?:[0-9]+\.)?[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)";
    default:
      return {};
  }
}

struct Built {
  std::string regex;
  std::vector<std::size_t> groups;  // of the columns, in order
  std::string refusal;
};

// One regular expression for all items. Groups inside the user's literals are counted, so that columns find theirs.
Built build(const ParsePlan& plan) {
  Built built;
  std::size_t group = 0;
  if (!plan.is_regex) built.regex = "(?s)^";
  for (std::size_t i = 0; i < plan.items.size(); ++i) {
    const ParseItem& item = plan.items[i];
    switch (item.kind) {
      case ParseItem::Kind::star:
        if (i > 0 && plan.items[i - 1].kind == ParseItem::Kind::column && plan.items[i - 1].type == Type::string) {
          built.refusal = "\"*\" cannot follow a text column, which takes everything itself";
          return built;
        }
        built.regex += ".*?";
        break;
      case ParseItem::Kind::literal:
        if (item.text.empty()) {
          built.refusal = "a literal of parse cannot be empty";
          return built;
        }
        if (plan.is_regex) {
          const auto made = Pattern::make(item.text);
          if (!made.pattern) {
            built.refusal = made.refusal;
            return built;
          }
          group += made.pattern->groups();
          built.regex += fmt::format("(?:{})", item.text);
        } else {
          built.regex += escaped(item.text);
        }
        break;
      case ParseItem::Kind::column: {
        built.groups.push_back(++group);
        const bool is_time = item.type == Type::datetime || item.type == Type::timespan;
        const bool has_shape = !plan.is_relaxed && (plan.is_regex || !is_time);
        const std::string_view shape = has_shape ? shape_of(item.type) : std::string_view{};
        if (!shape.empty()) {
          built.regex += fmt::format("({})", shape);
        } else {
          built.regex += plan.is_regex && item.type == Type::string ? "(.*)" : "(.*?)";
        }
        break;
      }
    }
  }
  const bool ends_open = !plan.items.empty() && plan.items.back().kind == ParseItem::Kind::star;
  if (!plan.is_regex && !ends_open) built.regex += "$";
  // A lazy last column of kind=regex takes the rest.
  if (plan.is_regex && !plan.items.empty() && plan.items.back().kind == ParseItem::Kind::column &&
      built.regex.ends_with("(.*?)"))
    built.regex.replace(built.regex.size() - 5, 5, "(.*)");
  return built;
}

class Parse final : public Stage {
public:
  Parse(ParsePlan plan, std::vector<std::size_t> groups, std::shared_ptr<const Pattern> pattern, NodePtr subject)
      : plan_(std::move(plan)),
        groups_(std::move(groups)),
        pattern_(std::move(pattern)),
        subject_(std::move(subject)) {}

  void run(Frame& frame, const Next& next) const override {
    const bool is_parsed = parse(frame);
    if (!is_parsed) {
      for (const ParseTarget& target : plan_.targets) frame.slots[target.slot] = Datum::null(target.type);
      if (plan_.drops_failures) return;
    }
    next();
  }

private:
  bool parse(Frame& frame) const {
    const std::string_view text = subject_->evaluate(frame).text;
    std::vector<std::string_view> found;
    if (!pattern_->find(text, 0, found)) return false;
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      const ParseTarget& target = plan_.targets[i];
      const Datum value = convert(Datum::of(found[groups_[i]]), target.type, frame.work);
      if (value.is_null && !plan_.is_relaxed) return false;
      frame.slots[target.slot] = value;
    }
    return true;
  }

  ParsePlan plan_;
  std::vector<std::size_t> groups_;
  std::shared_ptr<const Pattern> pattern_;
  NodePtr subject_;
};

}  // namespace

MadeStage make_parse(ParsePlan plan, NodePtr subject) {
  Built built = build(plan);
  if (!built.refusal.empty()) return {nullptr, built.refusal};
  auto made = Pattern::make(built.regex, plan.is_regex ? plan.flags : Pattern::Flags{});
  if (!made.pattern) return {nullptr, made.refusal};
  return {std::make_unique<Parse>(std::move(plan), std::move(built.groups), made.pattern, std::move(subject)), {}};
}

}  // namespace capstan::kql
