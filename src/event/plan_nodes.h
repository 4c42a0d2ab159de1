// What a FieldPlan compiles its paths to: one tree of positions in a record.
//
//   user.userName              node "user" ── node "userName" (target)
//   entities[type=user].label  node "entities" ── item node ── node "type" (probe) , node "label" (target)
//
// All paths through one array share its item node, so that each item is walked once; which of them an item belongs to
// is said by the array's gates: bit i of a level's mask is set when the current item passes gate i.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace capstan::plan {

// Steps of a path; also bounds the walker's recursion.
constexpr std::size_t steps_max = 32;
// Arrays along one path.
constexpr std::size_t levels_max = 8;
// Different [] [0] [k=v] over one array: the bits of a mask.
constexpr std::size_t gates_max = 64;
// Different members of one object that a plan may name.
constexpr std::size_t members_max = 256;

using NodeIndex = std::uint32_t;
constexpr NodeIndex no_node = 0xFFFFFFFF;

// Finds a name among the members of a node: an open-addressed table, sparse enough that most names that are not in it
// meet an empty place.
class NameTable {
public:
  void add(std::string_view name, NodeIndex node);
  std::size_t size() const { return names_.size(); }
  NodeIndex node(std::size_t member) const { return names_[member].node; }
  static constexpr std::size_t nobody = 0xFFFFFFFF;
  // The member's number or nobody. `name` must have 8 readable bytes from its begin on.
  std::size_t find(std::string_view name) const {
    const std::uint64_t head = first_bytes(name);
    for (std::size_t at = place(head, name.size()); places_[at].member != nobody;
         at = (at + 1) & (places_.size() - 1)) {
      const Place& there = places_[at];
      if (there.head == head && there.size == name.size() &&
          (name.size() <= sizeof head || names_[there.member].name == name))
        return there.member;
    }
    return nobody;
  }
  std::size_t find_unpadded(std::string_view name) const;
  // Whether a name, as written in JSON behind its opening quote, may be one of these: most that are not wanted are seen
  // from their first two bytes, before their end is looked for. `written` has 2 readable bytes.
  bool may_begin(const char* written) const {
    const std::size_t bit = beginning(written[0], written[1]);
    return ((beginnings_[bit / 64] >> (bit % 64)) & 1) != 0 || written[0] == '\\' || written[1] == '\\';
  }

private:
  struct Name {
    std::string name;
    NodeIndex node;
  };
  // What tells most names apart lies in the table itself.
  struct Place {
    std::uint64_t head = 0;
    std::uint32_t size = 0;
    std::uint32_t member = nobody;
  };
  static std::uint64_t first_bytes(std::string_view name) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, name.data(), sizeof bytes);
    return name.size() >= sizeof bytes ? bytes : bytes & ((std::uint64_t{1} << (8 * name.size())) - 1);
  }
  static std::size_t beginning(char first, char second) {
    return (static_cast<unsigned char>(first) * 37U + static_cast<unsigned char>(second)) % 512;
  }
  std::size_t place(std::uint64_t head, std::size_t size) const {
    return static_cast<std::size_t>(((head + size) * 0x9E3779B97F4A7C15ULL) >> 32) & (places_.size() - 1);
  }

  std::vector<Name> names_;
  std::array<std::uint64_t, 8> beginnings_{};
  std::vector<Place> places_ = std::vector<Place>(1);
};

struct Gate {
  enum class Kind : std::uint8_t { all, index, filter };
  Kind kind = Kind::all;
  std::size_t index = 0;
  std::string member;
  std::string text;
  bool operator==(const Gate&) const = default;
};

// The member that a filter looks at: the item passes `gate` of `level` when it has this text.
struct Probe {
  std::size_t level = 0;
  std::size_t gate = 0;
  std::string text;
};

// Where a path ends. `gates[i]` is the gate it goes through at array level i.
struct Target {
  std::size_t slot = 0;
  std::size_t levels = 0;
  std::array<std::uint8_t, levels_max> gates{};
  bool is_list = false;
};

struct Node {
  NameTable members;
  std::vector<std::uint32_t> targets;
  std::vector<Probe> probes;
  NodeIndex item = no_node;
  std::size_t level = 0;  // of its items
  std::vector<Gate> gates;
  std::vector<std::uint32_t> targets_below;  // of all paths through its items
  bool wants_value() const { return !targets.empty() || !probes.empty(); }
};

}  // namespace capstan::plan
