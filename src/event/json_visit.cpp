#include "event/json_visit.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <charconv>
#include <string>

#include "base/text.h"
#include "event/json_check.h"
#include "json_grammar.h"
#include "json_text.h"

namespace capstan {

namespace {

// Walks simdjson's tape; the DOM parser has checked the whole text, depth included (at most json_depth_max calls of
// this one inside another), before the first call.
void tell(const simdjson::dom::element& element, JsonVisitor& visitor) {
  using simdjson::dom::element_type;
  switch (element.type()) {
    case element_type::NULL_VALUE:
      visitor.on_null();
      break;
    case element_type::BOOL:
      visitor.on_boolean(bool(element));
      break;
    case element_type::INT64:
      visitor.on_integer(std::int64_t(element));
      break;
    case element_type::UINT64:
      visitor.on_real(static_cast<double>(std::uint64_t(element)));
      break;
    case element_type::DOUBLE:
      visitor.on_real(double(element));
      break;
    case element_type::STRING:
      visitor.on_string(std::string_view(element));
      break;
    case element_type::ARRAY:
      visitor.on_array_begin();
      for (const auto item : simdjson::dom::array(element)) tell(item, visitor);
      visitor.on_array_end();
      break;
    case element_type::OBJECT:
      visitor.on_object_begin();
      for (const auto member : simdjson::dom::object(element)) {
        visitor.on_name(member.key);
        tell(member.value, visitor);
      }
      visitor.on_object_end();
      break;
  }
}

// Tells a visitor what simdjson's parser refuses and the grammar allows: half a surrogate pair, a number beyond a
// double.
class Telling {
public:
  Telling(JsonVisitor& visitor, std::string& scratch) : visitor_(visitor), scratch_(scratch) {}

  void object_begins(const char*) { visitor_.on_object_begin(); }
  void object_ends(const char*) { visitor_.on_object_end(); }
  void array_begins(const char*) { visitor_.on_array_begin(); }
  void array_ends(const char*) { visitor_.on_array_end(); }
  void name(std::string_view between_quotes) { visitor_.on_name(unescaped(between_quotes)); }
  void string(std::string_view between_quotes) { visitor_.on_string(unescaped(between_quotes)); }
  void number(std::string_view token) {
    std::int64_t integer = 0;
    const char* const end = token.data() + token.size();
    const auto whole = std::from_chars(token.data(), end, integer);
    if (whole.ec == std::errc{} && whole.ptr == end)
      visitor_.on_integer(integer);
    else
      visitor_.on_real(json::real_of(token));
  }
  void literal(std::string_view word) {
    if (word == "null")
      visitor_.on_null();
    else
      visitor_.on_boolean(word == "true");
  }

private:
  std::string_view unescaped(std::string_view between_quotes) {
    scratch_.clear();
    json::append_unescaped(between_quotes, scratch_);
    return scratch_;
  }

  JsonVisitor& visitor_;
  std::string& scratch_;
};

}  // namespace

struct JsonDocument::Impl {
  simdjson::dom::parser parser;
  std::string scratch;

  Result<> visit_in_full(std::string_view text, JsonVisitor& visitor);
};

Result<> JsonDocument::Impl::visit_in_full(std::string_view text, JsonVisitor& visitor) {
  const auto broken = [](std::size_t at, std::string_view why) {
    return Error(ErrorCode::broken_record, fmt::format("reading JSON: at byte {}: {}", at, why));
  };
  if (!is_utf8(text)) {
    if (is_wtf8(text)) return visit_in_full(as_utf8(text), visitor);
    return broken(first_wrong_byte(text, true), "expected UTF-8, got something else");
  }
  // Looked at first, so that a visitor is told all or nothing.
  JsonExtent extent = json_extent(text);
  if (extent.kind == JsonExtent::Kind::whole &&
      text.find_first_not_of(json::blanks, extent.at) != std::string_view::npos)
    extent = {JsonExtent::Kind::broken, extent.at, "nothing behind the value"};
  if (extent.kind != JsonExtent::Kind::whole) return broken(extent.at, to_string(extent, text));
  Telling telling(visitor, scratch);
  json::GrammarWalk(text, telling).value();
  return {};
}

JsonDocument::JsonDocument() : impl_(std::make_unique<Impl>()) {}
JsonDocument::~JsonDocument() = default;
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;

Result<> JsonDocument::visit(std::string_view text, JsonVisitor& visitor) {
  if (impl_->parser.max_depth() != json::depth_max) {
    if (const auto failure = impl_->parser.allocate(text.size(), json::depth_max))
      return Error(ErrorCode::broken_record, simdjson::error_message(failure));
  }
  simdjson::dom::element root;
  if (impl_->parser.parse(text.data(), text.size(), true).get(root)) return impl_->visit_in_full(text, visitor);
  tell(root, visitor);
  return {};
}

double json_real(std::string_view number) { return json::real_of(number); }

}  // namespace capstan
