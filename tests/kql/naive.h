// A second, slow reading of a part of KQL, written for tests from the documented rules and sharing no code with
// src/kql: random expressions that can print themselves as KQL and say their own value for a record.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace capstan::kql::naive {

enum class Type : std::uint8_t { boolean, number, text, moment };

// Nothing is null; a text never is.
struct Value {
  Type type = Type::number;
  std::optional<bool> boolean;
  std::optional<std::int64_t> number;  // moments: ticks since 0001-01-01
  std::string text;
};
using Row = std::map<std::string, Value>;

// One node of an expression. `word` says what it is: a literal, a column, an operator or a function.
struct Tree {
  enum class Kind : std::uint8_t { literal, column, infix, call, list };
  Kind kind = Kind::literal;
  Type type = Type::number;
  std::string word;
  Value value;
  std::vector<std::shared_ptr<Tree>> items;
};
using TreePtr = std::shared_ptr<Tree>;

std::string to_kql(const Tree& tree);
Value evaluate(const Tree& tree, const Row& row);
std::string to_json(const Value& value);

// Random expressions over the columns of a row.
class Generator {
public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}
  TreePtr expression(Type type, const std::map<std::string, Type>& columns, int depth);
  Type type();
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }
  std::string text();
  std::int64_t number();

private:
  TreePtr leaf(Type type, const std::map<std::string, Type>& columns);
  TreePtr call(Type type, std::string word, std::vector<TreePtr> items) const;
  TreePtr infix(Type type, std::string word, TreePtr left, TreePtr right) const;
  TreePtr constant(std::int64_t value) const;
  TreePtr constant(std::string value) const;

  std::mt19937_64 random_;
};

}  // namespace capstan::kql::naive
