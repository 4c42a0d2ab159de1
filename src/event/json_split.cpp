#include "event/json_split.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "base/text.h"
#include "json_text.h"

namespace capstan {

namespace {

using json::blanks;

// What of an answer is repeated in an error.
constexpr std::size_t excerpt_characters_max = 80;

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

// The bytes at which a scan outside strings has to stop.
constexpr auto is_stop = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("\"{}[],")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::string excerpt(std::string_view text) {
  std::size_t end = 0;
  for (std::size_t characters = 0; end < text.size(); ++end) {
    const bool starts_character = (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;
    if (starts_character && ++characters > excerpt_characters_max) break;
  }
  return json_quote(text.substr(0, end));
}

Error unexpected(std::string sentence) {
  return {ErrorCode::unexpected_answer, "cutting an answer into records: " + std::move(sentence)};
}

// Which brackets are open, however many: bit i is set when level i is an object. A closing bracket costs as much as
// what it closes, so a text costs as much as it is long.
class Brackets {
public:
  std::size_t depth() const { return depth_; }
  void open(char bracket) {
    if (depth_ == word_bits * (1 + more_.size())) more_.push_back(0);
    const std::uint64_t bit = std::uint64_t{1} << (depth_ % word_bits);
    if (bracket == '{') {
      word(depth_) |= bit;
      ++objects_;
    } else {
      word(depth_) &= ~bit;
    }
    ++depth_;
  }
  // Closes the innermost bracket of that kind and what was left open inside it; false when none is open.
  bool close(char bracket) {
    const bool object = bracket == '}';
    if ((object ? objects_ : depth_ - objects_) == 0) return false;
    while (true) {
      --depth_;
      const bool is_object = ((word(depth_) >> (depth_ % word_bits)) & 1) != 0;
      if (is_object) --objects_;
      if (is_object == object) return true;
    }
  }

private:
  static constexpr std::size_t word_bits = 64;
  // What is nested as deep as people nest takes nothing from the heap.
  std::uint64_t& word(std::size_t level) { return level < word_bits ? first_ : more_[level / word_bits - 1]; }

  std::uint64_t first_ = 0;
  std::vector<std::uint64_t> more_;
  std::size_t depth_ = 0;
  std::size_t objects_ = 0;
};

// Behind the closing quote of the string whose opening quote is at `begin`; npos when it is not closed.
std::size_t string_end(std::string_view text, std::size_t begin) {
  std::size_t from = begin + 1;
  while (from < text.size()) {
    const void* found = std::memchr(text.data() + from, '"', text.size() - from);
    if (found == nullptr) return std::string_view::npos;
    const auto quote = static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
    std::size_t backslashes = 0;
    while (quote - backslashes > from && text[quote - backslashes - 1] == '\\') ++backslashes;
    if (backslashes % 2 == 0) return quote + 1;
    from = quote + 1;
  }
  return std::string_view::npos;
}

// Where the item that begins at `begin` ends: at the comma or at the closing bracket of the container around it.
// A bracket of the wrong kind ends what it can and is otherwise part of the item, so that a broken record does not take
// the ones behind it along. Inside a bracket that is still open only the last byte can be the container's own end.
Result<std::size_t> item_end(std::string_view text, std::size_t begin, char closing) {
  Brackets inside;
  std::size_t at = begin;
  while (true) {
    while (at < text.size() && !is_stop[static_cast<unsigned char>(text[at])]) ++at;
    if (at == text.size())
      return unexpected(fmt::format("expected \"{}\" before the end at byte {}", closing, text.size()));
    const char c = text[at];
    if (c == '"') {
      at = string_end(text, at);
      if (at == std::string_view::npos) return unexpected("a string is not closed before the end of the answer");
      continue;
    }
    if (c == '{' || c == '[') {
      inside.open(c);
    } else if (c == ',') {
      if (inside.depth() == 0) return at;
    } else if (!inside.close(c) && c == closing && (inside.depth() == 0 || at + 1 == text.size())) {
      return at;
    }
    ++at;
  }
}

struct Container {
  std::string_view text;  // from the opening bracket, blanks around it cut
  std::size_t first = 1;  // where the first item may begin
};

Result<Container> opened(std::string_view text, char opening, std::string_view noun) {
  Container container{trimmed(text)};
  if (container.text.starts_with(byte_order_mark)) container.text.remove_prefix(byte_order_mark.size());
  if (container.text.empty() || container.text.front() != opening)
    return unexpected(fmt::format("expected one {}, got {}", noun, excerpt(container.text)));
  return container;
}

Result<> ends_there(const Container& container, std::size_t end, std::string_view noun) {
  if (end == container.text.size()) return {};
  return unexpected(
      fmt::format("expected nothing behind the {}, got {}", noun, excerpt(trimmed(container.text.substr(end)))));
}

// "name" : value, as it stands between two commas.
Result<JsonMember> member(std::string_view text) {
  if (text.front() == '"') {
    const std::size_t end = string_end(text, 0);
    const std::size_t colon = text.find_first_not_of(blanks, end);
    if (colon != std::string_view::npos && text[colon] == ':')
      return JsonMember{text.substr(1, end - 2), trimmed(text.substr(colon + 1))};
  }
  return unexpected(fmt::format("expected a member such as \"name\": value, got {}", excerpt(text)));
}

// Calls `take` with every item between the brackets, without blanks; an empty one (`[1,,2]`) holds nothing.
template <class Take>
Result<std::size_t> each_item(const Container& container, char closing, Take take) {
  std::size_t begin = container.first;
  while (true) {
    const std::size_t end = TRY(item_end(container.text, begin, closing));
    const std::string_view item = trimmed(container.text.substr(begin, end - begin));
    if (!item.empty()) TRY(take(item));
    begin = end + 1;
    if (container.text[end] == closing) return begin;
  }
}

}  // namespace

Result<std::vector<JsonMember>> split_object(std::string_view text) {
  const Container container = TRY(opened(text, '{', "object {…}"));
  std::vector<JsonMember> members;
  const std::size_t end = TRY(each_item(container, '}', [&](std::string_view item) -> Result<> {
    members.push_back(TRY(member(item)));
    return {};
  }));
  TRY(ends_there(container, end, "object"));
  return members;
}

Result<std::vector<std::string_view>> split_array(std::string_view text) {
  const Container container = TRY(opened(text, '[', "array […]"));
  std::vector<std::string_view> items;
  const std::size_t end = TRY(each_item(container, ']', [&](std::string_view item) -> Result<> {
    items.push_back(item);
    return {};
  }));
  TRY(ends_there(container, end, "array"));
  return items;
}

std::size_t bracketed_size(std::string_view text) {
  Brackets open;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      at = string_end(text, at);
      continue;
    }
    if (c == '{' || c == '[') open.open(c);
    if (c == '}' || c == ']') open.close(c);
    ++at;
    if (open.depth() == 0) return at;
  }
  return 0;
}

std::size_t loose_item_size(std::string_view text) {
  const auto end = item_end(text, 0, ']');
  return end ? *end : 0;
}

}  // namespace capstan
