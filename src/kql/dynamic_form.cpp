#include "dynamic_form.h"

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
    const auto members = arena_.array<DynamicMember>(values_.size() - begin);
    std::size_t count = 0;
    for (std::size_t i = begin; i < values_.size(); ++i) {
      std::size_t place = 0;
      while (place < count && members[place].name != values_[i].name) ++place;
      members[place] = values_[i];
      if (place == count) ++count;
    }
    values_.resize(begin);
    Dynamic made;
    made.kind = Dynamic::Kind::bag;
    made.members = members.first(count);
    push(made);
  }

  Dynamic take() { return values_.front().value; }

private:
  void push(const Dynamic& value) { values_.push_back({names_.empty() ? std::string_view{} : names_.back(), value}); }

  Arena& arena_;
  std::vector<DynamicMember> values_;
  std::vector<std::size_t> open_;
  std::vector<std::string_view> names_;
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
