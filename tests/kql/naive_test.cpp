// The compiled program against the naive reading, on random pipelines and records.
// CAPSTAN_KQL_PAIRS=1000000 runs so many pairs of query and record; without it a slice.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "kql/record_run.h"
#include "naive.h"

namespace capstan::kql {
namespace {

constexpr std::size_t pairs_default = 20'000;
constexpr std::size_t records_a_query = 20;
constexpr std::int64_t ticks_a_ms = 10'000;

Schema schema() {
  return {{{"n1", Type::long_integer, false, {}},
           {"n2", Type::long_integer, false, {}},
           {"s1", Type::string, false, {}},
           {"s2", Type::string, false, {}},
           {"b1", Type::boolean, false, {}},
           {"t1", Type::datetime, true, {}}},
          false};
}
using Columns = std::map<std::string, naive::Type>;
Columns columns() {
  return {{"n1", naive::Type::number}, {"n2", naive::Type::number},  {"s1", naive::Type::text},
          {"s2", naive::Type::text},   {"b1", naive::Type::boolean}, {"t1", naive::Type::moment}};
}

struct Sample {
  std::string json;
  naive::Row row;
};

// Members come in their types, or are null or missing.
Sample sample(naive::Generator& generator) {
  Sample made;
  std::string members;
  for (const auto& [name, type] : columns()) {
    naive::Value value;
    value.type = type;
    const bool is_absent = generator.below(5) == 0;
    std::string json = "null";
    if (type == naive::Type::text) {
      if (!is_absent) value.text = generator.text();
      json = naive::to_json(value);
    } else if (!is_absent && type == naive::Type::boolean) {
      value.boolean = generator.below(2) == 0;
      json = naive::to_json(value);
    } else if (!is_absent && type == naive::Type::number) {
      value.number = generator.number();
      json = naive::to_json(value);
    } else if (!is_absent) {
      const auto ms = static_cast<std::int64_t>(generator.below(4'000'000'000'000));
      value.number = ticks_of_1970 + ms * ticks_a_ms;
      json = std::to_string(ms);
    }
    made.row[name] = value;
    if (is_absent && generator.below(2) == 0) continue;
    members += (members.empty() ? "" : ",") + std::string("\"") + name + "\":" + json;
  }
  made.json = "{" + members + "}";
  return made;
}

struct Step {
  naive::TreePtr filter;                                     // where
  std::vector<std::pair<std::string, naive::TreePtr>> made;  // extend
};
struct Query {
  std::string text = "source";
  std::vector<Step> steps;
  std::vector<std::string> output;
};

Query query(naive::Generator& generator) {
  Query made;
  Columns known = columns();
  for (std::size_t i = generator.below(3) + 1; i > 0; --i) {
    Step step;
    if (generator.below(2) == 0) {
      step.filter = generator.expression(naive::Type::boolean, known, 3);
      made.text += " | where " + naive::to_kql(*step.filter);
    } else {
      Columns after = known;
      std::string list;
      for (std::size_t j = generator.below(2) + 1; j > 0; --j) {
        const naive::Type type = generator.type();
        // Sometimes over a column that is there: all right sides still see the old one.
        std::string name = generator.below(3) == 0 ? "n1" : "x" + std::to_string(after.size());
        if (std::ranges::find(step.made, name, &std::pair<std::string, naive::TreePtr>::first) != step.made.end())
          continue;
        step.made.emplace_back(name, generator.expression(type, known, 4));
        list += (list.empty() ? "" : ", ") + name + " = " + naive::to_kql(*step.made.back().second);
        after[name] = type;
      }
      known = after;
      made.text += " | extend " + list;
    }
    made.steps.push_back(std::move(step));
  }
  std::string list;
  for (const auto& [name, type] : known) {
    made.output.push_back(name);
    list += (list.empty() ? "" : ", ") + name;
  }
  made.text += " | project " + list;
  return made;
}

std::string expected(const Query& asked, naive::Row row) {
  for (const Step& step : asked.steps) {
    if (step.filter && !naive::evaluate(*step.filter, row).boolean.value_or(false)) return {};
    naive::Row after = row;
    for (const auto& [name, tree] : step.made) after[name] = naive::evaluate(*tree, row);
    row = std::move(after);
  }
  std::string members;
  for (const std::string& name : asked.output)
    members += (members.empty() ? "" : ",") + std::string("\"") + name + "\":" + naive::to_json(row.at(name));
  return "{" + members + "}";
}

TEST(Naive, AgreesWithTheCompiledProgram) {
  const char* chosen = std::getenv("CAPSTAN_KQL_PAIRS");
  const std::size_t pairs = chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : pairs_default;
  std::size_t kept = 0;
  for (std::size_t done = 0; done < pairs; done += records_a_query) {
    naive::Generator generator(0xCA95'7A00 + done);
    const Query asked = query(generator);
    const Compiled compiled = compile(asked.text, schema());
    ASSERT_TRUE(compiled.program) << render(compiled.diagnostics.all().front(), "query", asked.text);
    RecordRun run(compiled.program);
    for (std::size_t i = 0; i < records_a_query; ++i) {
      Sample given = sample(generator);
      const std::string wanted = expected(asked, given.row);
      given.json.reserve(given.json.size() + raw_padding);
      RecordView record;
      record.raw = given.json;
      const auto rows = run.rows(record, {});
      ASSERT_TRUE(rows.has_value()) << rows.error().text();
      const std::string got = rows->empty() ? std::string{} : std::string(rows->front());
      ASSERT_EQ(got, wanted) << asked.text << "\n" << given.json;
      ASSERT_EQ(run.keeps(record, {}).value(), !wanted.empty());
      kept += wanted.empty() ? 0 : 1;
    }
  }
  std::cout << pairs << " pairs, " << kept << " kept\n";
  EXPECT_GT(kept, pairs / 20) << "random rules have to keep something to be worth running";
  EXPECT_LT(kept, pairs);
}

}  // namespace
}  // namespace capstan::kql
