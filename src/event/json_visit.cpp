#include "event/json_visit.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <string>

namespace capstan {

namespace {

// Walks simdjson's tape; the DOM parser has checked the whole text, depth included, before the first call.
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

}  // namespace

struct JsonDocument::Impl {
  simdjson::dom::parser parser;
};

JsonDocument::JsonDocument() : impl_(std::make_unique<Impl>()) {}
JsonDocument::~JsonDocument() = default;
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;

Result<> JsonDocument::visit(std::string_view text, JsonVisitor& visitor) {
  constexpr std::size_t depth_max = 256;  // the walk below recurses
  if (impl_->parser.max_depth() != depth_max) {
    if (const auto failure = impl_->parser.allocate(text.size(), depth_max))
      return Error(ErrorCode::broken_record, simdjson::error_message(failure));
  }
  simdjson::dom::element root;
  if (const auto failure = impl_->parser.parse(text.data(), text.size(), true).get(root))
    return Error(ErrorCode::broken_record, fmt::format("reading JSON: {}", simdjson::error_message(failure)));
  tell(root, visitor);
  return {};
}

}  // namespace capstan
