// A compiled rule: KQL over one record at a time. docs/reference/kql.md says what is in; anything else is refused by
// name. A Program is immutable and shared; a Run is one thread's.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kql/datum.h"
#include "kql/diagnostic.h"
#include "kql/environment.h"
#include "kql/table.h"
#include "kql/types.h"

namespace capstan::kql {

// What a program reads of a record: a column of the schema, or a member below a dynamic one.
struct Input {
  std::string column;
  std::vector<std::string> members;  // below the column: a.b.c is column a, members b, c
  std::string list = {};             // of an array's items: "[].name", "[type=ip].id" as a FieldPlan has them
  Type type = Type::dynamic;
  bool is_epoch_ms = false;
  bool is_read = false;  // by an expression, or to be written; otherwise the record's own bytes are passed on
};

class Program {
public:
  ~Program();
  const std::vector<Column>& output() const;
  const std::vector<Input>& inputs() const;
  // False where the rows come out of the query alone: print, datatable. A rule makes them of every record; a query over
  // an input makes them once.
  bool reads_records() const;
  // Whether the record's members that no column names go on beside the output (an open schema, and no project).
  bool keeps_members() const;
  // Of the output, what is not a member of the record as it came.
  const std::vector<Column>& made() const;
  // Extensions that a data collection rule does not accept, by name, in order of appearance.
  const std::vector<Diagnostic>& not_portable() const;
  // What is allowed and probably not meant: a member that is nearly called like a column, a text that is never equal.
  const std::vector<Diagnostic>& doubts() const;
  // That it looks up in.
  const std::vector<std::shared_ptr<const LiveTable>>& tables() const;

  struct Impl;
  explicit Program(std::unique_ptr<Impl> impl);
  const Impl& impl() const { return *impl_; }

private:
  std::unique_ptr<Impl> impl_;
};

struct Compiled {
  std::shared_ptr<const Program> program;  // nothing when there are diagnostics
  Diagnostics diagnostics;
};

// `source` has the schema's columns.
Compiled compile(std::string_view query, const Schema& schema, const Environment& environment = {});

// Runs a program over records, one after another.
class Run {
public:
  explicit Run(std::shared_ptr<const Program> program);
  ~Run();

  // Ticks; what now() is until it is set again.
  void set_now(std::int64_t ticks);
  // The record as JSON members: `json(i)` gives the raw JSON text of the i-th input, or an empty view where the record
  // has none. `emit` gets the output columns of every row that comes out, valid during the call.
  void apply(const std::function<std::string_view(std::size_t input)>& json,
             const std::function<void(std::span<const Datum>)>& emit);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// tostring(): null is "", an object or array its JSON.
void append_text(const Datum& value, std::string& out);
// One value as JSON: datetime, timespan and guid as text, real NaN and infinities as text, dynamic as it is.
void append_json(const Datum& value, std::string& out);

}  // namespace capstan::kql
