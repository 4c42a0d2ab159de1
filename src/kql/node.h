// The checked program: expressions over slots. Every slot is written by exactly one stage, so a stage may run again
// (mv-expand) without cleaning up.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "arena.h"
#include "event/json_visit.h"
#include "kql/datum.h"
#include "kql/diagnostic.h"
#include "live_table.h"

namespace capstan::kql {

struct Frame;

// The whole row as JSON, for pack_all().
class RowText {
public:
  virtual ~RowText() = default;
  // Valid until the next row.
  virtual std::string_view row_text(Frame& frame) = 0;
};

// What one thread needs to run a program.
struct Workspace {
  Arena arena;  // one row's
  JsonDocument json;
  std::int64_t now = 0;  // ticks; fixed for a batch
  std::uint64_t random = 0x9E3779B97F4A7C15;
  std::string text;         // where a function builds what it then copies into the arena; keeps its memory
  std::string folded_text;  // for searches that ignore case beyond ASCII
  std::string folded_needle;
  bool is_full = false;              // so many rows have come of the record that no more are made
  RowText* row = nullptr;            // set where there is a row that can be written
  std::vector<HeldTable> tables;     // that the program looks up in, for one record
  std::uint64_t quiet_failures = 0;  // conversions and patterns that gave null
};

struct Frame {
  std::span<Datum> slots;
  Workspace& work;
};

class Node {
public:
  explicit Node(Type type) : type_(type) {}
  virtual ~Node() = default;
  virtual Datum evaluate(Frame& frame) const = 0;
  // The same for somebody who only writes it: an object may stay its JSON (Datum::is_json).
  virtual Datum glance(Frame& frame) const { return evaluate(frame); }
  Type type() const { return type_; }
  // The same for every row and every batch.
  bool is_constant() const { return is_constant_; }
  void set_constant(bool is_constant) { is_constant_ = is_constant; }

private:
  Type type_;
  bool is_constant_ = false;
};
using NodePtr = std::shared_ptr<const Node>;

// The same value every time. Owns what its views show.
class Constant final : public Node {
public:
  explicit Constant(const Datum& value);
  Datum evaluate(Frame&) const override { return value_; }
  const Datum& value() const { return value_; }

private:
  std::shared_ptr<Arena> arena_;
  Datum value_;
};

class Slot final : public Node {
public:
  Slot(Type type, std::size_t index) : Node(type), index_(index) {}
  Datum evaluate(Frame& frame) const override;
  Datum glance(Frame& frame) const override;
  std::size_t index() const { return index_; }

private:
  std::size_t index_;
};

// A copy whose views belong to `arena`.
Datum copy_into(const Datum& value, Arena& arena);
Dynamic copy_into(const Dynamic& value, Arena& arena);

}  // namespace capstan::kql
