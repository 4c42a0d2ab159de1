#include "functions.h"

#include <algorithm>
#include <array>

namespace capstan::kql {

namespace {

template <class Visit>
void every_row(Visit visit) {
  for (const auto rows : {number_functions(), text_functions(), time_functions(), dynamic_functions(),
                          digest_functions(), address_functions(), address_search_functions(), array_functions(),
                          time_text_functions(), url_functions(), mdca_functions()})
    for (const FunctionRow& row : rows) visit(row);
}

}  // namespace

const FunctionRow* find_function(std::string_view name) {
  const FunctionRow* found = nullptr;
  every_row([&](const FunctionRow& row) {
    if (row.name == name) found = &row;
  });
  return found;
}

std::vector<std::string_view> function_names() {
  std::vector<std::string_view> names;
  every_row([&](const FunctionRow& row) { names.push_back(row.name); });
  return names;
}

std::string_view refusal_of_function(std::string_view name) {
  struct Refused {
    std::string_view name;
    std::string_view advice;
  };
  constexpr std::string_view aggregate = "counts over many records, and a rule sees one at a time";
  constexpr std::array refused{
      Refused{"indexof_regex", "use extract() or matches regex"},
      Refused{"extract_json", "use parse_json() and a path"},
      Refused{"extractjson", "use parse_json() and a path"},
      Refused{"parse_csv", "use split()"},
      Refused{"parse_path", "use split() or extract()"},
      Refused{"parse_version", "use split()"},
      Refused{"parse_user_agent", "use contains or extract()"},
      Refused{"parse_command_line", "use split()"},
      Refused{"datetime_utc_to_local", "times here are UTC; add a timespan"},
      Refused{"datetime_local_to_utc", "times here are UTC; add a timespan"},
      Refused{"todecimal", "use toreal() or tolong()"},
      Refused{"strrep", "use strcat()"},
      Refused{"strcmp", "use == or case()"},
      Refused{"string_size", "use strlen()"},
      Refused{"url_encode", "which characters it keeps is not documented"},
      Refused{"url_decode", "whether + is a space is not documented; use replace_string() for what you expect"},
      Refused{"hash", "use hash_xxhash64() or hash_sha256()"},
      Refused{"new_guid", "a rule gives the same answer for the same record; use _Id"},
      Refused{"ingestion_time", "use _IngestTime"},
      Refused{"dynamic_to_json", "use tostring()"},
      Refused{"tohex", "there is nothing that does it here"},
      Refused{"isascii", "use matches regex @'^[\\x00-\\x7F]*$'"},
      Refused{"isutf8", "text here always is"},
      Refused{"jaccard_index", "use set_intersect() and set_union()"},
      Refused{"bag_set_key", "use bag_merge(pack(key, value), bag)"},
      Refused{"bag_zip", "use pack()"},
      Refused{"count", aggregate},
      Refused{"countif", aggregate},
      Refused{"dcount", aggregate},
      Refused{"sum", aggregate},
      Refused{"avg", aggregate},
      Refused{"min", aggregate},
      Refused{"max", aggregate},
      Refused{"make_list", aggregate},
      Refused{"make_set", aggregate},
      Refused{"arg_max", aggregate},
      Refused{"arg_min", aggregate},
      Refused{"prev", aggregate},
      Refused{"next", aggregate},
      Refused{"row_number", aggregate},
      Refused{"toscalar", "a rule has one table, of one record"},
      Refused{"materialize", "a rule has one table, of one record"},
  };
  const auto found = std::ranges::find(refused, name, &Refused::name);
  return found == refused.end() ? std::string_view{} : found->advice;
}

}  // namespace capstan::kql
