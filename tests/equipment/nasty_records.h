// Records as no polite service sends them, from a seed: halves of surrogate pairs wherever a text may stand, deep
// nesting, names that are empty, repeated or hold a NUL, numbers that no machine holds, values that are no objects,
// bytes that are no text. Brackets and quotes always fit, so that a list of them can be taken apart.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace capstan::equipment {

// What a record is, by how it was made.
enum class NastyKind : std::uint8_t {
  good,       // a well-formed object with members, however odd they are
  empty,      // {}
  no_object,  // null, 3, "x", []
  deep,       // nested deeper than 1,024 levels
  broken,     // NaN, 01, a trailing comma: no JSON
  not_utf8,   // a byte that is none of UTF-8, nor of a surrogate
};

struct NastyRecord {
  NastyKind kind = NastyKind::good;
  std::string raw;
  bool has_surrogate_bytes = false;  // not UTF-8 as it is, but readable
};

class NastyRecords {
public:
  // What a test looks for in texts.
  static constexpr std::string_view needle = "mimikatz";

  explicit NastyRecords(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool one_in(std::uint64_t bound) { return below(bound) == 0; }

  NastyRecord record() {
    has_surrogate_bytes_ = false;
    NastyRecord made;
    switch (below(10)) {
      case 0:
        made = {NastyKind::no_object,
                pick({"null", "3", "-1e400", "\"x\"", "\"\\ud800\"", "[]", "[{}]", "true", "[[1,\"]\"]]"})};
        break;
      case 1:
        made = one_in(2) ? NastyRecord{NastyKind::empty, pick({"{}", "{ }", "{\n\t}"})}
                         : NastyRecord{NastyKind::deep, with_member(deep(1025 + below(one_in(4) ? 100'000 : 100)))};
        break;
      case 2:
        made = {NastyKind::broken,
                with_member(
                    pick({"NaN", "Infinity", "-",        "01",        "+1",       "1.",    ".5",         "1e",
                          "tru", "'x'",      "\"\\q\"",  "\"\\u12\"", "\"a\tb\"", "[1,]",  "{\"a\":1,}", "{,}",
                          "[,]", "{\"a\"}",  "\"\x01\"", "nullx",     "0x1F",     "{a:1}", "1 2",        "[1 2]"}))};
        break;
      case 3:
        made = {NastyKind::not_utf8,
                with_member(quoted(text() + pick({"\xFF", "\xC3", "\xC0\xAF", "\xED\xA0", "\xF5\x80\x80\x80"})))};
        break;
      default:
        made = {NastyKind::good, object(true)};
        break;
    }
    made.has_surrogate_bytes = has_surrogate_bytes_ && made.kind == NastyKind::good;
    return made;
  }

  // A JSON string with its quotes.
  std::string string() { return quoted(text()); }

private:
  std::string pick(std::initializer_list<std::string_view> choices) {
    return std::string(choices.begin()[below(choices.size())]);
  }
  static std::string quoted(const std::string& between) { return "\"" + between + "\""; }

  // What stands between quotes: well-formed pieces, with the needle among them at times.
  std::string text() {
    std::string between;
    for (std::uint64_t pieces = below(6); pieces > 0; --pieces) between += piece();
    return one_in(200) ? between + std::string(70'000, 'x') : between;
  }
  std::string piece() {
    switch (below(12)) {
      case 0:
      case 1:
        return pick({"\\ud83d", "\\uDE00", "\\ud800", "\\udfff", "\\uDBFF\\uDBFF", "\\udc00\\ud800"});
      case 2:
        has_surrogate_bytes_ = true;
        return pick(
            {"\xED\xA0\xBD", "\xED\xB8\x80", "\xED\xA0\xBD\xED\xB8\x80", "\xED\xBF\xBF\xED\xA0\x80", "\xED\xAF\xBF"});
      case 3:
        return pick({"\\ud83d\\ude00", "\\u00e9", "\\u0000", "\\u001f", "\\uffff", "\\ufffd", "\\u0061"});
      case 4:
        return pick({"\\n", "\\\"", "\\\\", "\\/", "\\t", "\\r\\n", "\\b\\f", "\\\\ud800", "\\\\\\\\u"});
      case 5:
        return pick({"é", "\U0001F600", "\xEF\xBF\xBD", "日本", "\x7F", "\u2028"});
      case 6:
        return pick({"{", "}", "[", "]", ",", ":", "|", "=", "'", "}]},{", "</x>", "CEF:0|"});
      case 7:
      case 8:
        return std::string(needle);
      default:
        return pick({"abc", "x y", "", " ", "user@contoso.example", "0123456789abcdef"});
    }
  }

  std::string name() {
    switch (below(8)) {
      case 0:
        return "\"\"";
      case 1:
        return "\"a\\u0000b\"";
      case 2:
        return "\"same\"";
      case 3:
        return string();
      default:
        return quoted(pick({"n", "name", "value", "id", "type", "a.b", "[0]", "us\\u0065r"}));
    }
  }

  std::string value(int depth) {
    switch (below(depth > 4 ? 6 : 9)) {
      case 0:
        return pick({"0", "-0", "1", "-1.50", "1e2", "123456789012345678901234567890", "9007199254740993", "1e400",
                     "-1E-400", "0.1000000000000000055511151231257827", "18446744073709551615"});
      case 1:
        return pick({"true", "false", "null"});
      case 2:
      case 3:
      case 4:
      case 5:
        return string();
      case 6:
        return object(false, depth + 1);
      case 7:
        return one_in(10) ? deep(below(1000)) : array(depth + 1);
      default:
        return array(depth + 1);
    }
  }
  std::string array(int depth) {
    std::string all = "[";
    for (std::uint64_t items = below(4); items > 0; --items)
      all += value(depth) + (items > 1 ? gap() + "," + gap() : "");
    return all + "]";
  }
  std::string object(bool is_record, int depth = 0) {
    std::string all;
    const auto add = [&](const std::string& key, const std::string& content) {
      all += (all.empty() ? "{" : ",") + gap() + key + gap() + ":" + gap() + content;
    };
    if (is_record) {
      // The members that tests look at.
      if (!one_in(8)) add("\"text\"", string());
      if (!one_in(4)) add("\"user\"", "{\"name\":" + string() + ",\"also\":" + value(2) + "}");
      if (!one_in(4)) add("\"list\"", "[{\"name\":" + string() + "},{\"name\":" + string() + "}]");
      if (one_in(3)) add("\"description\"", string());
    }
    for (std::uint64_t members = (is_record ? 1 : 0) + below(4); members > 0; --members) add(name(), value(depth + 1));
    return all.empty() ? "{}" : all + gap() + "}";
  }
  std::string with_member(const std::string& content) {
    return "{\"text\":" + quoted(std::string(needle)) + ",\"odd\":" + content + ",\"n\":1}";
  }
  std::string deep(std::uint64_t levels) {
    std::string all;
    std::string closing;
    for (std::uint64_t i = 0; i < levels; ++i) {
      const bool is_object = one_in(2);
      all += is_object ? "{\"k\":" : "[";
      closing += is_object ? '}' : ']';
    }
    return all + string() + std::string(closing.rbegin(), closing.rend());
  }
  std::string gap() { return one_in(12) ? pick({" ", "\n", "\t", "\r\n  "}) : std::string(); }

  std::mt19937_64 random_;
  bool has_surrogate_bytes_ = false;
};

}  // namespace capstan::equipment
