// A strict reader of the Prometheus text format 0.0.4, for tests only; it shares no code with what writes it. It
// refuses what promtool would lint too: samples without HELP and TYPE before them, families in two places, repeated
// series, counters without _total, units that are not base units.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace capstan::api {

struct Exposition {
  std::map<std::string, double> samples;  // "name{a=\"b\"}" → value
  std::map<std::string, std::string> types;
  std::vector<std::string> mistakes;

  double at(const std::string& series) const {
    const auto found = samples.find(series);
    return found == samples.end() ? std::nan("") : found->second;
  }
};

class ExpositionReader {
public:
  Exposition read(const std::string& text) {
    if (text.empty() || text.back() != '\n') mistake("it does not end with a line end");
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("# HELP "))
        help(line.substr(7));
      else if (line.starts_with("# TYPE "))
        type(line.substr(7));
      else if (!line.empty())
        sample(line);
    }
    return std::move(out_);
  }

private:
  void mistake(const std::string& what) { out_.mistakes.push_back(what); }

  void help(const std::string& rest) {
    const std::string name = rest.substr(0, rest.find(' '));
    if (!helped_.insert(name).second) mistake("HELP twice: " + name);
    if (rest.size() < name.size() + 10 || !rest.ends_with('.')) mistake("HELP is no sentence: " + rest);
    family_ = name;
  }

  void type(const std::string& rest) {
    const std::string name = rest.substr(0, rest.find(' '));
    const std::string kind = rest.substr(name.size() + 1);
    if (name != family_) mistake("TYPE does not follow its HELP: " + name);
    if (!out_.types.emplace(name, kind).second) mistake("TYPE twice: " + name);
    if (kind != "counter" && kind != "gauge") mistake("unexpected type: " + rest);
    if ((kind == "counter") != name.ends_with("_total"))
      mistake("a counter ends with _total and a gauge does not: " + name);
    static const std::regex unit("(_ms|_milliseconds|_minutes|_hours|_kb|_mb|_kilobytes)(_total)?$");
    if (std::regex_search(name, unit)) mistake("not a base unit: " + name);
    if (!name.starts_with("capstan_")) mistake("not of this program: " + name);
  }

  void sample(const std::string& line) {
    static const std::regex form(
        R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*",?)*)\})? (-?[0-9.eE+-]+|NaN|[+-]Inf))re");
    std::smatch parts;
    if (!std::regex_match(line, parts, form)) return mistake("no sample: " + line);
    const std::string name = parts[1];
    if (name != family_ || !out_.types.contains(name)) mistake("a sample outside of its family: " + line);
    check_labels(parts[3], line);
    const double value = std::strtod(parts[4].str().c_str(), nullptr);
    if (out_.types[name] == "counter" && value < 0) mistake("a counter below zero: " + line);
    if (!out_.samples.emplace(line.substr(0, line.rfind(' ')), value).second) mistake("the series twice: " + line);
  }

  void check_labels(const std::string& labels, const std::string& line) {
    static const std::regex one(R"re(([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)")re");
    std::set<std::string> names;
    for (std::sregex_iterator at(labels.begin(), labels.end(), one), end; at != end; ++at) {
      if (!names.insert((*at)[1]).second) mistake("a label twice: " + line);
      if ((*at)[1].str().starts_with("__")) mistake("a reserved label: " + line);
    }
  }

  Exposition out_;
  std::set<std::string> helped_;
  std::string family_;
};

}  // namespace capstan::api
