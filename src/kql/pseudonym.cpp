#include "pseudonym.h"

#include "base/digest.h"
#include "operators.h"

namespace capstan::kql {

namespace {

class HmacNode final : public Node {
public:
  HmacNode(NodePtr value, const Secret& key)
      : Node(value->type() == Type::dynamic ? Type::dynamic : Type::string), hmac_(key) {
    value_ = make_conversion(std::move(value), type());
  }

  Datum evaluate(Frame& frame) const override {
    const Datum value = value_->evaluate(frame);
    if (value.is_null) return value;
    if (type() == Type::string) return Datum::of(pseudonym(value.text, frame.work.arena));
    const auto made = frame.work.arena.array<Dynamic>(1);
    made[0] = inside(*value.dynamic, frame.work.arena);
    return Datum::of(made.data());
  }

private:
  std::string_view pseudonym(std::string_view text, Arena& arena) const {
    return text.empty() ? text : arena.copy(hmac_.hex(text));
  }

  // As deep as the value, and the reader of JSON has bounded that.
  Dynamic inside(const Dynamic& value, Arena& arena) const {
    Dynamic copy = value;
    if (value.kind == Dynamic::Kind::string) copy.text = pseudonym(value.text, arena);
    if (value.kind == Dynamic::Kind::array) {
      const auto items = arena.array<Dynamic>(value.items.size());
      for (std::size_t i = 0; i < items.size(); ++i) items[i] = inside(value.items[i], arena);
      copy.items = items;
    }
    if (value.kind == Dynamic::Kind::bag) {
      const auto members = arena.array<DynamicMember>(value.members.size());
      for (std::size_t i = 0; i < members.size(); ++i)
        members[i] = {value.members[i].name, inside(value.members[i].value, arena)};
      copy.members = members;
    }
    return copy;
  }

  HmacSha256 hmac_;
  NodePtr value_;
};

}  // namespace

NodePtr make_hmac(NodePtr value, const Secret& key) { return std::make_shared<HmacNode>(std::move(value), key); }

}  // namespace capstan::kql
