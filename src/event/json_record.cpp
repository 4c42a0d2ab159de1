#include "event/json_record.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include "base/digest.h"
#include "base/text.h"
#include "event/json_check.h"
#include "json_grammar.h"
#include "json_text.h"

namespace capstan {

namespace {

// One seed a type, so that "1" and 1, [] and {} are told apart.
enum Seed : std::uint64_t { name_seed = 1, string_seed, number_seed, literal_seed, array_seed, object_seed };

// The finaliser of MurmurHash3: spreads a sum or a chain over all 64 bits.
std::uint64_t mixed(std::uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

struct Member {
  std::string_view name;   // as written between the quotes
  std::string_view value;  // as written
};

// An object or array whose end has not come yet.
struct OpenValue {
  bool is_object = false;
  std::uint64_t hash = 0;  // of what has come
  std::uint64_t name = 0;  // hash of the member's at work
  const char* begin = nullptr;
};

// Hashes a record's content and remembers the members of its outermost object, while its grammar is walked. A walk of
// our own and not simdjson's, because On-Demand checks only what is looked at, its other parser refuses a record for
// half a surrogate pair in one string, and neither says where.
class ContentHash {
public:
  ContentHash(std::vector<Member>& members, std::string& scratch, std::vector<OpenValue>& open)
      : members_(members), scratch_(scratch), open_(open) {}

  void object_begins(const char* at) { begin(object_seed, at); }
  void array_begins(const char* at) { begin(array_seed, at); }
  void object_ends(const char* behind) { end(behind); }
  void array_ends(const char* behind) { end(behind); }
  void name(std::string_view between_quotes) {
    open_.back().name = hashed(between_quotes, name_seed);
    if (open_.size() == 1) members_.push_back({between_quotes, {}});
  }
  void string(std::string_view between_quotes) {
    add(hashed(between_quotes, string_seed), {between_quotes.data() - 1, between_quotes.size() + 2});
  }
  void number(std::string_view token) { add(hash64(token, number_seed), token); }
  void literal(std::string_view word) { add(hash64(word, literal_seed), word); }

  std::uint64_t hash() const { return hash_; }

private:
  void begin(Seed seed, const char* at) { open_.push_back({seed == object_seed, seed, 0, at}); }
  void end(const char* behind) {
    const OpenValue closed = open_.back();
    open_.pop_back();
    add(mixed(closed.hash), {closed.begin, static_cast<std::size_t>(behind - closed.begin)});
  }
  void add(std::uint64_t content, std::string_view written) {
    if (open_.empty()) {
      hash_ = content;
      return;
    }
    OpenValue& around = open_.back();
    // A sum does not care for the order of the members.
    around.hash = around.is_object ? around.hash + mixed(around.name + content) : mixed(around.hash + content);
    if (open_.size() == 1 && around.is_object) members_.back().value = written;
  }

  std::uint64_t hashed(std::string_view between_quotes, Seed seed) {
    if (!between_quotes.contains('\\')) return hash64(between_quotes, seed);
    scratch_.clear();
    // Halves of surrogate pairs have one text; their written form still tells them apart.
    return hash64(json::append_unescaped(between_quotes, scratch_) ? scratch_ : between_quotes, seed);
  }

  std::vector<Member>& members_;
  std::string& scratch_;
  std::vector<OpenValue>& open_;
  std::uint64_t hash_ = 0;
};

Error broken(std::size_t at, std::string_view why) {
  return {ErrorCode::broken_record, fmt::format("reading a record: at byte {}: {}", at, why)};
}
Error broken(const JsonExtent& extent, std::string_view record) { return broken(extent.at, to_string(extent, record)); }

std::optional<std::int64_t> whole(std::string_view number) {
  std::int64_t integer = 0;
  const char* const end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, integer);
  if (error == std::errc{} && stop == end) return integer;
  double real = 0;
  const auto [real_stop, real_error] = std::from_chars(number.data(), end, real);
  constexpr double bound = 9223372036854775808.0;  // 2^63: the first that does not fit
  if (real_error != std::errc{} || real_stop != end || !(std::abs(real) < bound)) return std::nullopt;
  return static_cast<std::int64_t>(real);
}

}  // namespace

struct JsonReader::Impl {
  std::string record;
  std::vector<Member> members;
  std::vector<OpenValue> open;
  std::string scratch;
  std::uint64_t hash = 0;
  bool is_wtf8 = false;

  // The first of that name.
  std::optional<std::string_view> find(std::string_view name) {
    for (const Member& member : members) {
      if (member.name == name) return member.value;
      if (!member.name.contains('\\')) continue;
      scratch.clear();
      json::append_unescaped(member.name, scratch);
      if (scratch == name) return member.value;
    }
    return std::nullopt;
  }
  Result<> walk();
};

Result<> JsonReader::Impl::walk() {
  const std::size_t begin = std::min(record.find_first_not_of(json::blanks), record.size());
  if (begin == record.size() || record[begin] != '{')
    return broken({JsonExtent::Kind::broken, begin, "an object"}, record);
  ContentHash content(members, scratch, open);
  const JsonExtent extent = json::GrammarWalk(std::string_view(record), content).value();
  if (extent.kind != JsonExtent::Kind::whole) return broken(extent, record);
  const std::size_t behind = record.find_first_not_of(json::blanks, extent.at);
  if (behind != std::string::npos)
    return broken({JsonExtent::Kind::broken, behind, "nothing behind the object"}, record);
  hash = content.hash();
  return {};
}

JsonReader::JsonReader() : impl_(std::make_unique<Impl>()) {}
JsonReader::~JsonReader() = default;
JsonReader::JsonReader(JsonReader&&) noexcept = default;
JsonReader& JsonReader::operator=(JsonReader&&) noexcept = default;

Result<> JsonReader::open(std::string_view raw) {
  impl_->members.clear();
  impl_->open.clear();
  impl_->hash = 0;
  impl_->is_wtf8 = !simdjson::validate_utf8(raw.data(), raw.size());
  if (impl_->is_wtf8 && !capstan::is_wtf8(raw))
    return broken(first_wrong_byte(raw, true), "expected UTF-8, got something else");
  impl_->record = raw;
  Result<> walked = impl_->walk();
  if (!walked) impl_->members.clear();
  return walked;
}

std::optional<std::string> JsonReader::text(std::string_view member) {
  const auto value = impl_->find(member);
  if (!value || *value == "null" || value->front() == '{' || value->front() == '[') return std::nullopt;
  if (value->front() != '"') return std::string(*value);
  std::string text;
  json::append_unescaped(value->substr(1, value->size() - 2), text);
  return impl_->is_wtf8 ? as_utf8(text) : text;
}

bool JsonReader::is_exact(std::string_view member) {
  const auto value = impl_->find(member);
  if (!value || value->front() != '"') return true;
  std::string text;
  return json::append_unescaped(value->substr(1, value->size() - 2), text) && is_utf8(text);
}

bool JsonReader::is_wtf8() const { return impl_->is_wtf8; }
bool JsonReader::is_empty() const { return impl_->members.empty(); }

std::optional<std::int64_t> JsonReader::integer(std::string_view member) {
  const auto value = impl_->find(member);
  return value ? whole(*value) : std::nullopt;
}

std::optional<std::string_view> JsonReader::raw(std::string_view member) { return impl_->find(member); }

std::uint64_t JsonReader::content_hash() { return impl_->hash; }

std::string quarantine_reason(std::string_view raw) {
  JsonReader reader;
  const auto opened = reader.open(raw);
  if (!opened) return opened.error().text();
  return reader.is_empty() ? "it has no members" : "it was marked when it was collected";
}

}  // namespace capstan
