// Runs vectors/kql.json of the shared material when it is there and prints, per origin, how many passed, were refused
// by name, or were wrong. Wrong must be 0 for what Microsoft's engine answered to queries of the subset.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

#include "kql/program.h"
#include "kql/record_run.h"
#include "kql/schemas.h"

namespace capstan::kql {
namespace {

namespace json = boost::json;

std::string shared_file(const std::string& name) {
  const char* chosen = std::getenv("CAPSTAN_SHARED");
  std::ifstream in(std::string(chosen != nullptr ? chosen : CAPSTAN_SHARED_DEFAULT) + "/" + name);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::optional<double> as_number(const json::value& v) {
  if (v.is_int64()) return static_cast<double>(v.as_int64());
  if (v.is_uint64()) return static_cast<double>(v.as_uint64());
  if (v.is_double()) return v.as_double();
  return std::nullopt;
}

bool is_same(const json::value& got, const json::value& wanted) {
  const auto a = as_number(got);
  const auto b = as_number(wanted);
  if (a && b) return *a == *b || std::abs(*a - *b) <= 1e-9 * std::max(std::abs(*a), std::abs(*b));
  if (got.is_array() && wanted.is_array()) {
    if (got.as_array().size() != wanted.as_array().size()) return false;
    for (std::size_t i = 0; i < got.as_array().size(); ++i)
      if (!is_same(got.as_array()[i], wanted.as_array()[i])) return false;
    return true;
  }
  if (got.is_object() && wanted.is_object()) {
    if (got.as_object().size() != wanted.as_object().size()) return false;
    for (const auto& member : wanted.as_object()) {
      const auto* other = got.as_object().if_contains(member.key());
      if (other == nullptr || !is_same(*other, member.value())) return false;
    }
    return true;
  }
  return got == wanted;
}

json::value row_of(const std::vector<Column>& columns, std::span<const Datum> values) {
  json::object row;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::string text;
    append_json(values[i], text);
    row[columns[i].name] = json::parse(text);
  }
  return row;
}

struct Outcome {
  enum class Kind { passed, refused, wrong } kind = Kind::passed;
  std::string remark;
};

// The same program over the raw records has to say the same.
std::string raw_difference(const json::object& per_record, const std::shared_ptr<const Program>& program,
                           const json::array& rows) {
  RecordRun runner(program);
  runner.set_now(from_epoch_ms(1'800'000'000'000));
  json::array raw_rows;
  for (const auto& item : per_record.at("input").as_array()) {
    std::string raw = json::serialize(item);
    raw.reserve(raw.size() + raw_padding);
    RecordView record;
    record.raw = raw;
    const auto made = runner.rows(record, {});
    if (!made) return made.error().text();
    for (const std::string_view row : *made) raw_rows.push_back(json::parse(row));
  }
  return is_same(raw_rows, rows) ? std::string{} : json::serialize(raw_rows) + " / " + json::serialize(rows);
}

Outcome run(const json::object& per_record) {
  Schema schema;
  for (const auto& member : per_record.at("schema").as_object())
    schema.columns.push_back({std::string(member.key()),
                              parse_type(std::string_view(member.value().as_string())).value_or(Type::dynamic),
                              false,
                              {}});
  const std::string query(per_record.at("query").as_string());
  const Compiled compiled = compile(query, schema);
  if (!compiled.program) return {Outcome::Kind::refused, render(compiled.diagnostics.all().front(), "query", query)};
  json::array rows;
  Run runner(compiled.program);
  runner.set_now(ticks_of_1970 + 1'800'000'000LL * ticks_per_second);
  for (const auto& record : per_record.at("input").as_array()) {
    std::vector<std::string> texts;
    for (const Input& input : compiled.program->inputs()) {
      const json::value* at = record.as_object().if_contains(input.column);
      for (const std::string& member : input.members)
        at = at != nullptr && at->is_object() ? at->as_object().if_contains(member) : nullptr;
      texts.push_back(at == nullptr ? std::string{} : json::serialize(*at));
    }
    runner.apply([&](std::size_t i) { return std::string_view(texts[i]); },
                 [&](std::span<const Datum> values) { rows.push_back(row_of(compiled.program->output(), values)); });
  }
  if (const std::string difference = raw_difference(per_record, compiled.program, rows); !difference.empty())
    return {Outcome::Kind::wrong, query + "\n    over raw records: " + difference};
  if (is_same(rows, per_record.at("expected"))) return {};
  return {Outcome::Kind::wrong, query + "\n    wanted " + json::serialize(per_record.at("expected")) + "\n    got    " +
                                    json::serialize(rows)};
}

TEST(Vectors, AgreeWithKusto) {
  const std::string text = shared_file("vectors/kql.json");
  if (text.empty()) {
    std::cout << "0 vectors: the shared material is not here\n";
    return;
  }
  struct Count {
    int passed = 0;
    int refused = 0;
    int wrong = 0;
  };
  std::map<std::string, Count> counts;
  int wrong_in_subset = 0;
  const bool is_verbose = std::getenv("CAPSTAN_VERBOSE") != nullptr;
  const json::value document = json::parse(text);
  for (const auto& item : document.at("vectors").as_array()) {
    const auto& vector = item.as_object();
    if (!vector.contains("per_record") || vector.at("per_record").is_null()) continue;
    const bool is_inside = vector.at("in_dcr").as_bool() || vector.at("needs_mv_expand").as_bool();
    if (vector.contains("deterministic") && !vector.at("deterministic").as_bool()) continue;
    const bool is_contested =
        vector.contains("contested") && (!vector.at("contested").is_bool() || vector.at("contested").as_bool());
    const std::string origin = std::string(vector.at("expected_from").as_string()) +
                               (is_inside ? ", in subset" : ", outside") + (is_contested ? ", contested" : "");
    const Outcome outcome = run(vector.at("per_record").as_object());
    Count& count = counts[origin];
    const std::string id(vector.at("id").as_string());
    if (outcome.kind == Outcome::Kind::passed) {
      ++count.passed;
    } else if (outcome.kind == Outcome::Kind::refused) {
      ++count.refused;
      if (is_verbose && is_inside) std::cout << "refused " << id << ": " << outcome.remark << "\n";
    } else {
      ++count.wrong;
      const bool is_engine = std::string_view(vector.at("expected_from").as_string()).starts_with("kusto-emulator");
      if (is_inside && is_engine && !is_contested) ++wrong_in_subset;
      if (is_verbose) std::cout << "wrong " << id << " (" << origin << "): " << outcome.remark << "\n";
    }
  }
  for (const auto& [origin, count] : counts)
    std::cout << origin << ": " << count.passed << " passed, " << count.refused << " refused by name, " << count.wrong
              << " wrong\n";
  EXPECT_EQ(wrong_in_subset, 0);
  int accepted = 0;
  const auto& negative = document.at("negative").as_array();
  for (const auto& item : negative) {
    const std::string query(item.at("query").as_string());
    if (!compile(query, {}).program) continue;
    ++accepted;
    std::cout << "accepted, and must be refused: " << query << "\n";
  }
  std::cout << "negative: " << negative.size() << " queries, " << accepted << " accepted\n";
  EXPECT_EQ(accepted, 0);
}

// "source(a:long,b:string)"
Schema schema_of(std::string_view text) {
  Schema schema;
  text = text.substr(text.find('(') + 1);
  text = text.substr(0, text.rfind(')'));
  while (!text.empty()) {
    const std::string_view column = text.substr(0, text.find(','));
    const std::size_t colon = column.find(':');
    std::string name(column.substr(0, colon));
    while (name.starts_with(' ')) name.erase(0, 1);
    if (name.starts_with("[\"")) name = name.substr(2, name.size() - 4);
    schema.columns.push_back({name, parse_type(column.substr(colon + 1)).value_or(Type::dynamic), false, {}});
    text.remove_prefix(std::min(text.size(), column.size() + 1));
  }
  return schema;
}

// What the case says of names and types, against ours; empty where they are the same.
std::string column_difference(const json::object& one, const std::vector<Column>& ours) {
  std::string difference;
  if (const auto* type = one.if_contains("type");
      type != nullptr && type->is_string() && to_string(ours.back().type) != std::string_view(type->as_string()))
    difference = "type " + std::string(to_string(ours.back().type)) + ", there " + std::string(type->as_string());
  const auto* columns = one.if_contains("columns");
  if (columns == nullptr || !columns->is_array()) return difference;
  std::string here;
  for (const Column& column : ours) here += column.name + ":" + std::string(to_string(column.type)) + " ";
  std::string there;
  for (const auto& column : columns->as_array())
    there += std::string(column.at("name").as_string()) + ":" + std::string(column.at("type").as_string()) + " ";
  return here == there ? difference : here + "/ there " + there;
}

TEST(Vectors, AgreeWithMicrosoftsParserOnWhatIsAccepted) {
  const std::string text = shared_file("vectors/kql-parse.json");
  if (text.empty()) {
    std::cout << "0 cases: the shared material is not here\n";
    return;
  }
  struct Count {
    int agreed = 0;
    int refused_here = 0;
    int accepted_here = 0;
    int other_columns = 0;
  };
  std::map<std::string, Count> counts;
  const bool is_verbose = std::getenv("CAPSTAN_VERBOSE") != nullptr;
  const json::value document = json::parse(text);
  for (const auto& item : document.at("cases").as_array()) {
    const auto& one = item.as_object();
    const std::string query(one.at("query").as_string());
    const bool is_accepted_there = one.at("ok").as_bool();
    const Compiled compiled =
        compile(query, one.contains("schema") ? schema_of(one.at("schema").as_string()) : Schema{});
    Count& count = counts[std::string(one.at("group").as_string())];
    if (is_accepted_there == (compiled.program != nullptr)) {
      ++count.agreed;
      if (!compiled.program) continue;
      const std::string difference = column_difference(one, compiled.program->output());
      if (!difference.empty()) ++count.other_columns;
      if (!difference.empty() && is_verbose) std::cout << "columns: " << query << ": " << difference << "\n";
    } else if (is_accepted_there) {
      ++count.refused_here;
      if (is_verbose)
        std::cout << "refused here: " << render(compiled.diagnostics.all().front(), "query", query) << "\n";
    } else {
      ++count.accepted_here;
      if (is_verbose) std::cout << "accepted here only: " << query << "\n";
    }
  }
  for (const auto& [group, count] : counts)
    std::cout << group << ": " << count.agreed << " agreed (" << count.other_columns << " with other columns), "
              << count.refused_here << " refused here only, " << count.accepted_here << " accepted here only\n";
}

// Where a query's columns come from: what is written beside it, or the table it is asked of.
Schema schema_of_query(const json::object& one) {
  if (const auto* columns = one.if_contains("columns"); columns != nullptr && columns->is_string())
    return schema_of("source(" + std::string(columns->as_string()) + ")");
  const auto* table = one.if_contains("table");
  const NamedSchema* known =
      table != nullptr && table->is_string() ? find_schema(std::string_view(table->as_string())) : nullptr;
  return known == nullptr ? Schema{{}, true} : known->schema;
}

// The table's name at the front of a query is "source" here.
std::string as_rule(const json::object& one) {
  std::string query(one.at("query").as_string());
  const auto* table = one.if_contains("table");
  if (table == nullptr || !table->is_string()) return query;
  const std::string name(table->as_string());
  for (std::size_t at = query.find(name); at != std::string::npos; at = query.find(name, at + 6))
    query.replace(at, name.size(), "source");
  return query;
}

TEST(Vectors, CompileWhatRealPeopleWrote) {
  const std::string text = shared_file("samples/kql/real_queries.json");
  if (text.empty()) {
    std::cout << "0 queries: the shared material is not here\n";
    return;
  }
  const bool is_verbose = std::getenv("CAPSTAN_VERBOSE") != nullptr;
  int compiled_count = 0;
  int refused_inside = 0;
  int refused_outside = 0;
  const json::value document = json::parse(text);
  for (const auto& item : document.as_array()) {
    const auto& one = item.as_object();
    const std::string query = as_rule(one);
    const Compiled compiled = compile(query, schema_of_query(one));
    if (compiled.program) {
      ++compiled_count;
      continue;
    }
    // Inside: Microsoft's parser takes the query as it stands, and it uses nothing that is not in the subset. A
    // placeholder that stands for a date is no datetime, whatever the parser says.
    const bool is_placeholder = query.contains("datetime(\"Insert date\")");
    const bool is_inside = one.at("ls_ok").as_bool() && one.at("outside_dcr").as_array().empty() && !is_placeholder;
    is_inside ? ++refused_inside : ++refused_outside;
    const std::string said = render(compiled.diagnostics.all().front(), one.at("id").as_string().c_str(), query);
    if (is_inside || is_verbose) std::cout << (is_inside ? "refused inside: " : "refused outside: ") << said << "\n";
  }
  std::cout << "real pipelines: " << compiled_count << " compiled, " << refused_inside << " of the subset refused, "
            << refused_outside << " others refused by name\n";
  EXPECT_EQ(refused_inside, 0);
}

}  // namespace
}  // namespace capstan::kql
