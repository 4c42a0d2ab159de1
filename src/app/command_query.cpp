#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <iostream>
#include <variant>

#include "event/json_split.h"
#include "kql/record_run.h"
#include "kql/schemas.h"
#include "query_input.h"
#include "session.h"
#include "table.h"

namespace capstan::app {

namespace {

// Output is written when so much has come together.
constexpr std::size_t flush_size = 256U << 10;
// Rows of --to table are held until the widths are known.
constexpr std::size_t table_rows_max = 10'000;
// Broken records are shown one by one up to here, then only counted.
constexpr std::size_t complaints_max = 5;

enum class Form : std::uint8_t { ndjson, table, csv };

Result<kql::Schema> chosen_schema(const std::string& text) {
  if (const kql::NamedSchema* named = kql::find_schema(text)) return kql::with_meta_columns(named->schema);
  if (!text.empty() && !text.contains(':')) {
    std::string names;
    for (const kql::NamedSchema& named : kql::named_schemas()) names += (names.empty() ? "" : ", ") + named.name;
    return Error(ErrorCode::wrong_usage,
                 fmt::format("reading --schema: expected name:type,… or one of {}, got \"{}\"", names, text));
  }
  return kql::with_meta_columns(TRY(kql::parse_schema(text)));
}

std::string joined_path(const kql::Input& input) {
  std::string path = input.column;
  for (const std::string& member : input.members) path += "." + member;
  return path;
}

std::string portability(const kql::Program& program, const std::string& query) {
  std::string text;
  for (const kql::Diagnostic& note : program.not_portable()) {
    const kql::LineColumn at = kql::locate(query, note.span.begin);
    text += fmt::format("query:{}:{}: note: {}\n", at.line, at.column, note.sentence);
  }
  return text;
}

// What the query reads and gives.
std::string explanation(const std::shared_ptr<const kql::Program>& program) {
  Table reads({{"reads"}, {"as"}});
  for (const kql::Input& input : program->inputs())
    if (input.is_read)
      reads.add({joined_path(input),
                 std::string(to_string(input.type)) + (input.is_epoch_ms ? ", from milliseconds since 1970" : "")});
  Table gives({{"gives"}, {"type"}});
  for (const kql::Column& column : program->keeps_members() ? program->made() : program->output())
    gives.add({column.name, std::string(to_string(column.type))});
  std::string text;
  if (!reads.is_empty()) text += reads.text() + "\n";
  if (kql::RecordRun(program).is_filter()) return text + "a filter: what it keeps comes out as it is\n";
  if (program->keeps_members()) text += "members that are not named go on as they are\n";
  return text + (gives.is_empty() ? "" : gives.text());
}

// A JSON value as a cell: text without its quotes, null as nothing.
std::string cell(std::string_view json) {
  if (json == "null") return {};
  if (!json.starts_with('"')) return std::string(json);
  boost::system::error_code failure;
  const auto value = boost::json::parse(json, failure);
  return failure ? std::string(json) : std::string(value.as_string());
}

std::string csv_quoted(const std::string& text) {
  if (text.find_first_of("\",\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

class RowWriter {
public:
  RowWriter(std::ostream& out, Form form, const std::vector<kql::Column>& columns) : out_(out), form_(form) {
    std::vector<Table::Column> headings;
    for (const kql::Column& column : columns) headings.push_back({column.name});
    table_ = Table(std::move(headings));
    if (form != Form::csv) return;
    for (const kql::Column& column : columns) buffer_ += (buffer_.empty() ? "" : ",") + csv_quoted(column.name);
    buffer_ += "\r\n";
  }
  void write(std::string_view row) {
    if (form_ == Form::ndjson) {
      buffer_ += row;
      buffer_ += '\n';
    } else {
      write_cells(row);
    }
    if (buffer_.size() > flush_size) flush();
  }
  bool is_open() const { return out_.good() && (form_ != Form::table || rows_ < table_rows_max); }
  void end() {
    if (form_ == Form::table && rows_ > 0) buffer_ += table_.text();
    flush();
  }
  bool is_cut() const { return form_ == Form::table && rows_ == table_rows_max; }

private:
  void write_cells(std::string_view row) {
    const auto members = split_object(row);
    if (!members) return;
    std::vector<std::string> cells;
    for (const JsonMember& member : *members) cells.push_back(cell(member.value));
    ++rows_;
    if (form_ == Form::table) return table_.add(std::move(cells));
    for (std::size_t i = 0; i < cells.size(); ++i) buffer_ += (i == 0 ? "" : ",") + csv_quoted(cells[i]);
    buffer_ += "\r\n";
  }
  void flush() {
    out_ << buffer_;
    buffer_.clear();
  }

  std::ostream& out_;
  Form form_;
  Table table_{std::vector<Table::Column>{}};
  std::size_t rows_ = 0;
  std::string buffer_;
};

// One query over all its inputs.
class Asking {
public:
  Asking(Session& session, std::shared_ptr<const kql::Program> program, Form form)
      : session_(session), run_(program), writer_(session.out(), form, program->output()) {
    run_.set_now(session.clock.now());
  }

  Result<> ask(ByteSource& source, const std::string& name) {
    const kql::Envelope envelope{{}, name, session_.clock.now()};
    return each_record(source, name, [&](std::string_view raw, std::size_t number) {
      RecordView record;
      record.raw = raw;
      if (const auto asked = ask(record, envelope); !asked.has_value()) complain(name, number, asked.error());
      return writer_.is_open();
    });
  }
  int end() {
    writer_.end();
    if (writer_.is_cut())
      session_.streams.err << fmt::format("only the first {} rows are shown; --to ndjson shows all\n", table_rows_max);
    if (broken_ > complaints_max) session_.streams.err << fmt::format("{} records could not be read\n", broken_);
    return broken_ == 0 ? exit_done : exit_not_done;
  }

private:
  Result<> ask(const RecordView& record, const kql::Envelope& envelope) {
    if (run_.is_filter()) {
      if (TRY(run_.keeps(record, envelope))) writer_.write(record.raw);
      return {};
    }
    for (const std::string_view row : TRY(run_.rows(record, envelope))) writer_.write(row);
    return {};
  }
  void complain(const std::string& name, std::size_t number, const Error& error) {
    if (++broken_ <= complaints_max)
      session_.streams.err << fmt::format("{}, record {}: {}\n", name, number, error.text());
  }

  Session& session_;
  kql::RecordRun run_;
  RowWriter writer_;
  std::size_t broken_ = 0;
};

Result<int> run(Session& session) {
  const std::string query = session.arguments.text("query");
  const kql::Compiled compiled = kql::compile(query, TRY(chosen_schema(session.arguments.text("schema"))));
  if (!compiled.program) {
    for (const kql::Diagnostic& diagnostic : compiled.diagnostics.all())
      session.streams.err << kql::render(diagnostic, "query", query) << '\n';
    return exit_configuration;
  }
  if (session.arguments.has("check") || session.arguments.has("explain")) {
    session.out() << portability(*compiled.program, query);
    if (session.arguments.has("explain")) session.out() << explanation(compiled.program);
    if (session.arguments.has("check")) session.out() << "query: good\n";
    return exit_done;
  }
  const std::string to = session.arguments.text("to");
  const Form form = to == "table" ? Form::table : to == "csv" ? Form::csv : Form::ndjson;
  if (form != Form::ndjson && compiled.program->keeps_members())
    return Error(
        ErrorCode::wrong_usage,
        fmt::format("writing {}: expected a query that names its columns, got one that passes every member on; "
                    "end it with \"| project …\"",
                    to));
  Asking asking(session, compiled.program, form);
  std::vector<std::string> names = session.arguments.all("files");
  if (names.empty()) names.emplace_back("-");
  for (const std::string& name : names) {
    auto source = name == "-" ? stream_source(session.streams.in) : TRY(file_source(session.files, name));
    source = TRY(unpacked(std::move(source), name));
    TRY(asking.ask(*source, name));
  }
  return asking.end();
}

}  // namespace

Command query_command() {
  return {
      .name = "query",
      .summary = "ask files of JSON records, or standard input, in KQL",
      .details =
          "Reads NDJSON or one JSON array, plain, gzip or zstd, and writes the rows that come out. Without --schema "
          "every member is\ndynamic; with it members have types, so that timestamp > ago(1h) means something. "
          "docs/reference/kql.md says what the\nlanguage holds. Exit codes: 78 when the query is wrong, 1 when a "
          "record could not be read.",
      .wants = Wants::nothing,
      .options = {{.names = "query", .value_name = "QUERY", .help = "what to ask: source | …", .is_required = true},
                  {.names = "files",
                   .value_name = "FILES",
                   .help = "where the records are; - or none: standard input",
                   .completes = Completes::files,
                   .is_repeatable = true},
                  {.names = "--to",
                   .value_name = "FORM",
                   .help = "how to write the rows",
                   .default_text = "ndjson",
                   .choices = {"ndjson", "table", "csv"}},
                  {.names = "--schema",
                   .value_name = "SCHEMA",
                   .help = "a:long,b:dynamic, or a name that `capstan schema` lists"},
                  {.names = "--check",
                   .value_name = "",
                   .help = "only say whether the query is right, and where it is not portable"},
                  {.names = "--explain", .value_name = "", .help = "only say what the query reads and gives"}},
      .examples = {{"capstan query \"source | where severity == 'HIGH' | project title, user.name\" alerts.ndjson.gz",
                    "two members of some records"},
                   {"capstan query --schema activities --to csv 'source | where created > ago(1d) | project created, "
                    "appName' a.ndjson",
                    "as a table for a spreadsheet"}},
      .run = run};
}

}  // namespace capstan::app
