#include "kql/record_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "convert.h"
#include "event/field_plan.h"
#include "event/json_split.h"
#include "input.h"
#include "meta.h"
#include "program_impl.h"
#include "text_form.h"

namespace capstan::kql {

namespace {

// A path of the field plan: what has a meaning there is escaped.
std::string path_of(const Input& input) {
  std::string path;
  const auto append = [&](std::string_view name) {
    for (const char c : name) {
      if (std::string_view(".[]\\").contains(c)) path += '\\';
      path += c;
    }
  };
  append(input.column);
  for (const std::string& member : input.members) {
    path += '.';
    append(member);
  }
  return path;
}

Datum datetime(Timestamp time) {
  constexpr std::int64_t ticks_per_ms = 10'000;
  return Datum::of(Type::datetime, ticks_of_1970 + epoch_ms(time) * ticks_per_ms);
}

// An input that a program reads: of the envelope, or of the walk.
struct Reading {
  std::size_t input = 0;
  std::optional<Meta> meta;
  std::optional<std::size_t> place;  // in the walk; nothing: no path can say it, and no record has it
};

}  // namespace

struct RecordRun::Impl {
  std::shared_ptr<const Program> program;
  Workspace work;
  std::vector<Datum> slots;
  FieldPlan plan;
  FieldWalker walker;
  std::vector<Reading> readings;
  std::vector<std::string> quoted;  // the output's names, with quotes and colon
  std::string text;                 // of the rows
  std::vector<std::size_t> ends;
  std::vector<std::string_view> views;
  std::vector<bool> is_untouched;  // by output column
  std::vector<bool> is_written;    // by output column, of the row that is being written

  const Program::Impl& code() const { return program->impl(); }
  void prepare();
  Result<> fill(const RecordView& record, const Envelope& envelope);
  Datum meta_value(Meta meta, const RecordView& record, const Envelope& envelope) const;
  void append_columns();
  void append_members(const std::vector<JsonMember>& members);
  void append_value(std::size_t column, std::size_t begin);
};

void RecordRun::Impl::prepare() {
  slots.resize(code().slots);
  for (std::size_t i = 0; i < code().inputs.size(); ++i) {
    slots[code().input_slots[i]] = Datum::null(code().inputs[i].type);
    if (!code().inputs[i].is_read) continue;
    const Input& input = code().inputs[i];
    const auto meta = input.members.empty() ? meta_of(input.column) : std::nullopt;
    const auto place = meta ? Result<std::size_t>(std::size_t{0}) : plan.slot(path_of(input));
    readings.push_back({i, meta, place ? std::optional<std::size_t>(*place) : std::nullopt});
  }
  for (const Column& column : code().output) quoted.push_back(json_quote(column.name) + ":");
  for (const auto& output : code().output_slots) is_untouched.push_back(code().is_untouched(output));
  is_written.resize(quoted.size());
}

Datum RecordRun::Impl::meta_value(Meta meta, const RecordView& record, const Envelope& envelope) const {
  switch (meta) {
    case Meta::tenant:
      return Datum::of(envelope.tenant);
    case Meta::source:
      return Datum::of(envelope.source);
    case Meta::feed:
      return Datum::of(record.feed);
    case Meta::id:
      return Datum::of(record.id);
    case Meta::time:
      return record.event_time == Timestamp{} ? Datum::null(Type::datetime) : datetime(record.event_time);
    case Meta::ingest_time:
      return datetime(envelope.ingest_time);
  }
  return Datum::null(Type::string);
}

Result<> RecordRun::Impl::fill(const RecordView& record, const Envelope& envelope) {
  work.arena.clear();
  if (record.is_quarantined)
    return Error(ErrorCode::broken_record, "reading a record: it was not well-formed when it came");
  std::span<const Value> values;
  if (plan.size() > 0) values = TRY(walker.walk(plan, record.raw));
  for (const Reading& reading : readings) {
    const Input& input = code().inputs[reading.input];
    Datum& slot = slots[code().input_slots[reading.input]];
    if (reading.meta)
      slot = convert(meta_value(*reading.meta, record, envelope), input.type, work);
    else
      slot = reading.place ? read_input(values[*reading.place], input, work) : Datum::null(input.type);
  }
  return {};
}

void RecordRun::Impl::append_value(std::size_t column, std::size_t begin) {
  if (text.size() > begin) text += ',';
  text += quoted[column];
  append_json(slots[code().output_slots[column].slot], text);
}

// A closed program: its columns, no more and no less.
void RecordRun::Impl::append_columns() {
  text += '{';
  const std::size_t begin = text.size();
  for (std::size_t i = 0; i < quoted.size(); ++i) append_value(i, begin);
  text += '}';
}

// An open one: the record's members, with what became of them, and the new columns behind.
void RecordRun::Impl::append_members(const std::vector<JsonMember>& members) {
  text += '{';
  const std::size_t begin = text.size();
  is_written.assign(is_written.size(), false);
  std::string name;
  for (const JsonMember& member : members) {
    // Names with escapes are compared as they are written: no column has such a name.
    const auto found = std::ranges::find(code().output, member.name, &Column::name);
    const auto column = static_cast<std::size_t>(found - code().output.begin());
    const bool is_changed = found != code().output.end() && !is_untouched[column];
    if (is_changed) {
      if (!is_written[column]) append_value(column, begin);
      is_written[column] = true;
    } else if (found != code().output.end() || survives(code().member_rules, member.name)) {
      if (text.size() > begin) text += ',';
      text += '"';
      text += member.name;
      text += "\":";
      text += member.value;
    }
  }
  for (std::size_t i = 0; i < quoted.size(); ++i)
    if (!is_written[i] && !is_untouched[i]) append_value(i, begin);
  text += '}';
}

RecordRun::RecordRun(std::shared_ptr<const Program> program) : impl_(std::make_unique<Impl>()) {
  impl_->program = std::move(program);
  impl_->prepare();
}
RecordRun::~RecordRun() = default;
RecordRun::RecordRun(RecordRun&&) noexcept = default;
RecordRun& RecordRun::operator=(RecordRun&&) noexcept = default;

void RecordRun::set_now(Timestamp now) { impl_->work.now = datetime(now).number; }
bool RecordRun::is_filter() const { return impl_->code().is_filter; }

Result<bool> RecordRun::keeps(const RecordView& record, const Envelope& envelope) {
  TRY(impl_->fill(record, envelope));
  bool is_kept = false;
  const auto row = [&] { is_kept = true; };
  Frame frame{impl_->slots, impl_->work};
  impl_->code().run(frame, Next(row));
  return is_kept;
}

Result<std::span<const std::string_view>> RecordRun::rows(const RecordView& record, const Envelope& envelope) {
  Impl& self = *impl_;
  TRY(self.fill(record, envelope));
  // Taken apart for the first row that comes out: a record that is dropped does not pay for it.
  std::optional<Result<std::vector<JsonMember>>> members;
  self.text.clear();
  self.ends.clear();
  const auto row = [&] {
    if (!self.code().keeps_members) {
      self.append_columns();
    } else {
      if (!members) members = split_object(record.raw);
      if (members->has_value()) self.append_members(**members);
    }
    self.ends.push_back(self.text.size());
  };
  Frame frame{self.slots, self.work};
  self.code().run(frame, Next(row));
  if (members && !members->has_value())
    return Error(ErrorCode::broken_record, fmt::format("reading a record: {}", members->error().sentence()));
  self.views.clear();
  std::size_t begin = 0;
  for (const std::size_t end : self.ends) {
    self.views.push_back(std::string_view(self.text).substr(begin, end - begin));
    begin = end;
  }
  return std::span<const std::string_view>(self.views);
}

}  // namespace capstan::kql
