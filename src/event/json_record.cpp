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
#include "json_text.h"

namespace capstan {

namespace {

// One seed a type, so that "1" and 1, [] and {} are told apart.
enum Seed : std::uint64_t { name_seed = 1, string_seed, number_seed, literal_seed, array_seed, object_seed };

// What of a wrong value is repeated in an error.
constexpr std::size_t excerpt_bytes_max = 40;

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

// One walk over a record: checks its grammar, hashes its content, remembers the members of the outermost object.
// A walk of its own and not simdjson's, because On-Demand checks only what is looked at, its other parser refuses a
// record for half a surrogate pair in one string, and neither says where.
class Walk {
public:
  Walk(std::string_view record, std::vector<Member>& members, std::string& scratch)
      : record_(record), members_(members), scratch_(scratch) {}

  Result<std::uint64_t> record() {
    skip_blanks();
    if (next() != '{') return broken("an object");
    const std::uint64_t hash = TRY(object(1));
    skip_blanks();
    if (at_ != record_.size()) return broken("nothing behind the object");
    return hash;
  }

private:
  Result<std::uint64_t> value(std::size_t depth) {
    switch (next()) {
      case '{':
        return object(depth + 1);
      case '[':
        return array(depth + 1);
      case '"':
        return hashed(TRY(string()), string_seed);
      case 't':
        return literal("true");
      case 'f':
        return literal("false");
      case 'n':
        return literal("null");
      default:
        break;
    }
    const std::size_t size = json::number_size(record_.substr(at_));
    if (size == 0) return broken("a value");
    at_ += size;
    return hash64(record_.substr(at_ - size, size), number_seed);
  }

  Result<std::uint64_t> object(std::size_t depth) {
    if (depth > json::depth_max) return too_deep();
    std::uint64_t sum = object_seed;
    ++at_;
    skip_blanks();
    if (took('}')) return mixed(sum);
    while (true) {
      skip_blanks();
      const std::string_view name = TRY(string());
      skip_blanks();
      if (!took(':')) return broken("\":\"");
      skip_blanks();
      const std::size_t begin = at_;
      const std::uint64_t content = TRY(value(depth));
      // A sum does not care for the order of the members.
      sum += mixed(hashed(name, name_seed) + content);
      if (depth == 1) members_.push_back({name, record_.substr(begin, at_ - begin)});
      skip_blanks();
      if (took('}')) return mixed(sum);
      if (!took(',')) return broken("\",\" or \"}\"");
    }
  }

  Result<std::uint64_t> array(std::size_t depth) {
    if (depth > json::depth_max) return too_deep();
    std::uint64_t chain = array_seed;
    ++at_;
    skip_blanks();
    if (took(']')) return mixed(chain);
    while (true) {
      skip_blanks();
      chain = mixed(chain + TRY(value(depth)));
      skip_blanks();
      if (took(']')) return mixed(chain);
      if (!took(',')) return broken("\",\" or \"]\"");
    }
  }

  Result<std::uint64_t> literal(std::string_view word) {
    if (!record_.substr(at_).starts_with(word)) return broken("a value");
    at_ += word.size();
    return hash64(word, literal_seed);
  }

  Result<std::string_view> string() {
    const std::size_t size = json::string_size(record_.substr(at_));
    if (size == 0) return broken(next() == '"' ? "a well-formed string" : "a string");
    at_ += size;
    return record_.substr(at_ - size + 1, size - 2);
  }

  std::uint64_t hashed(std::string_view between_quotes, Seed seed) {
    if (!between_quotes.contains('\\')) return hash64(between_quotes, seed);
    scratch_.clear();
    // Half a surrogate pair is no text; its written form still tells it from others.
    return hash64(json::append_unescaped(between_quotes, scratch_) ? scratch_ : between_quotes, seed);
  }

  char next() const { return at_ < record_.size() ? record_[at_] : '\0'; }
  bool took(char c) {
    if (next() != c) return false;
    ++at_;
    return true;
  }
  void skip_blanks() { at_ = std::min(record_.find_first_not_of(json::blanks, at_), record_.size()); }

  Error broken(std::string_view expected) const {
    const std::string_view rest = record_.substr(at_);
    return {ErrorCode::broken_record,
            fmt::format("reading a record: at byte {}: expected {}, got {}", at_, expected,
                        rest.empty() ? "its end" : json_quote(cut_utf8(rest, excerpt_bytes_max)))};
  }
  Error too_deep() const {
    return {ErrorCode::broken_record,
            fmt::format("reading a record: at byte {}: it is nested deeper than {} levels", at_, json::depth_max)};
  }

  std::string_view record_;
  std::size_t at_ = 0;
  std::vector<Member>& members_;
  std::string& scratch_;
};

// The offset of the first byte that does not belong to a well-formed character.
std::size_t first_wrong_byte(std::string_view text) {
  constexpr std::size_t character_bytes_max = 4;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t size = 1;
    while (size <= character_bytes_max && !is_utf8(text.substr(at, size))) ++size;
    if (size > character_bytes_max) break;
    at += size;
  }
  return at;
}

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
  std::string scratch;
  std::uint64_t hash = 0;

  // The first of that name.
  std::optional<std::string_view> find(std::string_view name) {
    for (const Member& member : members) {
      if (member.name == name) return member.value;
      if (!member.name.contains('\\')) continue;
      scratch.clear();
      if (json::append_unescaped(member.name, scratch) && scratch == name) return member.value;
    }
    return std::nullopt;
  }
};

JsonReader::JsonReader() : impl_(std::make_unique<Impl>()) {}
JsonReader::~JsonReader() = default;
JsonReader::JsonReader(JsonReader&&) noexcept = default;
JsonReader& JsonReader::operator=(JsonReader&&) noexcept = default;

Result<> JsonReader::open(std::string_view raw) {
  impl_->members.clear();
  impl_->hash = 0;
  if (!simdjson::validate_utf8(raw.data(), raw.size()))
    return Error(
        ErrorCode::broken_record,
        fmt::format("reading a record: at byte {}: expected UTF-8, got something else", first_wrong_byte(raw)));
  impl_->record = raw;
  const auto hash = Walk(impl_->record, impl_->members, impl_->scratch).record();
  if (!hash) {
    impl_->members.clear();
    return hash.error();
  }
  impl_->hash = *hash;
  return {};
}

std::optional<std::string> JsonReader::text(std::string_view member) {
  const auto value = impl_->find(member);
  if (!value || *value == "null" || value->front() == '{' || value->front() == '[') return std::nullopt;
  if (value->front() != '"') return std::string(*value);
  std::string text;
  if (!json::append_unescaped(value->substr(1, value->size() - 2), text)) return std::nullopt;
  return text;
}

std::optional<std::int64_t> JsonReader::integer(std::string_view member) {
  const auto value = impl_->find(member);
  return value ? whole(*value) : std::nullopt;
}

std::optional<std::string_view> JsonReader::raw(std::string_view member) { return impl_->find(member); }

std::uint64_t JsonReader::content_hash() { return impl_->hash; }

}  // namespace capstan
