#include "stage.h"

#include <algorithm>

#include "convert.h"

namespace capstan::kql {

namespace {

class Filter final : public Stage {
public:
  explicit Filter(NodePtr predicate) : predicate_(std::move(predicate)) {}
  void run(Frame& frame, const Next& next) const override {
    const Datum kept = predicate_->evaluate(frame);
    if (!kept.is_null && kept.boolean) next();
  }

private:
  NodePtr predicate_;
};

class Compute final : public Stage {
public:
  explicit Compute(std::vector<Assignment> assignments) : assignments_(std::move(assignments)) {}
  void run(Frame& frame, const Next& next) const override {
    for (const Assignment& assignment : assignments_) frame.slots[assignment.slot] = assignment.node->evaluate(frame);
    next();
  }

private:
  std::vector<Assignment> assignments_;
};

class Expand final : public Stage {
public:
  Expand(std::vector<Expansion> expansions, std::optional<std::size_t> index_slot, std::optional<std::int64_t> limit,
         bool bags_to_arrays)
      : expansions_(std::move(expansions)), index_slot_(index_slot), limit_(limit), bags_to_arrays_(bags_to_arrays) {}

  void run(Frame& frame, const Next& next) const override {
    std::vector<Datum> subjects;
    std::size_t rows = 0;
    bool has_null = false;
    for (const Expansion& expansion : expansions_) {
      subjects.push_back(expansion.subject->evaluate(frame));
      const Datum& subject = subjects.back();
      has_null = has_null || subject.is_null;
      rows = std::max(rows, subject.is_null ? std::size_t{0} : size_of(*subject.dynamic));
    }
    // A null is one row when nothing else makes one.
    if (rows == 0 && has_null) rows = 1;
    if (limit_) rows = std::min(rows, static_cast<std::size_t>(std::max<std::int64_t>(0, *limit_)));
    for (std::size_t i = 0; i < rows && !frame.work.is_full; ++i) {
      for (std::size_t j = 0; j < expansions_.size(); ++j)
        frame.slots[expansions_[j].slot] = item(frame, expansions_[j], subjects[j], i);
      if (index_slot_) frame.slots[*index_slot_] = Datum::of_long(static_cast<std::int64_t>(i));
      next();
    }
  }

private:
  static std::size_t size_of(const Dynamic& value) {
    if (value.kind == Dynamic::Kind::array) return value.items.size();
    if (value.kind == Dynamic::Kind::bag) return value.members.size();
    return 1;
  }

  Datum item(Frame& frame, const Expansion& expansion, const Datum& subject, std::size_t i) const {
    const Type type = expansion.to.value_or(Type::dynamic);
    if (subject.is_null || i >= size_of(*subject.dynamic)) return Datum::null(type);
    const auto place = frame.work.arena.array<Dynamic>(1);
    place[0] = *subject.dynamic;
    if (subject.dynamic->kind == Dynamic::Kind::array) place[0] = subject.dynamic->items[i];
    if (subject.dynamic->kind == Dynamic::Kind::bag) place[0] = member_row(frame, subject.dynamic->members[i]);
    return cast(place[0], type, frame.work);
  }

  // {"k": v} or ["k", v]
  Dynamic member_row(Frame& frame, const DynamicMember& member) const {
    Dynamic made;
    if (!bags_to_arrays_) {
      const auto members = frame.work.arena.array<DynamicMember>(1);
      members[0] = member;
      made.kind = Dynamic::Kind::bag;
      made.members = members;
      return made;
    }
    const auto items = frame.work.arena.array<Dynamic>(2);
    items[0].kind = Dynamic::Kind::string;
    items[0].text = member.name;
    items[1] = member.value;
    made.kind = Dynamic::Kind::array;
    made.items = items;
    return made;
  }

  std::vector<Expansion> expansions_;
  std::optional<std::size_t> index_slot_;
  std::optional<std::int64_t> limit_;
  bool bags_to_arrays_;
};

}  // namespace

StagePtr make_filter(NodePtr predicate) { return std::make_unique<Filter>(std::move(predicate)); }
StagePtr make_compute(std::vector<Assignment> assignments) { return std::make_unique<Compute>(std::move(assignments)); }
StagePtr make_expand(std::vector<Expansion> expansions, std::optional<std::size_t> index_slot,
                     std::optional<std::int64_t> limit, bool bags_to_arrays) {
  return std::make_unique<Expand>(std::move(expansions), index_slot, limit, bags_to_arrays);
}

}  // namespace capstan::kql
