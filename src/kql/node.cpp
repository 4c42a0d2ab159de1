#include "node.h"

#include "input.h"

namespace capstan::kql {

// An object or array of the record is read when somebody first looks at it.
Datum Slot::evaluate(Frame& frame) const {
  Datum& held = frame.slots[index_];
  if (held.is_json()) held = read_dynamic_input(held.text, frame.work);
  return held;
}

// Arrays are read all the same: a message joins their items.
Datum Slot::glance(Frame& frame) const {
  const Datum& held = frame.slots[index_];
  return held.is_json() && held.text.starts_with('{') ? held : evaluate(frame);
}

Dynamic copy_into(const Dynamic& value, Arena& arena) {
  Dynamic copy = value;
  copy.text = arena.copy(value.text);
  const auto items = arena.array<Dynamic>(value.items.size());
  for (std::size_t i = 0; i < items.size(); ++i) items[i] = copy_into(value.items[i], arena);
  copy.items = items;
  const auto members = arena.array<DynamicMember>(value.members.size());
  for (std::size_t i = 0; i < members.size(); ++i)
    members[i] = {arena.copy(value.members[i].name), copy_into(value.members[i].value, arena)};
  copy.members = members;
  return copy;
}

Datum copy_into(const Datum& value, Arena& arena) {
  Datum copy = value;
  copy.text = arena.copy(value.text);
  if (value.type == Type::dynamic && !value.is_null) {
    const auto place = arena.array<Dynamic>(1);
    place[0] = copy_into(*value.dynamic, arena);
    copy.dynamic = place.data();
  }
  return copy;
}

Constant::Constant(const Datum& value)
    : Node(value.type), arena_(std::make_shared<Arena>()), value_(copy_into(value, *arena_)) {
  set_constant(true);
}

}  // namespace capstan::kql
