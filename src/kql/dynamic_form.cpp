#include "dynamic_form.h"

#include <span>
#include <unordered_map>
#include <vector>

namespace capstan::kql {

namespace {

// Collects finished values on a stack; a closing bracket moves its own into the arena.
class Builder final : public JsonVisitor {
public:
  explicit Builder(Arena& arena) : arena_(arena) {}

  void on_null() override { push({}); }
  void on_boolean(bool value) override {
    Dynamic made;
    made.kind = Dynamic::Kind::boolean;
    made.boolean = value;
    push(made);
  }
  void on_integer(std::int64_t value) override {
    Dynamic made;
    made.kind = Dynamic::Kind::long_integer;
    made.number = value;
    push(made);
  }
  void on_real(double value) override {
    Dynamic made;
    made.kind = Dynamic::Kind::real;
    made.real = value;
    push(made);
  }
  void on_string(std::string_view value) override {
    Dynamic made;
    made.kind = Dynamic::Kind::string;
    made.text = arena_.copy(value);
    push(made);
  }
  void on_array_begin() override { open_.push_back(values_.size()); }
  void on_array_end() override {
    const std::size_t begin = open_.back();
    open_.pop_back();
    const auto items = arena_.array<Dynamic>(values_.size() - begin);
    for (std::size_t i = 0; i < items.size(); ++i) items[i] = values_[begin + i].value;
    values_.resize(begin);
    Dynamic made;
    made.kind = Dynamic::Kind::array;
    made.items = items;
    push(made);
  }
  void on_object_begin() override {
    open_.push_back(values_.size());
    names_.push_back({});
  }
  void on_name(std::string_view name) override { names_.back() = arena_.copy(name); }
  void on_object_end() override {
    const std::size_t begin = open_.back();
    open_.pop_back();
    names_.pop_back();
    Dynamic made;
    made.kind = Dynamic::Kind::bag;
    made.members = distinct(std::span(values_).subspan(begin));
    values_.resize(begin);
    push(made);
  }

  Dynamic take() { return values_.front().value; }

private:
  // The last of each name, at the place of its first.
  std::span<const DynamicMember> distinct(std::span<const DynamicMember> all) {
    // Beyond it a search costs more than an index.
    constexpr std::size_t searched_max = 16;
    const auto members = arena_.array<DynamicMember>(all.size());
    std::size_t count = 0;
    places_.clear();
    for (const DynamicMember& member : all) {
      std::size_t place = 0;
      if (all.size() > searched_max) {
        place = places_.try_emplace(member.name, count).first->second;
      } else {
        while (place < count && members[place].name != member.name) ++place;
      }
      members[place] = member;
      if (place == count) ++count;
    }
    return members.first(count);
  }
  void push(const Dynamic& value) { values_.push_back({names_.empty() ? std::string_view{} : names_.back(), value}); }

  Arena& arena_;
  std::vector<DynamicMember> values_;
  std::vector<std::size_t> open_;
  std::vector<std::string_view> names_;
  std::unordered_map<std::string_view, std::size_t> places_;
};

}  // namespace

std::optional<Dynamic> read_dynamic(std::string_view json, JsonDocument& reader, Arena& arena) {
  Builder builder(arena);
  if (!reader.visit(json, builder).has_value()) return std::nullopt;
  return builder.take();
}

const Dynamic* find_member(const Dynamic& bag, std::string_view name) {
  if (bag.kind != Dynamic::Kind::bag) return nullptr;
  for (const DynamicMember& member : bag.members)
    if (member.name == name) return &member.value;
  return nullptr;
}

}  // namespace capstan::kql
