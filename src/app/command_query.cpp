#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <optional>

#include "event/json_split.h"
#include "input_form.h"
#include "kql/record_run.h"
#include "progress.h"
#include "query_environment.h"
#include "query_input.h"
#include "query_messages.h"
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

// Bytes of a file that tell what it holds.
constexpr std::size_t looked_at = 16U << 10;

enum class Form : std::uint8_t { ndjson, table, csv, message };

std::string joined_path(const kql::Input& input) {
  std::string path = input.column;
  for (const std::string& member : input.members) path += "." + member;
  return path;
}

std::string notes_of(const kql::Program& program, const std::string& query) {
  std::string text;
  for (const kql::Diagnostic& doubt : program.doubts()) text += "warning: " + kql::render(doubt, "query", query) + "\n";
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
  RowWriter(std::ostream& out, Form form, const std::vector<kql::Column>& columns, Progress& progress)
      : out_(out), form_(form), progress_(progress) {
    std::vector<Table::Column> headings;
    for (const kql::Column& column : columns) headings.push_back({column.name});
    table_ = Table(std::move(headings));
    if (form != Form::csv) return;
    for (const kql::Column& column : columns) buffer_ += (buffer_.empty() ? "" : ",") + csv_quoted(column.name);
    buffer_ += "\r\n";
  }
  void write(std::string_view row) {
    if (form_ == Form::ndjson) {
      append_line(row);
    } else {
      write_cells(row);
    }
    if (buffer_.size() > flush_size) flush();
  }
  // A message as an encoder wrote it, at the end of the buffer.
  void write_message(FunctionRef<void(std::string& buffer)> append) {
    append(buffer_);
    if (buffer_.size() > flush_size) flush();
  }
  bool is_open() const { return out_.good() && (form_ != Form::table || rows_ < table_rows_max); }
  void end() {
    if (form_ == Form::table && rows_ > 0) buffer_ += table_.text();
    flush();
  }
  bool is_cut() const { return form_ == Form::table && rows_ == table_rows_max; }

private:
  // A record that is passed on may have been laid out over several lines; between its tokens a blank means the same.
  void append_line(std::string_view row) {
    const std::size_t begin = buffer_.size();
    buffer_ += row;
    if (row.contains('\n') || row.contains('\r'))
      std::replace_if(
          buffer_.begin() + static_cast<std::ptrdiff_t>(begin), buffer_.end(),
          [](char c) { return c == '\n' || c == '\r'; }, ' ');
    buffer_ += '\n';
  }
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
    // Rows may go to the terminal that shows how far we are.
    progress_.clear();
    out_ << buffer_;
    buffer_.clear();
  }

  std::ostream& out_;
  Form form_;
  Progress& progress_;
  Table table_{std::vector<Table::Column>{}};
  std::size_t rows_ = 0;
  std::string buffer_;
};

std::vector<std::string> names_of(const std::vector<kql::Column>& columns) {
  std::vector<std::string> names;
  for (const kql::Column& column : columns) names.push_back(column.name);
  return names;
}

// Nothing, after the diagnostics were shown, where the query is wrong.
Result<std::shared_ptr<const kql::Program>> compiled(Session& session, InputForm form,
                                                     const kql::Environment& environment) {
  const std::string query = session.arguments.text("query");
  kql::Compiled made = kql::compile(
      query, TRY(input_schema(session.arguments.text("schema"), session.arguments.text("feed"), form)), environment);
  for (const kql::Diagnostic& diagnostic : made.diagnostics.all())
    session.streams.err << kql::render(diagnostic, "query", query) << '\n';
  return std::move(made.program);
}

// One query over all its inputs.
class Asking final : private InputTaker {
public:
  Asking(Session& session, Form form, const kql::Environment& environment, std::optional<std::uint64_t> total_bytes)
      : session_(session),
        environment_(environment),
        form_(form),
        now_(session.clock.now()),
        feed_(session.arguments.text("feed")),
        progress_(session.streams.err, session.clock, total_bytes) {}

  // False, and the diagnostics are shown, where the query is wrong for what the input holds. An input that cannot be
  // read is told, and the next one is asked.
  Result<bool> ask(const std::string& name) {
    name_ = &name;
    auto opened = open(name);
    if (!opened) {
      complain(name, opened.error());
      return true;
    }
    form_of_input_ = opened->form;
    if (!TRY(prepare(form_of_input_))) return false;
    if (is_lines(form_of_input_))
      each_text_line(*opened->source, name, *this);
    else
      each_json_record(*opened->source, name,
                       form_of_input_ == InputForm::ndjson ? JsonLayout::lines : JsonLayout::free, *this);
    return true;
  }
  // The rows that come out of the query alone.
  Result<bool> ask_nothing() {
    if (!TRY(prepare(InputForm::json))) return false;
    std::string nothing = "{}";
    nothing.append(raw_padding, '\0');
    RecordView record;
    record.raw = std::string_view(nothing).substr(0, 2);
    record.feed = feed_;
    TRY(ask(record, {{}, "-", now_}));
    return true;
  }
  int end() {
    if (writer_) writer_->end();
    progress_.clear();
    if (writer_ && writer_->is_cut())
      session_.streams.err << fmt::format("only the first {} rows are shown; --to ndjson shows all\n", table_rows_max);
    if (told_ == 0) return exit_done;
    session_.streams.err << fmt::format("{} record{} read, {} could not be read\n", judged_, judged_ == 1 ? "" : "s",
                                        broken_);
    return exit_not_done;
  }

private:
  struct Opened {
    std::unique_ptr<ByteSource> source;
    InputForm form = InputForm::json;
  };
  Result<Opened> open(const std::string& name) {
    auto source = name == "-"
                      ? stream_source(session_.streams.in)
                      : TRY(file_source(session_.files, name, [this](std::size_t size) { progress_.add_bytes(size); }));
    source = TRY(unpacked(std::move(source), name));
    if (const auto form = parse_form(session_.arguments.text("from"))) return Opened{std::move(source), *form};
    Front front = with_front(std::move(source), looked_at);
    return Opened{std::move(front.whole), guess_form(front.bytes, now_)};
  }
  // --to cef, --to leef: rule and message as a route has them.
  Result<bool> prepare_messages(InputForm form) {
    if (!writer_) writer_.emplace(session_.out(), form_, std::vector<kql::Column>{}, progress_);
    if (!messages_.contains(form)) {
      auto messages = TRY(QueryMessages::make(session_, form, environment_));
      if (!messages) return false;
      messages_.emplace(form, std::move(*messages));
    }
    message_ = &messages_.at(form);
    return true;
  }
  // The query is compiled once for each form that is met.
  Result<bool> prepare(InputForm form) {
    if (form_ == Form::message) return prepare_messages(form);
    if (!runs_.contains(form)) {
      const std::shared_ptr<const kql::Program> program = TRY(compiled(session_, form, environment_));
      if (!program) return false;
      TRY(check_columns(*program, form));
      if (!writer_) {
        columns_ = names_of(program->output());
        writer_.emplace(session_.out(), form_, program->output(), progress_);
      }
      runs_.emplace(form, kql::RecordRun(program)).first->second.set_now(now_);
      asks_for_identity_ = asks_for_identity_ || std::ranges::any_of(program->inputs(), [](const kql::Input& input) {
                             return input.is_read && (input.column == "_Id" || input.column == "_Time");
                           });
    }
    run_ = &runs_.at(form);
    return true;
  }
  Result<> check_columns(const kql::Program& program, InputForm form) const {
    if (form_ == Form::ndjson) return {};
    if (program.keeps_members())
      return Error(ErrorCode::wrong_usage,
                   fmt::format("writing {}: expected a query that names its columns, got one that passes every member "
                               "on; end it with \"| project …\"",
                               session_.arguments.text("to")));
    if (writer_ && columns_ != names_of(program.output()))
      return Error(ErrorCode::wrong_usage,
                   fmt::format("writing {}: expected the same columns of all files, got others of {}; end the query "
                               "with \"| project …\"",
                               session_.arguments.text("to"), to_string(form)));
    return {};
  }
  bool take(const InputPiece& piece) override {
    const kql::Envelope envelope{{}, *name_, now_};
    const Result<> asked =
        is_lines(form_of_input_) ? ask_line(piece.text, form_of_input_, envelope) : ask_json(piece.text, envelope);
    if (asked) {
      ++judged_;
    } else {
      ++broken_;
      complain(is_lines(form_of_input_)
                   ? fmt::format("{}:{}", *name_, piece.number)
                   : fmt::format("{}, record {} (line {})", *name_, piece.number, piece.place.line),
               asked.error());
    }
    return writer_->is_open();
  }
  bool tell(const InputPiece& piece, const Error& trouble) override {
    if (piece.number > 0) ++broken_;
    complain(piece.number > 0 ? fmt::format("{}, record {}", *name_, piece.number) : *name_, trouble);
    return writer_->is_open();
  }
  Result<> ask_json(std::string_view raw, const kql::Envelope& envelope) {
    RecordView record;
    record.raw = raw;
    record.feed = feed_;
    if (asks_for_identity_) TRY(identity_.name(record));
    return ask(record, envelope);
  }
  Result<> ask_line(std::string_view line, InputForm form, const kql::Envelope& envelope) {
    LineRecord read = TRY(read_line(line, form, now_));
    const std::size_t size = read.json.size();
    read.json.append(raw_padding, '\0');
    RecordView record;
    record.raw = std::string_view(read.json).substr(0, size);
    record.feed = feed_.empty() ? to_string(form) : std::string_view(feed_);
    record.event_time = read.time;
    return ask(record, envelope);
  }
  Result<> ask(const RecordView& record, const kql::Envelope& envelope) {
    if (form_ == Form::message) {
      Result<bool> is_kept = false;
      writer_->write_message([&](std::string& buffer) { is_kept = message_->append(record, envelope, buffer); });
      progress_.add_record(TRY(std::move(is_kept)));
      return {};
    }
    if (run_->is_filter()) {
      const bool is_kept = TRY(run_->keeps(record, envelope));
      progress_.add_record(is_kept);
      if (is_kept) writer_->write(record.raw);
      return {};
    }
    const auto rows = TRY(run_->rows(record, envelope));
    progress_.add_record(!rows.empty());
    for (const std::string_view row : rows) writer_->write(row);
    return {};
  }
  void complain(const std::string& place, const Error& error) {
    if (++told_ > complaints_max) return;
    progress_.clear();
    session_.streams.err << fmt::format("{}: {}\n", place, error.text());
  }

  Session& session_;
  const kql::Environment& environment_;
  Form form_;
  Timestamp now_;
  std::string feed_;
  Progress progress_;
  std::map<InputForm, kql::RecordRun> runs_;
  kql::RecordRun* run_ = nullptr;  // of the input that is being read
  std::map<InputForm, QueryMessages> messages_;
  QueryMessages* message_ = nullptr;
  RecordIdentity identity_;
  bool asks_for_identity_ = false;  // the query reads _Id or _Time
  std::optional<RowWriter> writer_;
  std::vector<std::string> columns_;
  const std::string* name_ = nullptr;  // of the input that is being read
  InputForm form_of_input_ = InputForm::json;
  // Records in = judged + broken.
  std::size_t judged_ = 0;
  std::size_t broken_ = 0;
  std::size_t told_ = 0;  // broken records, and what is none: a file cut off, a comma too few
};

// How much there is to read, where that can be said and somebody looks.
std::optional<std::uint64_t> total_bytes(Session& session, const std::vector<std::string>& names) {
  if (!session.streams.err_is_terminal) return std::nullopt;
  std::uint64_t total = 0;
  for (const std::string& name : names) {
    if (name == "-") return std::nullopt;
    const auto file = session.files.open(name, FileSystem::OpenMode::read);
    if (!file.has_value()) return std::nullopt;
    const auto size = (*file)->size();
    if (!size.has_value()) return std::nullopt;
    total += *size;
  }
  return total;
}

// Whether the query asks its inputs for records. One that is wrong is told when it meets the first input.
bool reads_records(Session& session, const kql::Environment& environment) {
  const kql::Compiled compiled = kql::compile(session.arguments.text("query"), kql::with_meta_columns({}), environment);
  return !compiled.program || compiled.program->reads_records();
}

Result<int> check(Session& session) {
  const std::string query = session.arguments.text("query");
  const auto form = parse_form(session.arguments.text("from")).value_or(InputForm::json);
  const std::shared_ptr<const kql::Program> program = TRY(compiled(session, form, TRY(read_environment(session))));
  if (!program) return exit_configuration;
  session.out() << notes_of(*program, query);
  if (session.arguments.has("explain")) session.out() << explanation(program);
  if (session.arguments.has("check")) session.out() << "query: good\n";
  return exit_done;
}

Result<int> run(Session& session) {
  if (session.arguments.has("check") || session.arguments.has("explain")) return check(session);
  const std::string to = session.arguments.text("to");
  const Form form = to == "table"                 ? Form::table
                    : to == "csv"                 ? Form::csv
                    : to == "cef" || to == "leef" ? Form::message
                                                  : Form::ndjson;
  std::vector<std::string> names = session.arguments.all("files");
  if (names.empty()) names.emplace_back("-");
  const kql::Environment environment = TRY(read_environment(session));
  Asking asking(session, form, environment, total_bytes(session, names));
  if (!reads_records(session, environment)) {
    if (!session.arguments.all("files").empty())
      session.streams.err << "the query makes its rows itself (print, datatable); no file was read\n";
    if (!TRY(asking.ask_nothing())) return exit_configuration;
    return asking.end();
  }
  for (const std::string& name : names) {
    const bool is_right = TRY(asking.ask(name));
    if (is_right) continue;
    asking.end();
    return exit_configuration;
  }
  return asking.end();
}

}  // namespace

Command query_command() {
  Command command{
      .name = "query",
      .summary = "ask files of JSON, CEF, LEEF or syslog, or standard input, in KQL",
      .details =
          "Reads JSON objects one behind the other, however they are laid out, arrays of them, or lines of CEF, LEEF "
          "or "
          "syslog,\nplain, gzip or zstd, and writes the rows that come out. print and datatable make their rows "
          "without "
          "an input.\nLines become records of the schemas cef, leef and syslog. JSON without --schema or --feed "
          "has only dynamic members;\nwith it members have types, so that timestamp > ago(1h) means something. "
          "docs/reference/kql.md says what the\nlanguage holds. Exit codes: 78 when the query is wrong, 1 when "
          "anything could not\nbe read: its file, line and column are told, and all the rest is asked.",
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
                   .choices = {"ndjson", "table", "csv", "cef", "leef"}},
                  {.names = "--mapping",
                   .value_name = "NAME|FILE",
                   .help = "with --to cef or leef: what stands in a line; the built-in mappings of --feed when left "
                           "out",
                   .completes = Completes::files},
                  {.names = "--from",
                   .value_name = "FORM",
                   .help = "what the files hold; auto tells it by how each begins",
                   .default_text = "auto",
                   .choices = form_choices()},
                  {.names = "--feed",
                   .value_name = "FEED",
                   .help = "the feed that the records are of: its schema, and what _Feed says"},
                  {.names = "--schema",
                   .value_name = "SCHEMA",
                   .help = "a:long,b:dynamic, or a name that `capstan schema` lists"},
                  {.names = "--check",
                   .value_name = "",
                   .help = "only say whether the query is right, and where it is not portable"},
                  {.names = "--explain", .value_name = "", .help = "only say what the query reads and gives"}},
      .examples =
          {{"capstan query \"source | where severity == 'HIGH' | project title, user.name\" alerts.ndjson.gz",
            "two members of some records"},
           {"capstan query --schema activities --to csv 'source | where created > ago(1d) | project created, "
            "appName' a.ndjson",
            "as a table for a spreadsheet"},
           {"capstan query \"source | where DestinationPort == 22 | project SourceIP, Activity\" firewall.cef.zst",
            "lines of CEF, by the columns of Sentinel's CommonSecurityLog"}},
      .run = run};
  for (Option& option : environment_options()) command.options.push_back(std::move(option));
  return command;
}

}  // namespace capstan::app
