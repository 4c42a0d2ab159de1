// The set of JSON paths that a route looks at, compiled once, and the walk that fills them for one record.
//
// A path is what people write in mappings:
//   user.userName                     a member of a member
//   mainInfo.eventObjects[].name      every item's member, in order, items without it count as missing
//   entities[type=policyRule].id      of the items whose member `type` is this text, the member `id`
//   mainInfo.eventObjects[0].name     one item
// A record is walked once (simdjson On-Demand) in document order whatever the number of paths; nothing is allocated per
// record once the walker is warm. Values are views into the record or into the walker's scratch and live until the next
// walk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "event/record.h"

namespace capstan {

struct Value {
  enum class Type : std::uint8_t { missing, null, boolean, number, string, object, array, list };
  Type type = Type::missing;
  std::string_view text;  // boolean, number: as written (exact above 2^53); string: unescaped; object, array: raw JSON
  std::span<const Value> items;  // list: what a path with [] or [k=v] found
  bool is_missing() const { return type == Type::missing; }
};

class FieldPlan {
public:
  FieldPlan();
  ~FieldPlan();
  FieldPlan(FieldPlan&&) noexcept;
  FieldPlan& operator=(FieldPlan&&) noexcept;

  // The slot of a path; the same path again gives the same slot. Fails with mapping_wrong and the column.
  Result<std::size_t> slot(std::string_view path);
  std::size_t size() const;
  // The paths so far are the front: a walk can be left as soon as they are known (FieldWalker::walk_while).
  void end_front();

  struct Impl;
  const Impl& impl() const { return *impl_; }

private:
  std::unique_ptr<Impl> impl_;
};

// One per thread.
class FieldWalker {
public:
  FieldWalker();
  ~FieldWalker();
  FieldWalker(FieldWalker&&) noexcept;
  FieldWalker& operator=(FieldWalker&&) noexcept;

  // Fills one value a slot. Half a surrogate pair in a text or a name is U+FFFD, written as an escape or as bytes
  // (WTF-8). Fails with broken_record where the record, as far as it is looked at, is no JSON object. `raw` needs
  // raw_padding readable bytes behind it.
  Result<std::span<const Value>> walk(const FieldPlan& plan, std::string_view raw);
  // The same, but asks `goes_on` once, as soon as the values of the plan's front are known (without looking at the
  // record when the front is empty). When it says false, the rest of the record is not looked at and nothing comes
  // back.
  Result<std::optional<std::span<const Value>>> walk_while(const FieldPlan& plan, std::string_view raw,
                                                           FunctionRef<bool(std::span<const Value> front)> goes_on);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace capstan
