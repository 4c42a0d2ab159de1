#include "pattern.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <array>

namespace capstan::kql {

namespace {

constexpr int groups_max = 100;

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

struct Pattern::Impl {
  explicit Impl(const std::string& source, const re2::RE2::Options& options) : regex(source, options) {}
  re2::RE2 regex;
};

Pattern::Pattern(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pattern::~Pattern() = default;

std::optional<std::string> Pattern::rewrite(std::string_view source, std::string& refusal) {
  std::string out;
  bool is_in_class = false;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const char c = source[i];
    const std::string_view rest = source.substr(i);
    if (c == '\\' && i + 1 < source.size()) {
      const char next = source[i + 1];
      if (next == '<' || next == '>' || rest.starts_with("\\b{")) {
        refusal = fmt::format("the word border \"{}\" is not supported; use \\b", rest.substr(0, next == 'b' ? 3 : 2));
        return std::nullopt;
      }
      if (next >= '1' && next <= '9') {
        refusal = "back-references are not part of KQL's regular expressions";
        return std::nullopt;
      }
      // Unicode classes, as in KQL; RE2's own are ASCII.
      constexpr std::array<std::pair<char, std::string_view>, 6> classes{
          {{'d', "\\p{Nd}"},
           {'D', "\\P{Nd}"},
           {'w', "\\p{L}\\p{M}\\p{Nd}\\p{Pc}"},
           {'s',
            "\\t\\n\\v\\f\\r \\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}"},
           {'W', ""},
           {'S', ""}}};
      bool is_class = false;
      for (const auto& [letter, meaning] : classes) {
        if (next != letter) continue;
        is_class = true;
        if (!meaning.empty()) {
          out += is_in_class || next == 'd' || next == 'D' ? std::string(meaning) : fmt::format("[{}]", meaning);
        } else if (is_in_class) {
          out += fmt::format("\\{}", next);
        } else {
          out += fmt::format("[^{}]", next == 'W' ? classes[2].second : classes[3].second);
        }
      }
      if (!is_class && rest.starts_with("\\u{")) {
        out += "\\x{";
        ++i;
      } else if (!is_class) {
        out += rest.substr(0, 2);
      }
      ++i;
      continue;
    }
    if (is_in_class && (rest.starts_with("&&") || rest.starts_with("--") || rest.starts_with("~~"))) {
      refusal = fmt::format("the class operator \"{}\" is not supported; write the class out", rest.substr(0, 2));
      return std::nullopt;
    }
    if (!is_in_class &&
        (rest.starts_with("(?=") || rest.starts_with("(?!") || rest.starts_with("(?<=") || rest.starts_with("(?<!"))) {
      refusal = "look-around is not part of KQL's regular expressions";
      return std::nullopt;
    }
    if (!is_in_class && rest.starts_with("(?<")) {
      out += "(?P<";
      i += 2;
      continue;
    }
    if (c == '[') is_in_class = true;
    if (c == ']') is_in_class = false;
    out += c;
  }
  return out;
}

Pattern::Made Pattern::make(std::string_view source, Flags flags) {
  std::string refusal;
  const auto rewritten = rewrite(source, refusal);
  if (!rewritten) return {nullptr, refusal};
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(64 << 20);
  std::string prefix;
  if (flags.ignores_case) prefix += 'i';
  if (flags.dot_matches_newline) prefix += 's';
  if (flags.multi_line) prefix += 'm';
  if (flags.swaps_greed) prefix += 'U';
  auto impl =
      std::make_unique<Impl>(prefix.empty() ? *rewritten : fmt::format("(?{}:{})", prefix, *rewritten), options);
  if (!impl->regex.ok()) return {nullptr, fmt::format("the regular expression has a mistake: {}", impl->regex.error())};
  if (impl->regex.NumberOfCapturingGroups() > groups_max)
    return {nullptr, fmt::format("the regular expression has more than {} groups", groups_max)};
  return {std::shared_ptr<const Pattern>(new Pattern(std::move(impl))), {}};
}
Pattern::Made Pattern::make(std::string_view source) { return make(source, Flags{}); }

std::size_t Pattern::groups() const { return static_cast<std::size_t>(impl_->regex.NumberOfCapturingGroups()); }

std::optional<std::size_t> Pattern::group_of(std::string_view name) const {
  const auto& names = impl_->regex.NamedCapturingGroups();
  const auto found = names.find(std::string(name));
  return found == names.end() ? std::nullopt : std::optional<std::size_t>(static_cast<std::size_t>(found->second));
}

bool Pattern::is_found_in(std::string_view text) const { return re2::RE2::PartialMatch(piece(text), impl_->regex); }

bool Pattern::find(std::string_view text, std::size_t start, std::vector<std::string_view>& groups_found) const {
  std::array<re2::StringPiece, groups_max + 1> pieces;
  const std::size_t count = groups() + 1;
  if (!impl_->regex.Match(piece(text), start, text.size(), re2::RE2::UNANCHORED, pieces.data(),
                          static_cast<int>(count)))
    return false;
  groups_found.clear();
  for (std::size_t i = 0; i < count; ++i) groups_found.emplace_back(pieces[i].data(), pieces[i].size());
  return true;
}

std::string Pattern::replace_all(std::string_view text, std::string_view rewrite_text) const {
  std::string out;
  std::vector<std::string_view> found;
  std::size_t at = 0;
  while (at <= text.size() && find(text, at, found)) {
    const auto begin = static_cast<std::size_t>(found[0].data() - text.data());
    out += text.substr(at, begin - at);
    for (std::size_t i = 0; i < rewrite_text.size(); ++i) {
      const bool is_mark = (rewrite_text[i] == '\\' || rewrite_text[i] == '$') && i + 1 < rewrite_text.size();
      const char next = is_mark ? rewrite_text[i + 1] : '\0';
      if (is_mark && next >= '0' && next <= '9') {
        const auto group = static_cast<std::size_t>(next - '0');
        if (group < found.size()) out += found[group];
        ++i;
      } else if (is_mark && rewrite_text[i] == '\\' && next == '\\') {
        out += '\\';
        ++i;
      } else {
        out += rewrite_text[i];
      }
    }
    at = begin + found[0].size();
    if (found[0].empty()) {
      if (at < text.size()) out += text[at];
      ++at;
    }
  }
  if (at < text.size()) out += text.substr(at);
  return out;
}

}  // namespace capstan::kql
