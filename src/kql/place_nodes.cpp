#include "place_nodes.h"

#include <array>

namespace capstan::kql {

namespace {

class PlaceNode final : public Node {
public:
  PlaceNode(std::shared_ptr<const Places> places, const PlaceNames& names, NodePtr address)
      : Node(Type::dynamic), places_(std::move(places)), names_(names), address_(std::move(address)) {}

  Datum evaluate(Frame& frame) const override {
    const Datum address = address_->evaluate(frame);
    Datum answer = Datum::null(Type::dynamic);
    places_->find(address.text, frame.work.now, [&](const Place& place) { answer = bag(place, frame.work.arena); });
    return answer;
  }

private:
  Datum bag(const Place& place, Arena& arena) const {
    constexpr std::size_t members_max = 6;
    const auto members = arena.array<DynamicMember>(members_max);
    std::size_t count = 0;
    const auto add_text = [&](std::string_view name, std::string_view text) {
      if (name.empty() || text.empty()) return;
      Dynamic value;
      value.kind = Dynamic::Kind::string;
      value.text = arena.copy(text);
      members[count++] = {name, value};
    };
    const auto add_number = [&](std::string_view name, std::optional<double> number) {
      if (!number) return;
      Dynamic value;
      value.kind = Dynamic::Kind::real;
      value.real = *number;
      members[count++] = {name, value};
    };
    add_text(names_.country, place.country);
    add_text(names_.region, place.continent);
    add_text(names_.state, place.state);
    add_text(names_.city, place.city);
    add_number(names_.latitude, place.latitude);
    add_number(names_.longitude, place.longitude);
    if (count == 0) return Datum::null(Type::dynamic);
    const auto made = arena.array<Dynamic>(1);
    made[0].kind = Dynamic::Kind::bag;
    made[0].members = members.first(count);
    return Datum::of(made.data());
  }

  std::shared_ptr<const Places> places_;
  PlaceNames names_;
  NodePtr address_;
};

}  // namespace

NodePtr make_place(std::shared_ptr<const Places> places, const PlaceNames& names, NodePtr address) {
  return std::make_shared<PlaceNode>(std::move(places), names, std::move(address));
}

}  // namespace capstan::kql
