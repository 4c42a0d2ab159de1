// One declaration of an option, bound by pointer to member, gives parsing, defaults, findings with their place, help,
// the reference page and JSON Schema. A default is written once: in the struct.
//
//   struct FileSinkOptions { std::string path; Bytes rotate_bytes = 100_MiB; Compression compression =
//   Compression::none; }; Schema<FileSinkOptions> schema() {
//     Schema<FileSinkOptions> s;
//     s.option("path", &FileSinkOptions::path, "where to write").required().example("/var/log/capstan/alerts.cef");
//     s.option("rotate_bytes", &FileSinkOptions::rotate_bytes, "start a new file at this size").range(1_KiB, 1_TiB);
//     s.choice("compression", &FileSinkOptions::compression, {{"none", Compression::none}, {"gzip",
//     Compression::gzip}}, "…"); s.object("auth", &…::auth, auth_schema(), "…");                     // a nested object
//     s.rule([](const FileSinkOptions& o, const Node& at, Findings& findings) { … });   // what one option alone cannot
//     say return s;
//   }
//
// Types: bool, integers, std::string, Duration, Bytes, Secret (only by ${…} reference: plain_secret otherwise),
// std::optional of those, std::vector<std::string>, config::Raw (the node itself, checked by its reader).
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/time.h"
#include "config/node.h"

namespace capstan::config {

// What the outside may know of one option.
struct OptionDescription {
  std::string name;
  std::string
      type;  // "text", "number", "yes/no", "duration", "size", "secret", "list of text", "one of", "object", "any"
  std::string help;
  std::string default_text;  // as one would write it; empty: none
  std::string example;
  bool is_required = false;
  std::vector<std::string> choices;
  std::string range;                       // "1KiB to 1TiB"; empty: none
  std::vector<OptionDescription> options;  // of an object
};

// A part of the configuration that is kept as it stands, for a reader of its own.
struct Raw {
  Node node;
};

// --- reading one scalar; each gives a finding (wrong_value, "expected a duration such as 30s or 2d, got \"fast\"") and
// false ----------
bool read(const Node& node, std::string_view option, bool& into, Findings& findings);
bool read(const Node& node, std::string_view option, std::int64_t& into, Findings& findings);
bool read(const Node& node, std::string_view option, std::string& into, Findings& findings);
bool read(const Node& node, std::string_view option, Duration& into, Findings& findings);
bool read(const Node& node, std::string_view option, Bytes& into, Findings& findings);
bool read(const Node& node, std::string_view option, Secret& into, Findings& findings);
bool read(const Node& node, std::string_view option, std::vector<std::string>& into, Findings& findings);
bool read(const Node& node, std::string_view option, Raw& into, Findings& findings);
template <class T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, std::int64_t>)
bool read(const Node& node, std::string_view option, T& into, Findings& findings) {
  std::int64_t value = 0;
  if (!read(node, option, value, findings)) return false;
  if (!std::in_range<T>(value)) {
    findings.add(ErrorCode::wrong_value, node.place,
                 std::string(option) + ": expected a number from " + std::to_string(std::numeric_limits<T>::min()) +
                     " to " + std::to_string(std::numeric_limits<T>::max()) + ", got " + node.scalar);
    return false;
  }
  into = static_cast<T>(value);
  return true;
}
template <class T>
bool read(const Node& node, std::string_view option, std::optional<T>& into, Findings& findings) {
  T value{};
  if (!read(node, option, value, findings)) return false;
  into = std::move(value);
  return true;
}

// --- how a default is written, and what a type is called
// ----------------------------------------------------------------------------
inline std::string written(bool v) { return v ? "true" : "false"; }
inline std::string written(const std::string& v) { return v; }
inline std::string written(Duration v) { return ::capstan::to_string(v); }
inline std::string written(Bytes v) { return ::capstan::to_string(v); }
inline std::string written(const Secret&) { return {}; }
inline std::string written(const Raw&) { return {}; }
std::string written(const std::vector<std::string>& v);
template <class T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
std::string written(T v) {
  return std::to_string(v);
}
template <class T>
std::string written(const std::optional<T>& v) {
  return v ? written(*v) : std::string{};
}

template <class T>
struct TypeName {
  static constexpr std::string_view value = "number";
};
template <>
struct TypeName<bool> {
  static constexpr std::string_view value = "yes/no";
};
template <>
struct TypeName<std::string> {
  static constexpr std::string_view value = "text";
};
template <>
struct TypeName<Duration> {
  static constexpr std::string_view value = "duration";
};
template <>
struct TypeName<Bytes> {
  static constexpr std::string_view value = "size";
};
template <>
struct TypeName<Secret> {
  static constexpr std::string_view value = "secret";
};
template <>
struct TypeName<std::vector<std::string>> {
  static constexpr std::string_view value = "list of text";
};
template <>
struct TypeName<Raw> {
  static constexpr std::string_view value = "any";
};
template <class T>
struct TypeName<std::optional<T>> : TypeName<T> {};

// Reports members that no option has (unknown_option, with the nearest name), and a node that is not a map. False when
// it is not a map.
bool check_members(const Node& node, std::string_view owner, const std::vector<OptionDescription>& known,
                   Findings& findings);

template <class C>
class Schema {
public:
  // Refines the option declared last.
  class Refine {
  public:
    explicit Refine(Schema& schema) : schema_(schema) {}
    Refine& required() {
      last().is_required = true;
      return *this;
    }
    Refine& example(std::string text) {
      last().example = std::move(text);
      return *this;
    }
    template <class T>
    Refine& range(T lowest, T highest) {
      last().range = written(lowest) + " to " + written(highest);
      schema_.checks_.back() = [lowest, highest, member = schema_.bound_.back()](const C& c, const Node& at,
                                                                                 Findings& findings) {
        const T& value = *static_cast<const T*>(member(c));
        if (value < lowest || highest < value)
          findings.add(ErrorCode::wrong_value, at.place,
                       "expected " + written(lowest) + " to " + written(highest) + ", got " + written(value));
      };
      return *this;
    }

  private:
    OptionDescription& last() { return schema_.described_.back(); }
    Schema& schema_;
  };

  template <class T>
  Refine option(std::string name, T C::* member, std::string help) {
    OptionDescription d;
    d.name = name;
    d.type = TypeName<T>::value;
    d.help = std::move(help);
    d.default_text = written(C{}.*member);
    add(
        std::move(d), [name, member](C& c, const Node& node, Findings& f) { return read(node, name, c.*member, f); },
        [member](const C& c) -> const void* { return &(c.*member); });
    return Refine(*this);
  }

  template <class E>
  Refine choice(std::string name, E C::* member, std::vector<std::pair<std::string, E>> values, std::string help) {
    OptionDescription d;
    d.name = name;
    d.type = "one of";
    d.help = std::move(help);
    for (const auto& [word, value] : values) {
      d.choices.push_back(word);
      if (value == C{}.*member) d.default_text = word;
    }
    add(
        std::move(d),
        [name, member, values](C& c, const Node& node, Findings& f) {
          std::string expected;
          for (const auto& [word, value] : values) {
            if (node.kind == Node::Kind::scalar && node.scalar == word) {
              c.*member = value;
              return true;
            }
            expected += (expected.empty() ? "" : ", ") + word;
          }
          f.add(ErrorCode::wrong_value, node.place,
                name + ": expected one of " + expected + ", got \"" + node.scalar + "\"");
          return false;
        },
        [member](const C& c) -> const void* { return &(c.*member); });
    return Refine(*this);
  }

  template <class O>
  Refine object(std::string name, O C::* member, Schema<O> schema, std::string help) {
    OptionDescription d;
    d.name = name;
    d.type = "object";
    d.help = std::move(help);
    d.options = schema.options();
    add(
        std::move(d),
        [name, member, schema = std::move(schema)](C& c, const Node& node, Findings& f) {
          c.*member = schema.decode(node, name, f);
          return true;
        },
        [member](const C& c) -> const void* { return &(c.*member); });
    return Refine(*this);
  }

  // Checked after all options were read without a finding.
  Schema& rule(std::function<void(const C&, const Node&, Findings&)> check) {
    rules_.push_back(std::move(check));
    return *this;
  }

  const std::vector<OptionDescription>& options() const { return described_; }

  // Reads `node` (null counts as an empty map). `owner` names it in findings: "sink arcsight". What could not be read
  // keeps its default.
  C decode(const Node& node, std::string_view owner, Findings& findings) const {
    C c{};
    const std::size_t before = findings.all().size();
    if (!check_members(node, owner, described_, findings)) return c;
    for (std::size_t i = 0; i < described_.size(); ++i) {
      const Node* value = node.find(described_[i].name);
      if (value == nullptr || value->kind == Node::Kind::null) {
        if (described_[i].is_required)
          findings.add(ErrorCode::missing_option, node.place,
                       std::string(owner) + " needs the option \"" + described_[i].name + "\"");
        continue;
      }
      if (readers_[i](c, *value, findings) && checks_[i]) checks_[i](c, *value, findings);
    }
    if (findings.all().size() == before)
      for (const auto& rule : rules_) rule(c, node, findings);
    return c;
  }

private:
  using Reader = std::function<bool(C&, const Node&, Findings&)>;
  using Check = std::function<void(const C&, const Node&, Findings&)>;
  using Bound = std::function<const void*(const C&)>;

  void add(OptionDescription d, Reader reader, Bound bound) {
    described_.push_back(std::move(d));
    readers_.push_back(std::move(reader));
    bound_.push_back(std::move(bound));
    checks_.emplace_back();
  }

  std::vector<OptionDescription> described_;
  std::vector<Reader> readers_;
  std::vector<Bound> bound_;
  std::vector<Check> checks_;
  std::vector<Check> rules_;
};

}  // namespace capstan::config
