// The table of scalar functions: names, what they take and give, and how. One row a function.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "node.h"

namespace capstan::kql {

// What a parameter takes: the argument is converted before the call, or refused.
//   s  string (or dynamic)     S  any scalar, as tostring() writes it     x  the same, dynamic refused
//   l  long or int             r  any number, as real            b  bool
//   d  datetime                t  timespan                       y  dynamic
//   h  string or datetime as it is
//   u  any number as it is
//   n  int, long, real, timespan or datetime as it is            a  anything as it is
// Behind a letter: ! the argument has to be constant; ? it may be missing; * it may come any number of times (at least
// once).
//
// What it gives: a type's letter (s l r b d t y; i int; g guid), or 1, 2: the type of that argument; w: the widest of
// all arguments.
enum class Tier : std::uint8_t {
  portable,   // in the documented list for transformations
  accepted,   // not in the list, accepted there all the same (iff, not, replace_string)
  extension,  // ours; check says "not portable to a DCR"
};

// How an unnamed result is called.
enum class NameKind : std::uint8_t {
  none,      // Column1, print_0
  argument,  // the first argument's name
  prefixed,  // <function>_<first argument>
};

using Arguments = std::span<const Datum>;

struct FunctionRow {
  std::string_view name;
  std::string_view parameters;
  std::string_view result;
  Tier tier;
  NameKind name_kind;
  Datum (*call)(Frame& frame, Arguments arguments);
};

std::span<const FunctionRow> number_functions();
std::span<const FunctionRow> text_functions();
std::span<const FunctionRow> time_functions();
std::span<const FunctionRow> dynamic_functions();
std::span<const FunctionRow> digest_functions();
std::span<const FunctionRow> address_functions();
std::span<const FunctionRow> mdca_functions();
std::span<const FunctionRow> address_search_functions();
std::span<const FunctionRow> array_functions();
std::span<const FunctionRow> time_text_functions();
std::span<const FunctionRow> url_functions();
const FunctionRow* find_function(std::string_view name);
std::vector<std::string_view> function_names();

// A function that KQL has and we refuse: why, or what does the same here. Empty for names that KQL does not have
// either.
std::string_view refusal_of_function(std::string_view name);

}  // namespace capstan::kql
