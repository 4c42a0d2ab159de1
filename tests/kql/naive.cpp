#include "naive.h"

#include <algorithm>
#include <cstdio>
#include <limits>

namespace capstan::kql::naive {

namespace {

constexpr std::int64_t hour = 36'000'000'000;
constexpr std::int64_t day = 24 * hour;

Value of(std::optional<bool> b) {
  Value v;
  v.type = Type::boolean;
  v.boolean = b;
  return v;
}
Value of_number(std::optional<std::int64_t> n, Type type = Type::number) {
  Value v;
  v.type = type;
  v.number = n;
  return v;
}
Value of_text(std::string s) {
  Value v;
  v.type = Type::text;
  v.text = std::move(s);
  return v;
}

// --- text as code points; the alphabet of the generator is ASCII and é É
std::u32string wide(const std::string& s) {
  std::u32string out;
  for (std::size_t i = 0; i < s.size();) {
    const auto c = static_cast<unsigned char>(s[i]);
    if (c == 0xC3 && i + 1 < s.size()) {
      out += static_cast<char32_t>(0xC0 + (static_cast<unsigned char>(s[i + 1]) & 0x3F));
      i += 2;
    } else {
      out += static_cast<char32_t>(c);
      ++i;
    }
  }
  return out;
}
std::string narrow(const std::u32string& s) {
  std::string out;
  for (const char32_t c : s) {
    if (c < 0x80) {
      out += static_cast<char>(c);
    } else {
      out += '\xC3';
      out += static_cast<char>(0x80 + (c - 0xC0));
    }
  }
  return out;
}
char32_t lower(char32_t c) {
  if (c >= U'A' && c <= U'Z') return c + 32;
  return c == U'É' ? U'é' : c;
}
char32_t upper(char32_t c) {
  if (c >= U'a' && c <= U'z') return c - 32;
  return c == U'é' ? U'É' : c;
}
std::u32string mapped(std::u32string s, char32_t (*f)(char32_t)) {
  std::ranges::transform(s, s.begin(), f);
  return s;
}
bool is_alphanumeric(char32_t c) {
  return (c >= U'0' && c <= U'9') || (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z') || c == U'é' || c == U'É';
}

bool has(const std::u32string& s, const std::u32string& n) {
  if (n.empty()) return true;
  for (std::size_t i = 0; i + n.size() <= s.size(); ++i) {
    if (s.substr(i, n.size()) != n) continue;
    const bool front = !is_alphanumeric(n.front()) || i == 0 || !is_alphanumeric(s[i - 1]);
    const bool back = !is_alphanumeric(n.back()) || i + n.size() == s.size() || !is_alphanumeric(s[i + n.size()]);
    if (front && back) return true;
  }
  return false;
}

bool search(std::string word, const std::string& text, const std::string& needle) {
  const bool is_negated = word.front() == '!';
  if (is_negated) word.erase(0, 1);
  std::u32string s = wide(text);
  std::u32string n = wide(needle);
  if (word.ends_with("_cs")) {
    word.resize(word.size() - 3);
  } else {
    s = mapped(s, lower);
    n = mapped(n, lower);
  }
  bool found = false;
  if (word == "has") found = has(s, n);
  if (word == "contains") found = s.find(n) != std::u32string::npos;
  if (word == "startswith") found = s.starts_with(n);
  if (word == "endswith") found = s.ends_with(n);
  if (word == "=~" || word == "~") found = s == n;
  return found != is_negated;
}

__extension__ using Wide = __int128;
// 128 bits hold every sum and product; the low 64 are the result.
std::int64_t low(Wide wide_value) { return static_cast<std::int64_t>(static_cast<std::uint64_t>(wide_value)); }

std::optional<std::int64_t> arithmetic(char op, std::optional<std::int64_t> a, std::optional<std::int64_t> b) {
  if (!a || !b) return std::nullopt;
  const Wide x = *a;
  const Wide y = *b;
  if (op == '+') return low(x + y);
  if (op == '-') return low(x - y);
  if (op == '*') return low(x * y);
  if (y == 0) return std::nullopt;
  if (op == '/') return low(x / y);
  const Wide size = y < 0 ? -y : y;
  return low(((x % size) + size) % size);
}

std::optional<bool> equal(const Value& a, const Value& b) {
  if (a.type == Type::text) return a.text == b.text;
  if (a.type == Type::boolean) {
    if (!a.boolean && !b.boolean) return std::nullopt;
    return a.boolean == b.boolean;
  }
  if (!a.number && !b.number) return std::nullopt;
  return a.number == b.number;
}

Value compare(const std::string& op, const Value& a, const Value& b) {
  if (op == "==" || op == "!=") {
    const auto same = equal(a, b);
    return of(same ? std::optional<bool>(*same == (op == "==")) : std::nullopt);
  }
  if (!a.number || !b.number) return of(std::optional<bool>{});
  if (op == "<") return of(*a.number < *b.number);
  if (op == "<=") return of(*a.number <= *b.number);
  if (op == ">") return of(*a.number > *b.number);
  return of(*a.number >= *b.number);
}

bool is_null(const Value& v) {
  if (v.type == Type::text) return false;
  return v.type == Type::boolean ? !v.boolean : !v.number;
}

std::string moment_text(std::int64_t ticks) {
  // Days to a date, by counting years and months.
  std::int64_t days = ticks / day;
  const std::int64_t time = ticks % day;
  int year = 1;
  const auto leap = [](int y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; };
  while (days >= (leap(year) ? 366 : 365)) days -= leap(year++) ? 366 : 365;
  int month = 1;
  const auto length = [&](int m) {
    return m == 2 ? (leap(year) ? 29 : 28) : m == 4 || m == 6 || m == 9 || m == 11 ? 30 : 31;
  };
  while (days >= length(month)) days -= length(month++);
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%04d-%02d-%02dT%02d:%02d:%02d.%07dZ", year, month, static_cast<int>(days) + 1,
                static_cast<int>(time / hour), static_cast<int>(time / 600'000'000 % 60),
                static_cast<int>(time / 10'000'000 % 60), static_cast<int>(time % 10'000'000));
  return buffer;
}

std::string tostring(const Value& v) {
  if (v.type == Type::text) return v.text;
  if (is_null(v)) return {};
  if (v.type == Type::boolean) return *v.boolean ? "True" : "False";
  return v.type == Type::moment ? moment_text(*v.number) : std::to_string(*v.number);
}

Value call(const Tree& tree, const std::vector<Value>& a) {
  const std::string& f = tree.word;
  if (f == "not") return of(a[0].boolean ? std::optional<bool>(!*a[0].boolean) : std::nullopt);
  if (f == "iff") return a[0].boolean.value_or(false) ? a[1] : a[2];
  if (f == "isnull") return of(is_null(a[0]));
  if (f == "isempty") return of(is_null(a[0]) || (a[0].type == Type::text && a[0].text.empty()));
  if (f == "coalesce") {
    for (const Value& v : a)
      if (!is_null(v) && !(v.type == Type::text && v.text.empty())) return v;
    return a.back();
  }
  if (f == "strlen") return of_number(static_cast<std::int64_t>(wide(a[0].text).size()));
  if (f == "strcat") return of_text(tostring(a[0]) + tostring(a[1]));
  if (f == "tostring") return of_text(tostring(a[0]));
  if (f == "tolower") return of_text(narrow(mapped(wide(a[0].text), lower)));
  if (f == "toupper") return of_text(narrow(mapped(wide(a[0].text), upper)));
  if (f == "substring") {
    const std::u32string s = wide(a[0].text);
    const auto size = static_cast<std::int64_t>(s.size());
    const std::int64_t from = *a[1].number < 0 ? *a[1].number + size : *a[1].number;
    if (from < 0 || from >= size || *a[2].number <= 0) return of_text({});
    return of_text(narrow(s.substr(static_cast<std::size_t>(from), static_cast<std::size_t>(*a[2].number))));
  }
  if (f == "replace_string") {
    std::string out;
    for (std::size_t i = 0; i < a[0].text.size();) {
      if (a[0].text.compare(i, a[1].text.size(), a[1].text) == 0) {
        out += a[2].text;
        i += a[1].text.size();
      } else {
        out += a[0].text[i++];
      }
    }
    return of_text(out);
  }
  if (f == "indexof") {
    const std::size_t found = wide(a[0].text).find(wide(a[1].text));
    return of_number(found == std::u32string::npos ? -1 : static_cast<std::int64_t>(found));
  }
  if (f == "countof") {
    std::int64_t count = 0;
    for (std::size_t i = 0; !a[1].text.empty() && i < a[0].text.size(); ++i)
      count += a[0].text.compare(i, a[1].text.size(), a[1].text) == 0 ? 1 : 0;
    return of_number(count);
  }
  if (f == "max_of" || f == "min_of") {
    std::optional<std::int64_t> best;
    for (const Value& v : a)
      if (v.number) best = !best ? *v.number : f == "max_of" ? std::max(*best, *v.number) : std::min(*best, *v.number);
    return of_number(best);
  }
  if (f == "binary_and")
    return of_number(a[0].number && a[1].number ? std::optional(*a[0].number & *a[1].number) : std::nullopt);
  if (f == "startofday")
    return of_number(a[0].number ? std::optional(*a[0].number / day * day) : std::nullopt, Type::moment);
  if (f == "hourofday") return of_number(a[0].number ? std::optional(*a[0].number / hour % 24) : std::nullopt);
  return of_number(std::nullopt);
}

Value infix(const Tree& tree, const std::vector<Value>& a) {
  const std::string& op = tree.word;
  if (op == "and" || op == "or") {
    const bool decisive = op == "or";
    if (a[0].boolean == decisive || a[1].boolean == decisive) return of(decisive);
    return of(a[0].boolean && a[1].boolean ? std::optional<bool>(!decisive) : std::nullopt);
  }
  if (op.size() == 1 && std::string("+-*/%").find(op) != std::string::npos)
    return of_number(arithmetic(op[0], a[0].number, a[1].number));
  if (op == "==" || op == "!=" || op == "<" || op == "<=" || op == ">" || op == ">=") return compare(op, a[0], a[1]);
  if (op == "in" || op == "!in") {
    const bool is_negated = op == "!in";
    bool found = false;
    for (std::size_t i = 1; i < a.size(); ++i) found = found || equal(a[0], a[i]).value_or(false);
    return of(found != is_negated);
  }
  return of(search(op, a[0].text, a[1].text));
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return out + "'";
}

}  // namespace

std::string to_kql(const Tree& tree) {
  switch (tree.kind) {
    case Tree::Kind::literal:
      if (tree.type == Type::text) return quoted(tree.value.text);
      if (tree.type == Type::boolean) return *tree.value.boolean ? "true" : "false";
      return tree.value.number ? std::to_string(*tree.value.number) : "long(null)";
    case Tree::Kind::column:
      return tree.word;
    case Tree::Kind::infix:
      return "(" + to_kql(*tree.items[0]) + " " + tree.word + " " + to_kql(*tree.items[1]) + ")";
    case Tree::Kind::list: {
      std::string list;
      for (std::size_t i = 1; i < tree.items.size(); ++i) list += (i > 1 ? ", " : "") + to_kql(*tree.items[i]);
      return "(" + to_kql(*tree.items[0]) + " " + tree.word + " (" + list + "))";
    }
    case Tree::Kind::call: {
      std::string list;
      for (const TreePtr& item : tree.items) list += (list.empty() ? "" : ", ") + to_kql(*item);
      return tree.word + "(" + list + ")";
    }
  }
  return {};
}

Value evaluate(const Tree& tree, const Row& row) {
  if (tree.kind == Tree::Kind::literal) return tree.value;
  if (tree.kind == Tree::Kind::column) return row.at(tree.word);
  std::vector<Value> items;
  for (const TreePtr& item : tree.items) items.push_back(evaluate(*item, row));
  Value value = tree.kind == Tree::Kind::call ? call(tree, items) : infix(tree, items);
  value.type = tree.type;
  return value;
}

std::string to_json(const Value& value) {
  if (is_null(value)) return "null";
  if (value.type == Type::boolean) return *value.boolean ? "true" : "false";
  if (value.type == Type::number) return std::to_string(*value.number);
  const std::string text = tostring(value);
  std::string out = "\"";
  for (const char c : text) out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return out + "\"";
}

std::string Generator::text() {
  static const std::vector<std::string> pieces{"a", "B", "ab", "error", "é", "É",  "_",
                                               "-", " ", "1",  "x.y",   "'", "\\", "%"};
  std::string out;
  for (std::size_t i = below(4); i > 0; --i) out += pieces[below(pieces.size())];
  return out;
}

std::int64_t Generator::number() {
  switch (below(8)) {
    case 0:
      return std::numeric_limits<std::int64_t>::max();
    case 1:
      return -static_cast<std::int64_t>(below(1000));
    case 2:
      return static_cast<std::int64_t>(random_());
    default:
      return static_cast<std::int64_t>(below(6));
  }
}

Type Generator::type() { return static_cast<Type>(below(4)); }

TreePtr Generator::call(Type type, std::string word, std::vector<TreePtr> items) const {
  return std::make_shared<Tree>(Tree{Tree::Kind::call, type, std::move(word), {}, std::move(items)});
}
TreePtr Generator::infix(Type type, std::string word, TreePtr left, TreePtr right) const {
  return std::make_shared<Tree>(
      Tree{Tree::Kind::infix, type, std::move(word), {}, {std::move(left), std::move(right)}});
}
TreePtr Generator::constant(std::int64_t value) const {
  return std::make_shared<Tree>(Tree{Tree::Kind::literal, Type::number, {}, of_number(value), {}});
}
TreePtr Generator::constant(std::string value) const {
  return std::make_shared<Tree>(Tree{Tree::Kind::literal, Type::text, {}, of_text(std::move(value)), {}});
}

TreePtr Generator::leaf(Type type, const std::map<std::string, Type>& columns) {
  std::vector<std::string> fitting;
  for (const auto& [name, column_type] : columns)
    if (column_type == type) fitting.push_back(name);
  if (!fitting.empty() && (type == Type::moment || below(3) > 0))
    return std::make_shared<Tree>(Tree{Tree::Kind::column, type, fitting[below(fitting.size())], {}, {}});
  if (type == Type::text) return constant(text());
  if (type == Type::number)
    return below(8) == 0 ? std::make_shared<Tree>(Tree{Tree::Kind::literal, type, {}, of_number({}), {}})
                         : constant(number());
  return std::make_shared<Tree>(Tree{Tree::Kind::literal, Type::boolean, {}, of(below(2) == 0), {}});
}

TreePtr Generator::expression(Type type, const std::map<std::string, Type>& columns, int depth) {
  const auto sub = [&](Type wanted) { return expression(wanted, columns, depth - 1); };
  const auto one_of = [&](std::vector<std::string> words) { return words[below(words.size())]; };
  if (depth <= 0 || below(6) == 0) return leaf(type, columns);
  if (below(6) == 0) return call(type, "iff", {sub(Type::boolean), sub(type), sub(type)});
  if (below(10) == 0) return call(type, "coalesce", {sub(type), sub(type)});
  switch (type) {
    case Type::number:
      switch (below(8)) {
        case 0:
          return call(type, "strlen", {sub(Type::text)});
        case 1:
          return call(type, "indexof", {sub(Type::text), constant(text() + "a")});
        case 2:
          return call(type, "countof", {sub(Type::text), constant(text())});
        case 3:
          return call(type, one_of({"max_of", "min_of", "binary_and"}), {sub(type), sub(type)});
        case 4:
          return call(type, "hourofday", {sub(Type::moment)});
        default:
          return infix(type, one_of({"+", "-", "*", "/", "%"}), sub(type), sub(type));
      }
    case Type::text:
      switch (below(5)) {
        case 0:
          return call(type, "strcat", {sub(Type::text), sub(this->type())});
        case 1:
          return call(type, one_of({"tolower", "toupper"}), {sub(type)});
        case 2:
          return call(type, "substring",
                      {sub(type), constant(static_cast<std::int64_t>(below(9)) - 4),
                       constant(static_cast<std::int64_t>(below(5)))});
        case 3:
          return call(type, "replace_string", {sub(type), constant(one_of({"a", "rr", "-", "é"})), constant(text())});
        default:
          return call(type, "tostring", {sub(this->type())});
      }
    case Type::moment:
      return call(type, "startofday", {sub(type)});
    case Type::boolean:
      break;
  }
  switch (below(6)) {
    case 0:
      return infix(type, one_of({"and", "or"}), sub(type), sub(type));
    case 1:
      return call(type, "not", {sub(type)});
    case 2: {
      const Type compared = below(4) == 0 ? Type::moment : Type::number;
      return infix(type, one_of({"==", "!=", "<", "<=", ">", ">="}), sub(compared), sub(compared));
    }
    case 3: {
      const Type listed = below(2) == 0 ? Type::number : Type::text;
      auto list = std::make_shared<Tree>(Tree{Tree::Kind::list, type, one_of({"in", "!in"}), {}, {sub(listed)}});
      for (std::size_t i = below(3) + 1; i > 0; --i)
        list->items.push_back(listed == Type::number ? constant(static_cast<std::int64_t>(below(6)))
                                                     : constant(text()));
      return list;
    }
    case 4:
      return call(type, one_of({"isnull", "isempty"}), {sub(this->type())});
    default:
      return infix(type,
                   one_of({"==", "!=", "=~", "!~", "has", "!has", "has_cs", "contains", "!contains", "contains_cs",
                           "startswith", "!startswith", "startswith_cs", "endswith", "!endswith_cs"}),
                   sub(Type::text), sub(Type::text));
  }
}

}  // namespace capstan::kql::naive
