#include "lexer.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "kql/datum.h"

namespace capstan::kql {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_name_part(char c) { return is_digit(c) || is_letter(c) || c == '_' || c == '$'; }
int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

struct Unit {
  std::string_view name;
  double ticks;
};
constexpr std::array units{Unit{"d", 864e9},         Unit{"day", 864e9},        Unit{"days", 864e9},
                           Unit{"h", 36e9},          Unit{"hr", 36e9},          Unit{"hrs", 36e9},
                           Unit{"hour", 36e9},       Unit{"hours", 36e9},       Unit{"m", 6e8},
                           Unit{"min", 6e8},         Unit{"minute", 6e8},       Unit{"minutes", 6e8},
                           Unit{"s", 1e7},           Unit{"sec", 1e7},          Unit{"second", 1e7},
                           Unit{"seconds", 1e7},     Unit{"ms", 1e4},           Unit{"milli", 1e4},
                           Unit{"millis", 1e4},      Unit{"millisecond", 1e4},  Unit{"milliseconds", 1e4},
                           Unit{"micro", 10},        Unit{"micros", 10},        Unit{"microsecond", 10},
                           Unit{"microseconds", 10}, Unit{"nano", 0.01},        Unit{"nanos", 0.01},
                           Unit{"nanosecond", 0.01}, Unit{"nanoseconds", 0.01}, Unit{"tick", 1},
                           Unit{"ticks", 1}};

constexpr std::array<std::string_view, 11> typed_literals{"bool",     "boolean", "int",      "long", "real", "double",
                                                          "datetime", "date",    "timespan", "time", "guid"};

// Longest first.
constexpr std::array<std::string_view, 30> symbols{"!in~", "<=", ">=", "==", "!=", "<>", "=~", "!~", "..", "|",
                                                   "=",    "<",  ">",  "+",  "-",  "*",  "/",  "%",  "(",  ")",
                                                   "[",    "]",  "{",  "}",  ",",  ";",  ":",  ".",  "~",  "!"};

class Lexer {
public:
  Lexer(std::string_view text, Diagnostics& diagnostics) : text_(text), diagnostics_(diagnostics) {}

  std::vector<Token> run() {
    while (skip_blanks()) next();
    add(Token::Kind::end, text_.size());
    return std::move(tokens_);
  }

private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  Token& add(Token::Kind kind, std::size_t begin) {
    Token& token = tokens_.emplace_back();
    token.kind = kind;
    token.span = {begin, at_};
    return token;
  }

  void complain(std::size_t begin, std::string sentence) {
    diagnostics_.add(ErrorCode::kql_syntax, {begin, std::max(at_, begin + 1)}, std::move(sentence));
  }

  bool skip_blanks() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '/' && peek(1) == '/') {
        at_ = std::min(text_.find('\n', at_), text_.size() - 1);
      } else if (c != ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != '\v') {
        const std::size_t size = wide_blank_size();
        if (size == 0) return true;
        at_ += size - 1;
      }
    }
    return false;
  }

  // The blanks of Unicode, a zero-width one and the byte order mark: they come with text copied from web pages.
  std::size_t wide_blank_size() const {
    constexpr std::array<std::string_view, 21> blanks{
        "\u00A0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008",
        "\u2009", "\u200A", "\u200B", "\u2028", "\u2029", "\u202F", "\u205F", "\u3000", "\uFEFF", "\u0085"};
    for (const std::string_view blank : blanks)
      if (text_.substr(at_).starts_with(blank)) return blank.size();
    return 0;
  }

  void next() {
    const char c = peek();
    const std::size_t begin = at_;
    if (c == '"' || c == '\'') return quoted(begin);
    if (c == '@' && (peek(1) == '"' || peek(1) == '\'')) return ++at_, verbatim(begin);
    if ((c == 'h' || c == 'H') && (peek(1) == '"' || peek(1) == '\'')) return ++at_, quoted(begin);
    if ((c == 'h' || c == 'H') && peek(1) == '@' && (peek(2) == '"' || peek(2) == '\''))
      return at_ += 2, verbatim(begin);
    if (text_.substr(at_).starts_with("```") || text_.substr(at_).starts_with("~~~")) return multi_line(begin);
    if (is_digit(c)) return number(begin);
    if (is_letter(c) || c == '_' || c == '$') return word(begin);
    symbol(begin);
  }

  void append_code_point(std::string& value, std::uint32_t point) {
    if (point < 0x80) {
      value += static_cast<char>(point);
    } else if (point < 0x800) {
      value += static_cast<char>(0xC0 | (point >> 6));
      value += static_cast<char>(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
      value += static_cast<char>(0xE0 | (point >> 12));
      value += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
      value += static_cast<char>(0x80 | (point & 0x3F));
    } else {
      value += static_cast<char>(0xF0 | (point >> 18));
      value += static_cast<char>(0x80 | ((point >> 12) & 0x3F));
      value += static_cast<char>(0x80 | ((point >> 6) & 0x3F));
      value += static_cast<char>(0x80 | (point & 0x3F));
    }
  }

  std::optional<std::uint32_t> hex_digits(std::size_t count) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i, ++at_) {
      const int digit = hex_value(peek());
      if (digit < 0) return std::nullopt;
      value = value * 16 + static_cast<std::uint32_t>(digit);
    }
    return value;
  }

  // The character after a backslash.
  bool escape(std::string& value) {
    const std::size_t begin = at_ - 1;
    const char c = peek();
    constexpr std::string_view from = "\\'\"abfnrtv";
    constexpr std::string_view to = "\\'\"\a\b\f\n\r\t\v";
    if (const std::size_t found = from.find(c); found != std::string_view::npos && c != '\0') {
      ++at_;
      value += to[found];
      return true;
    }
    std::optional<std::uint32_t> point;
    if (c >= '0' && c <= '7') {
      std::uint32_t octal = 0;
      for (int digits = 0; digits < 3 && peek() >= '0' && peek() <= '7'; ++digits, ++at_)
        octal = octal * 8 + static_cast<std::uint32_t>(peek() - '0');
      point = octal;
    } else if (c == 'x' || c == 'u' || c == 'U') {
      ++at_;
      point = hex_digits(c == 'x' ? 2 : c == 'u' ? 4 : 8);
      // A pair of surrogates is one character.
      if (point && *point >= 0xD800 && *point < 0xDC00 && peek() == '\\' && peek(1) == 'u') {
        at_ += 2;
        const auto low = hex_digits(4);
        if (low && *low >= 0xDC00 && *low < 0xE000) point = 0x10000 + ((*point - 0xD800) << 10) + (*low - 0xDC00);
      }
    }
    if (!point || *point > 0x10FFFF || (*point >= 0xD800 && *point < 0xE000)) {
      complain(
          begin,
          fmt::format(
              "there is no escape \"\\{}\"; write \"\\\\\" for a backslash, or @\"…\" for a string without escapes",
              c));
      if (at_ < text_.size() && at_ <= begin + 1) ++at_;
      return false;
    }
    append_code_point(value, *point);
    return true;
  }

  void quoted(std::size_t begin) {
    const char quote = text_[at_++];
    std::string value;
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      if (text_[at_] != '\\') {
        value += text_[at_++];
        continue;
      }
      ++at_;
      escape(value);
    }
    if (peek() != quote || at_ >= text_.size()) return complain(begin, "the string does not end on its line");
    ++at_;
    add_string(begin, std::move(value));
  }

  void verbatim(std::size_t begin) {
    const char quote = text_[at_++];
    std::string value;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] != quote) {
        value += text_[at_];
      } else if (peek(1) == quote) {
        value += quote;
        ++at_;
      } else {
        ++at_;
        return add_string(begin, std::move(value));
      }
    }
    complain(begin, "the string does not end");
  }

  void multi_line(std::size_t begin) {
    const std::string_view fence = text_.substr(at_, 3);
    const std::size_t end = text_.find(fence, at_ + 3);
    if (end == std::string_view::npos) {
      at_ = text_.size();
      return complain(begin, "the multi-line string does not end");
    }
    std::string value(text_.substr(at_ + 3, end - at_ - 3));
    at_ = end + 3;
    add_string(begin, std::move(value));
  }

  // Adjacent literals are one string: 'it''s' is "its".
  void add_string(std::size_t begin, std::string value) {
    if (!tokens_.empty() && tokens_.back().kind == Token::Kind::string) {
      tokens_.back().text += value;
      tokens_.back().span.end = at_;
      return;
    }
    add(Token::Kind::string, begin).text = std::move(value);
  }

  void number(std::size_t begin) {
    if (peek() == '0' && (peek(1) == 'x' || peek(1) == 'X') && hex_value(peek(2)) >= 0) return hexadecimal(begin);
    while (is_digit(peek())) ++at_;
    const std::size_t integer_end = at_;
    bool is_real = false;
    if (peek() == '.' && peek(1) != '.' && !is_letter(peek(1)) && peek(1) != '_') {
      is_real = true;
      ++at_;
      while (is_digit(peek())) ++at_;
    }
    if ((peek() == 'e' || peek() == 'E') &&
        (is_digit(peek(1)) || ((peek(1) == '+' || peek(1) == '-') && is_digit(peek(2))))) {
      is_real = true;
      at_ += 2;
      while (is_digit(peek())) ++at_;
    }
    const std::string digits(text_.substr(begin, at_ - begin));
    const std::size_t number_end = at_;
    while (is_name_part(peek())) ++at_;
    const std::string_view suffix = text_.substr(number_end, at_ - number_end);
    if (!suffix.empty()) {
      for (const Unit& unit : units)
        if (unit.name == suffix) return timespan(begin, digits, unit);
      // 1abc is a name; 1.5abc is not.
      if (number_end == integer_end) {
        add(Token::Kind::identifier, begin).text = text_.substr(begin, at_ - begin);
        return;
      }
      return complain(begin,
                      fmt::format("expected a number or a timespan, got \"{}\"", text_.substr(begin, at_ - begin)));
    }
    if (is_real) {
      add(Token::Kind::real, begin).real = std::strtod(digits.c_str(), nullptr);
      return;
    }
    constexpr std::uint64_t edge = std::uint64_t{1} << 63;
    std::uint64_t value = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc{} || value > edge)
      complain(begin, fmt::format("the number {} is larger than a long can be", digits));
    Token& token = add(Token::Kind::long_integer, begin);
    token.number = static_cast<std::int64_t>(value);
    token.needs_minus = value == edge;
    token.text = digits;
  }

  void hexadecimal(std::size_t begin) {
    at_ += 2;
    const std::size_t digits = at_;
    while (hex_value(peek()) >= 0) ++at_;
    std::uint64_t value = 0;
    if (std::from_chars(text_.data() + digits, text_.data() + at_, value, 16).ec != std::errc{})
      complain(begin, "the number is larger than a long can be");
    add(Token::Kind::long_integer, begin).number = static_cast<std::int64_t>(value);
  }

  void timespan(std::size_t begin, const std::string& digits, const Unit& unit) {
    const double ticks = std::strtod(digits.c_str(), nullptr) * unit.ticks;
    if (std::abs(ticks) > 9.2e18) return complain(begin, "the timespan is longer than a timespan can be");
    add(Token::Kind::timespan, begin).number = static_cast<std::int64_t>(std::llround(ticks));
  }

  void word(std::size_t begin) {
    while (is_name_part(peek())) ++at_;
    const std::string_view name = text_.substr(begin, at_ - begin);
    for (const std::string_view type : typed_literals)
      if (name == type && typed_literal(begin, name)) return;
    if (name == "in" && peek() == '~') {
      ++at_;
      add(Token::Kind::symbol, begin).text = "in~";
      return;
    }
    add(Token::Kind::identifier, begin).text = name;
  }

  // long(-3), datetime(2020-01-01 10:00), guid(…): raw text up to the closing parenthesis.
  bool typed_literal(std::size_t begin, std::string_view name) {
    std::size_t open = at_;
    while (open < text_.size() && (text_[open] == ' ' || text_[open] == '\t')) ++open;
    if (open >= text_.size() || text_[open] != '(') return false;
    const std::size_t close = text_.find(')', open);
    if (close == std::string_view::npos) return false;
    std::string_view inside = text_.substr(open + 1, close - open - 1);
    while (!inside.empty() && (inside.front() == ' ' || inside.front() == '\t')) inside.remove_prefix(1);
    while (!inside.empty() && (inside.back() == ' ' || inside.back() == '\t')) inside.remove_suffix(1);
    at_ = close + 1;
    Token& token = add(Token::Kind::typed_literal, begin);
    token.text = inside;
    token.name = name;
    return true;
  }

  void symbol(std::size_t begin) {
    // !has, !contains_cs, !in, !in~, !between
    if (peek() == '!' && is_letter(peek(1))) {
      ++at_;
      while (is_name_part(peek())) ++at_;
      if (text_.substr(begin, at_ - begin) == "!in" && peek() == '~') ++at_;
      add(Token::Kind::symbol, begin).text = text_.substr(begin, at_ - begin);
      return;
    }
    for (const std::string_view candidate : symbols) {
      if (!text_.substr(at_).starts_with(candidate)) continue;
      at_ += candidate.size();
      add(Token::Kind::symbol, begin).text = candidate;
      return;
    }
    ++at_;
    while (at_ < text_.size() && (static_cast<unsigned char>(text_[at_]) & 0xC0) == 0x80) ++at_;
    complain(begin, fmt::format("the character \"{}\" has no meaning here", text_.substr(begin, at_ - begin)));
  }

  std::string_view text_;
  Diagnostics& diagnostics_;
  std::size_t at_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view text, Diagnostics& diagnostics) { return Lexer(text, diagnostics).run(); }

}  // namespace capstan::kql
