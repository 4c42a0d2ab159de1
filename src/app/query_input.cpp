#include "query_input.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "event/json_check.h"
#include "event/json_split.h"
#include "event/record.h"

namespace capstan::app {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr std::string_view blanks = " \t\r\n";
constexpr std::size_t nowhere = std::string_view::npos;

bool is_blank(char c) { return blanks.contains(c); }

Error trouble_at(InputPlace place, std::string_view why) {
  return {ErrorCode::broken_record,
          fmt::format("reading a record: at line {}, column {}: {}", place.line, place.column, why)};
}

std::string too_long() { return fmt::format("it is longer than {} bytes", record_size_max); }

// A mark, and a first character of ASCII.
bool is_utf16(std::string_view text) {
  if (text.size() < 4) return false;
  return (text.starts_with("\xFF\xFE") && text[3] == 0) || (text.starts_with("\xFE\xFF") && text[2] == 0);
}

// Takes a byte order mark away; false where the input is no text that can be read, and that was told.
bool begins_as_text(InputWindow& window, const std::string& name, InputTaker& taker) {
  window.grow_to(2 * byte_order_mark.size());
  const std::string_view text = window.text();
  if (is_utf16(text)) {
    taker.tell({text, 0, {}}, Error(ErrorCode::unreadable_file,
                                    fmt::format("reading {}: expected UTF-8, got UTF-16; nothing of it was read. "
                                                "Convert it: iconv -f UTF-16 -t UTF-8",
                                                name)));
    return false;
  }
  if (text.starts_with(byte_order_mark)) window.take(byte_order_mark.size());
  return true;
}

// What the source failed of, at the end of what it gave.
void tell_failure(InputWindow& window, InputTaker& taker) {
  if (!window.failure()) return;
  const InputPlace place = window.place(0);
  taker.tell({window.text(), 0, place},
             Error(*window.failure()).during(fmt::format("behind line {}, column {}", place.line, place.column)));
}

class JsonCutter {
public:
  JsonCutter(InputWindow& window, JsonLayout layout, InputTaker& taker)
      : window_(window), layout_(layout), taker_(taker) {}

  void cut() {
    while (is_wanted_ && pass_blanks()) {
      if (!cut_array()) cut_value();
    }
    if (is_wanted_ && is_in_array_ && !is_cut_) tell({window_.text(), 0, window_.place(0)}, "the array is not closed");
  }

private:
  enum class Behind { bracket, comma, item };  // what the next item of an array stands behind

  // To what is no blank, nor a comma between records; false at the end.
  bool pass_blanks() {
    while (true) {
      const std::string_view text = window_.text();
      std::size_t at = 0;
      while (at < text.size() && is_passed(text.substr(at))) at += text[at] == byte_order_mark[0] ? 3 : 1;
      window_.take(at);
      if (window_.text().size() >= byte_order_mark.size()) return true;
      // The rest of a mark may not have been read yet.
      if (!window_.grow()) return !window_.text().empty();
    }
  }
  // Files that were put together bring their marks along; RFC 7464 puts the record separator before each record.
  bool is_passed(std::string_view text) const {
    if (is_blank(text.front())) return true;
    return (!is_in_array_ && (text.front() == ',' || text.front() == '\x1E')) || text.starts_with(byte_order_mark);
  }

  // The brackets and commas of an array whose items are the records; false where a value stands.
  bool cut_array() {
    const char c = window_.text().front();
    if (!is_in_array_) {
      if (c != '[' || layout_ == JsonLayout::lines) return false;
      is_in_array_ = true;
      behind_ = Behind::bracket;
      window_.take(1);
      return true;
    }
    if (c == ']') {
      if (behind_ == Behind::comma) tell_here("expected a value, got \"]\"");
      is_in_array_ = false;
      is_comma_told_ = false;
      window_.take(1);
      return true;
    }
    if (c == ',') {
      if (behind_ != Behind::item) tell_here("expected a value, got \",\"");
      behind_ = Behind::comma;
      window_.take(1);
      return true;
    }
    // Once an array: a list without commas is told, and read.
    if (behind_ == Behind::item && !is_comma_told_) {
      is_comma_told_ = true;
      tell_here("expected \",\" or \"]\" behind an item, got something else");
    }
    return !is_wanted_;
  }

  void cut_value() {
    const JsonExtent extent = measured();
    const std::string_view text = window_.text();
    if (extent.kind != JsonExtent::Kind::whole) {
      pass_broken(extent, why_broken(extent));
    } else if (text.front() != '{' && !ends_there(text, extent.at)) {
      const JsonExtent nothing{JsonExtent::Kind::broken, 0, "an object"};
      pass_broken(nothing, why_broken(nothing));
    } else {
      take_value(text.substr(0, extent.at));
    }
    behind_ = Behind::item;
  }

  // Behind what is no object: 12 ends, 12a is broken.
  static bool ends_there(std::string_view text, std::size_t at) {
    constexpr std::string_view ends = " \t\r\n,[]{}\"\x1E";
    return text.front() == '[' || at == text.size() || ends.contains(text[at]);
  }

  // How far the value at the front reaches. Reads as far as it has to.
  JsonExtent measured() {
    is_too_long_ = false;
    if (layout_ == JsonLayout::lines || window_.offset() < by_line_until_) return measured_in_line();
    while (true) {
      const std::string_view text = window_.text();
      const JsonExtent extent = json_extent(text);
      // Only a number or a word at the end may go on.
      const bool is_done = extent.kind == JsonExtent::Kind::whole &&
                           (extent.at < text.size() || std::string_view("{[\"").contains(text.front()));
      if (is_done || (extent.kind != JsonExtent::Kind::whole && extent.kind != JsonExtent::Kind::cut)) return extent;
      is_too_long_ = text.size() > record_size_max;
      if (is_too_long_) return {JsonExtent::Kind::cut, text.size(), extent.expected};
      // Twice as much, so that a value is not looked at more often than it doubles.
      window_.grow_to(2 * text.size());
      if (window_.is_ended() && window_.text().size() == text.size()) return extent;
    }
  }
  JsonExtent measured_in_line() {
    const auto end = window_.line_end(0, record_size_max);
    is_too_long_ = !end;
    return json_extent(window_.text().substr(0, end.value_or(nowhere)));
  }

  std::string why_broken(const JsonExtent& extent) {
    if (is_too_long_) return too_long();
    constexpr std::size_t shown_max = 64;
    window_.grow_to(extent.at + shown_max);
    const std::string_view text = window_.text();
    const std::size_t shown = text.substr(extent.at, shown_max).find_first_of("\r\n");
    const std::size_t line_end = shown == nowhere ? text.size() : extent.at + shown;
    if (extent.kind == JsonExtent::Kind::too_deep || extent.at < line_end)
      return to_string(extent, text.substr(0, line_end));
    return fmt::format("expected {}, got the end of the {}", extent.expected,
                       line_end < text.size() ? "line" : "input");
  }

  void take_value(std::string_view value) {
    const InputPiece piece{value, ++number_, window_.place(0)};
    const std::size_t size = value.size();
    if (value.front() != '{') {
      tell(piece, to_string({JsonExtent::Kind::broken, 0, "an object"}, value));
    } else if (holds_utf8(value)) {
      is_wanted_ = taker_.take(piece);
    } else if (is_wtf8(value)) {
      mended_ = as_utf8(value);
      const std::size_t mended_size = mended_.size();
      mended_.append(raw_padding, '\0');
      is_wanted_ = taker_.take({std::string_view(mended_).substr(0, mended_size), piece.number, piece.place});
    } else {
      tell(piece, window_.place(first_wrong_byte(value, true)), "expected UTF-8, got something else");
    }
    window_.take(size);
  }

  // Tells the broken piece at the front, and goes behind it.
  void pass_broken(const JsonExtent& extent, const std::string& why) {
    const InputPlace begin = window_.place(0);
    const InputPlace stop = window_.place(extent.at);
    const std::uint64_t stopped = window_.offset() + extent.at;
    const auto line = window_.line_end(0, record_size_max);
    if (!line) {
      tell({window_.text(), ++number_, begin}, stop, why);
      window_.discard_line();
      return;
    }
    const std::size_t size = broken_size(*line, begin.column - 1);
    // What was read beyond is read again, line by line: no part of the input is read more than twice.
    by_line_until_ = std::max(by_line_until_, stopped);
    is_cut_ = window_.is_ended() && size == window_.text().size();
    tell({window_.text().substr(0, size), ++number_, begin}, stop, why);
    window_.take(size);
  }

  // How far the broken piece at the front reaches. `line`: where its first line ends.
  std::size_t broken_size(std::size_t line, std::size_t indent) {
    const std::string_view first = window_.text().substr(0, line);
    const bool has_brackets = first.front() == '{' || first.front() == '[';
    const std::size_t size = has_brackets ? bracketed_size(first) : is_in_array_ ? loose_item_size(first) : 0;
    if (size > 0) return size;
    return has_brackets && layout_ == JsonLayout::free ? behind_indented(line, indent) : line;
  }

  // From the line end `at` on: behind the lines that are indented deeper than `indent`, and the bracket that closes
  // what they are in.
  std::size_t behind_indented(std::size_t at, std::size_t indent) {
    const char closing = window_.text().front() == '{' ? '}' : ']';
    while (at < window_.text().size() && at < record_size_max) {
      const auto end = window_.line_end(at + 1, record_size_max);
      if (!end) return at;
      const std::string_view line = window_.text().substr(at + 1, *end - (at + 1));
      const std::size_t begin = line.find_first_not_of(blanks);
      if (begin != nowhere && begin == indent && line[begin] == closing) return at + 1 + begin + 1;
      if (begin != nowhere && begin <= indent) return at;
      at = *end;
    }
    return at;
  }

  void tell_here(std::string_view why) { tell({window_.text().substr(0, 1), 0, window_.place(0)}, why); }
  void tell(const InputPiece& piece, std::string_view why) { tell(piece, piece.place, why); }
  void tell(const InputPiece& piece, InputPlace stop, std::string_view why) {
    const std::string begin =
        stop.line == piece.place.line ? "" : fmt::format(" (the record begins at line {})", piece.place.line);
    is_wanted_ = taker_.tell(piece, trouble_at(stop, std::string(why) + begin)) && is_wanted_;
  }

  InputWindow& window_;
  JsonLayout layout_;
  InputTaker& taker_;
  std::string mended_;
  std::size_t number_ = 0;
  std::uint64_t by_line_until_ = 0;  // what begins before it has to end in its line
  Behind behind_ = Behind::bracket;
  bool is_wanted_ = true;
  bool is_in_array_ = false;
  bool is_comma_told_ = false;  // of this array
  bool is_too_long_ = false;    // the value that was measured last
  bool is_cut_ = false;         // the last piece was cut by the end of the input
};

}  // namespace

void each_json_record(ByteSource& source, const std::string& name, JsonLayout layout, InputTaker& taker) {
  InputWindow window(source);
  if (!begins_as_text(window, name, taker)) return;
  JsonCutter(window, layout, taker).cut();
  tell_failure(window, taker);
}

void each_text_line(ByteSource& source, const std::string& name, InputTaker& taker) {
  InputWindow window(source);
  if (!begins_as_text(window, name, taker)) return;
  for (std::size_t number = 1;; ++number) {
    const auto end = window.line_end(0, record_size_max);
    std::string_view line = window.text().substr(0, end.value_or(nowhere));
    while (line.ends_with('\r')) line.remove_suffix(1);
    const InputPiece piece{line, number, {number, 1}};
    const bool is_blank_line = line.find_first_not_of(blanks) == nowhere;
    if (!end) {
      if (!taker.tell(piece, trouble_at(piece.place, too_long()))) return;
      window.discard_line();
    } else if (!is_blank_line && !taker.take(piece)) {
      return;
    }
    if (end) window.take(*end);
    if (window.text().empty() && !window.grow()) break;
    window.take(1);  // the line end
  }
  tell_failure(window, taker);
}

}  // namespace capstan::app
