#include <fmt/format.h>
#include <simdjson.h>

#include <bit>
#include <bitset>
#include <cstring>
#include <deque>

#include "base/text.h"
#include "event/field_plan.h"
#include "field_plan_impl.h"
#include "json_text.h"

namespace capstan {

namespace {

namespace ondemand = simdjson::ondemand;
using plan::Gate;
using plan::Node;

static_assert(raw_padding >= simdjson::SIMDJSON_PADDING);

std::string_view words(simdjson::error_code code) {
  switch (code) {
    case simdjson::UTF8_ERROR:
      return "its bytes are not UTF-8";
    case simdjson::UNCLOSED_STRING:
      return "a string is not closed";
    case simdjson::STRING_ERROR:
      return "a string holds an escape that JSON does not know";
    case simdjson::UNESCAPED_CHARS:
      return "a string holds a control character";
    case simdjson::EMPTY:
      return "it is empty";
    case simdjson::CAPACITY:
      return "it is longer than 4 GiB";
    case simdjson::MEMALLOC:
      return "there is no memory for it";
    case simdjson::INCORRECT_TYPE:
      return "it is not an object";
    default:
      return "its brackets, commas and colons do not fit";
  }
}

std::string_view without_blanks_behind(std::string_view text) {
  return text.substr(0, text.find_last_not_of(json::blanks) + 1);
}

// Where the name that starts behind its quote ends: at the closing quote, or at the first backslash.
std::size_t name_size(const char* name) {
  constexpr std::uint64_t ones = 0x0101010101010101ULL;
  constexpr std::uint64_t highs = 0x8080808080808080ULL;
  const auto zeros = [](std::uint64_t x) { return (x - ones) & ~x & highs; };
  for (std::size_t size = 0;; size += sizeof(std::uint64_t)) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, name + size, sizeof bytes);
    const std::uint64_t stops = zeros(bytes ^ (ones * '"')) | zeros(bytes ^ (ones * '\\'));
    // The lowest hit is exact (only borrows above a hit can be false), and little endian puts it first.
    if (stops != 0) return size + static_cast<std::size_t>(std::countr_zero(stops)) / 8;
  }
}

}  // namespace

struct FieldWalker::Impl {
  // A value found in an item of an array, until it is known whether the item passes its gates.
  struct Pending {
    std::uint32_t target;
    Value value;
  };

  ondemand::parser parser;
  std::vector<Value> values;
  std::vector<std::vector<Value>> lists;  // by slot; keeps its memory
  std::vector<Pending> pending;
  std::array<std::uint64_t, plan::levels_max> passed{};  // gates, by level, of the items around the current value
  std::string name;
  std::string mended;             // a record with halves of surrogate pairs as bytes, as UTF-8
  std::deque<std::string> texts;  // of strings that simdjson does not give; each stays where it is
  const FieldPlan::Impl* plan = nullptr;
  const char* end = nullptr;  // of the record

  // Asked once, when the front is known.
  using GoesOn = FunctionRef<bool(std::span<const Value>)>;
  bool is_left = false;

  simdjson::error_code record(std::string_view raw, const GoesOn* goes_on);
  simdjson::error_code iterate(std::string_view raw, ondemand::document& document);
  simdjson::error_code members(ondemand::object fields, const GoesOn* goes_on);
  simdjson::error_code object(const Node& node, ondemand::object fields);
  bool is_done_with_front(const GoesOn& goes_on);
  void show_lists();
  simdjson::error_code array(const Node& node, ondemand::array items);
  simdjson::error_code value(const Node& node, ondemand::value value);
  simdjson::error_code item(const Node& array, std::size_t index, ondemand::value value);
  simdjson::error_code scalar(const Node& node, std::string_view token);
  simdjson::error_code string(const Node& node, ondemand::value value, const char* quote);
  std::size_t member(const Node& node, ondemand::raw_json_string key);
  void found(const Node& node, const Value& value);
  void keep(const Node& array, std::size_t from);
  void start(const FieldPlan::Impl& chosen);
};

void FieldWalker::Impl::start(const FieldPlan::Impl& chosen) {
  plan = &chosen;
  const std::size_t slots = chosen.is_list.size();
  values.assign(slots, Value{});
  if (lists.size() < slots) lists.resize(slots);
  for (std::size_t i = 0; i < slots; ++i) lists[i].clear();
  pending.clear();
  if (!texts.empty()) texts.clear();
  is_left = false;
}

void FieldWalker::Impl::show_lists() {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i].type == Value::Type::list) values[i].items = lists[i];
}

bool FieldWalker::Impl::is_done_with_front(const GoesOn& goes_on) {
  show_lists();
  is_left = !goes_on(values);
  return is_left;
}

simdjson::error_code FieldWalker::Impl::record(std::string_view raw, const GoesOn* goes_on) {
  if (goes_on != nullptr && plan->front_members == 0) {
    if (is_done_with_front(*goes_on)) return simdjson::SUCCESS;
    goes_on = nullptr;
  }
  ondemand::document document;
  auto opened = iterate(raw, document);
  if (opened == simdjson::UTF8_ERROR && is_wtf8(raw)) {
    mended = as_utf8(raw);
    const std::size_t size = mended.size();
    mended.append(raw_padding, ' ');
    opened = iterate(std::string_view(mended).substr(0, size), document);
  }
  if (opened != simdjson::SUCCESS) return opened;
  ondemand::object fields;
  if (const auto code = document.get_object().get(fields)) return code;
  if (const auto code = members(fields, goes_on)) return code;
  if (!is_left) show_lists();
  return simdjson::SUCCESS;
}

simdjson::error_code FieldWalker::Impl::iterate(std::string_view raw, ondemand::document& document) {
  end = raw.data() + raw.size();
  return parser.iterate(simdjson::padded_string_view(raw.data(), raw.size(), raw.size() + raw_padding)).get(document);
}

// The record's own members: those of the front have the smallest numbers.
simdjson::error_code FieldWalker::Impl::members(ondemand::object fields, const GoesOn* goes_on) {
  const Node& node = plan->nodes.front();
  std::size_t wanted = node.members.size();
  std::size_t front_wanted = goes_on == nullptr ? 0 : plan->front_members;
  std::bitset<plan::members_max> seen;
  if (wanted > 0) {
    for (auto each : fields) {
      // Taken from the result in place: copying a field out of it stalls on its own stores (80 ns a record).
      if (const auto code = each.error()) return code;
      const std::size_t number = member(node, each.key().value_unsafe());
      // The first of two members of one name counts.
      if (number == plan::NameTable::nobody || seen[number]) continue;
      seen[number] = true;
      if (const auto code = value(plan->nodes[node.members.node(number)], each.value().value_unsafe())) return code;
      if (front_wanted > 0 && number < plan->front_members && --front_wanted == 0 && is_done_with_front(*goes_on))
        return simdjson::SUCCESS;
      if (--wanted == 0) break;
    }
  }
  // What has not come by the record's end is missing.
  if (front_wanted > 0) is_done_with_front(*goes_on);
  return simdjson::SUCCESS;
}

// Stops at the last member that is wanted: what stands behind it has been checked where the record was collected.
simdjson::error_code FieldWalker::Impl::object(const Node& node, ondemand::object fields) {
  std::size_t wanted = node.members.size();
  if (wanted == 0) return simdjson::SUCCESS;
  std::bitset<plan::members_max> seen;
  for (auto each : fields) {
    if (const auto code = each.error()) return code;
    const std::size_t number = member(node, each.key().value_unsafe());
    if (number == plan::NameTable::nobody || seen[number]) continue;
    seen[number] = true;
    if (const auto code = value(plan->nodes[node.members.node(number)], each.value().value_unsafe())) return code;
    if (--wanted == 0) break;
  }
  return simdjson::SUCCESS;
}

std::size_t FieldWalker::Impl::member(const Node& node, ondemand::raw_json_string key) {
  if (!node.members.may_begin(key.raw())) return plan::NameTable::nobody;
  const std::size_t size = name_size(key.raw());
  if (key.raw()[size] == '"') return node.members.find({key.raw(), size});
  // Behind the backslash the name goes on; it ends where the string does.
  const std::string_view from_quote(key.raw() - 1, static_cast<std::size_t>(end - key.raw()) + 1);
  const std::size_t whole = json::string_size(from_quote);
  if (whole == 0) return plan::NameTable::nobody;
  name.clear();
  json::append_unescaped(from_quote.substr(1, whole - 2), name);
  return node.members.find_unpadded(name);
}

simdjson::error_code FieldWalker::Impl::value(const Node& node, ondemand::value value) {
  const std::string_view token = value.raw_json_token();
  if (token.front() == '{') {
    ondemand::object fields;
    if (const auto code = value.get_object().get(fields)) return code;
    if (!node.targets.empty()) {
      std::string_view raw;
      if (const auto code = fields.raw_json().get(raw)) return code;
      found(node, {Value::Type::object, without_blanks_behind(raw), {}});
      if (node.members.size() == 0) return simdjson::SUCCESS;
      if (const auto code = fields.reset().error()) return code;
    }
    return object(node, fields);
  }
  if (token.front() == '[') {
    ondemand::array items;
    if (const auto code = value.get_array().get(items)) return code;
    if (!node.targets.empty()) {
      std::string_view raw;
      if (const auto code = items.raw_json().get(raw)) return code;
      found(node, {Value::Type::array, without_blanks_behind(raw), {}});
      if (node.item == plan::no_node) return simdjson::SUCCESS;
      if (const auto code = items.reset().error()) return code;
    }
    return array(node, items);
  }
  if (!node.wants_value()) return simdjson::SUCCESS;
  return token.front() == '"' ? string(node, value, token.data()) : scalar(node, without_blanks_behind(token));
}

simdjson::error_code FieldWalker::Impl::string(const Node& node, ondemand::value value, const char* quote) {
  std::string_view text;
  const auto code = value.get_string().get(text);
  if (code == simdjson::STRING_ERROR) {
    // simdjson does not give a string with half a surrogate pair, nor one with an escape that JSON does not know.
    const std::string_view from_quote(quote, static_cast<std::size_t>(end - quote));
    const std::size_t size = json::string_size(from_quote);
    if (size == 0) return code;
    json::append_unescaped(from_quote.substr(1, size - 2), texts.emplace_back());
    text = texts.back();
  } else if (code != simdjson::SUCCESS) {
    return code;
  }
  found(node, {Value::Type::string, text, {}});
  return simdjson::SUCCESS;
}

simdjson::error_code FieldWalker::Impl::scalar(const Node& node, std::string_view token) {
  if (token == "null") {
    found(node, {Value::Type::null, {}, {}});
  } else if (token == "true" || token == "false") {
    found(node, {Value::Type::boolean, token, {}});
  } else if (json::number_size(token) == token.size()) {
    found(node, {Value::Type::number, token, {}});
  } else {
    return simdjson::TAPE_ERROR;
  }
  return simdjson::SUCCESS;
}

simdjson::error_code FieldWalker::Impl::array(const Node& node, ondemand::array items) {
  if (node.item == plan::no_node) return simdjson::SUCCESS;
  if (node.level == 0)
    for (const std::uint32_t target : node.targets_below)
      if (plan->targets[target].is_list) values[plan->targets[target].slot].type = Value::Type::list;
  std::size_t index = 0;
  for (auto each : items) {
    ondemand::value inner;
    if (const auto code = std::move(each).get(inner)) return code;
    if (const auto code = item(node, index++, inner)) return code;
  }
  return simdjson::SUCCESS;
}

simdjson::error_code FieldWalker::Impl::item(const Node& array, std::size_t index, ondemand::value inner) {
  std::uint64_t& gates = passed[array.level];
  gates = 0;
  for (std::size_t i = 0; i < array.gates.size(); ++i) {
    const Gate& gate = array.gates[i];
    if (gate.kind == Gate::Kind::all || (gate.kind == Gate::Kind::index && gate.index == index))
      gates |= std::uint64_t{1} << i;
  }
  const std::size_t from = pending.size();
  if (const auto code = value(plan->nodes[array.item], inner)) return code;
  keep(array, from);
  return simdjson::SUCCESS;
}

// Drops what the item found for paths whose gate it does not pass, and notes what it lacks for the others. What leaves
// the outermost array is final.
void FieldWalker::Impl::keep(const Node& array, std::size_t from) {
  const std::uint64_t gates = passed[array.level];
  const auto passes = [&](std::uint32_t target) {
    return ((gates >> plan->targets[target].gates[array.level]) & 1) != 0;
  };
  std::size_t kept = from;
  for (std::size_t i = from; i < pending.size(); ++i)
    if (passes(pending[i].target)) pending[kept++] = pending[i];
  pending.resize(kept);
  for (const std::uint32_t target : array.targets_below) {
    if (!plan->targets[target].is_list || !passes(target)) continue;
    const auto begin = pending.begin() + static_cast<std::ptrdiff_t>(from);
    if (std::none_of(begin, pending.begin() + static_cast<std::ptrdiff_t>(kept),
                     [&](const Pending& p) { return p.target == target; }))
      pending.push_back({target, {}});
  }
  if (array.level != 0) return;
  for (std::size_t i = from; i < pending.size(); ++i) {
    const plan::Target& target = plan->targets[pending[i].target];
    if (target.is_list)
      lists[target.slot].push_back(pending[i].value);
    else
      values[target.slot] = pending[i].value;
  }
  pending.resize(from);
}

void FieldWalker::Impl::found(const Node& node, const Value& value) {
  for (const plan::Probe& probe : node.probes)
    if (value.text == probe.text && value.type != Value::Type::null)
      passed[probe.level] |= std::uint64_t{1} << probe.gate;
  for (const std::uint32_t target : node.targets) {
    if (plan->targets[target].levels == 0)
      values[plan->targets[target].slot] = value;
    else
      pending.push_back({target, value});
  }
}

FieldWalker::FieldWalker() : impl_(std::make_unique<Impl>()) {}
FieldWalker::~FieldWalker() = default;
FieldWalker::FieldWalker(FieldWalker&&) noexcept = default;
FieldWalker& FieldWalker::operator=(FieldWalker&&) noexcept = default;

Result<std::span<const Value>> FieldWalker::walk(const FieldPlan& plan, std::string_view raw) {
  impl_->start(plan.impl());
  if (const auto code = impl_->record(raw, nullptr))
    return Error(ErrorCode::broken_record, fmt::format("reading a record: {}", words(code)));
  return std::span<const Value>(impl_->values);
}

Result<std::optional<std::span<const Value>>> FieldWalker::walk_while(
    const FieldPlan& plan, std::string_view raw, FunctionRef<bool(std::span<const Value> front)> goes_on) {
  impl_->start(plan.impl());
  if (const auto code = impl_->record(raw, &goes_on))
    return Error(ErrorCode::broken_record, fmt::format("reading a record: {}", words(code)));
  if (impl_->is_left) return std::optional<std::span<const Value>>();
  return std::optional(std::span<const Value>(impl_->values));
}

}  // namespace capstan
