#include "kql/record_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
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
  return path + input.list;
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

struct RecordRun::Impl final : RowText {
  std::shared_ptr<const Program> program;
  Workspace work;
  std::vector<Datum> slots;
  FieldPlan plan;
  FieldWalker walker;
  std::vector<Reading> readings;
  std::size_t front_readings = 0;   // the first of them, for the filters that a rule begins with
  std::vector<std::string> quoted;  // the output's names, with quotes and colon
  std::string text;                 // of the rows
  std::vector<std::size_t> ends;
  std::vector<std::string_view> views;
  std::vector<bool> is_untouched;  // by output column
  std::vector<bool> is_written;    // by output column, of the row that is being written
  std::vector<Datum> cells;        // of one row
  // Of the record at work, taken apart for the first row that is written: one that is dropped does not pay for it.
  std::string_view raw;
  std::string mended;  // the same as UTF-8, where it is not
  std::optional<Result<std::vector<JsonMember>>> members;
  bool is_row_written = false;  // of the row at work, in `text`
  std::size_t rows = 0;         // that have come of it

  const Program::Impl& code() const { return program->impl(); }
  void prepare();
  // Whether the record passed the front; then every slot is filled.
  Result<bool> fill(const RecordView& record, const Envelope& envelope);
  void read(std::span<const Reading> some, std::span<const Value> values, const RecordView& record,
            const Envelope& envelope);
  Datum meta_value(Meta meta, const RecordView& record, const Envelope& envelope) const;
  std::string_view as_padded_utf8(std::string_view wtf8);
  void append_row();
  void append_columns();
  void append_members();
  void append_value(std::size_t column, std::size_t begin);
  std::string_view row_text(Frame& frame) override;
  bool has_room();
  Result<> check_rows() const;
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
    if (i >= code().front_inputs) continue;
    front_readings = readings.size();
    plan.end_front();
  }
  if (front_readings == 0) plan.end_front();
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
    case Meta::kind:
      return Datum::of(std::string_view(record.kind == RecordKind::updated ? "updated" : "created"));
    case Meta::time:
      return record.event_time == Timestamp{} ? Datum::null(Type::datetime) : datetime(record.event_time);
    case Meta::ingest_time:
      return datetime(envelope.ingest_time);
  }
  return Datum::null(Type::string);
}

void RecordRun::Impl::read(std::span<const Reading> some, std::span<const Value> values, const RecordView& record,
                           const Envelope& envelope) {
  for (const Reading& reading : some) {
    const Input& input = code().inputs[reading.input];
    Datum& slot = slots[code().input_slots[reading.input]];
    if (reading.meta)
      slot = convert(meta_value(*reading.meta, record, envelope), input.type, work);
    else
      slot = reading.place ? read_input(values[*reading.place], input, work) : Datum::null(input.type);
  }
}

Result<bool> RecordRun::Impl::fill(const RecordView& record, const Envelope& envelope) {
  work.arena.clear();
  work.is_full = false;
  rows = 0;
  raw = record.is_wtf8 ? as_padded_utf8(record.raw) : record.raw;
  members.reset();
  if (record.is_quarantined)
    return Error(ErrorCode::broken_record, "reading a record: it was not well-formed when it came");
  const std::span<const Reading> all(readings);
  const auto passes = [&](std::span<const Value> front) {
    read(all.first(front_readings), front, record, envelope);
    Frame frame{slots, work};
    return code().passes_front(frame);
  };
  std::span<const Value> values;
  if (plan.size() == 0) {
    if (!passes(values)) return false;
  } else {
    const auto walked = TRY(walker.walk_while(plan, raw, passes));
    if (!walked) return false;
    values = *walked;
  }
  read(all.subspan(front_readings), values, record, envelope);
  return true;
}

std::string_view RecordRun::Impl::as_padded_utf8(std::string_view wtf8) {
  mended = as_utf8(wtf8);
  const std::size_t size = mended.size();
  mended.append(raw_padding, ' ');
  return std::string_view(mended).substr(0, size);
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
void RecordRun::Impl::append_members() {
  if (!members) members = split_object(raw);
  if (!members->has_value()) return;
  text += '{';
  const std::size_t begin = text.size();
  is_written.assign(is_written.size(), false);
  std::string name;
  for (const JsonMember& member : **members) {
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
  impl_->work.row = impl_.get();
  impl_->prepare();
}
RecordRun::~RecordRun() = default;
RecordRun::RecordRun(RecordRun&&) noexcept = default;
RecordRun& RecordRun::operator=(RecordRun&&) noexcept = default;

void RecordRun::set_now(Timestamp now) { impl_->work.now = datetime(now).number; }
bool RecordRun::is_filter() const { return impl_->code().is_filter; }

void RecordRun::Impl::append_row() {
  if (code().keeps_members)
    append_members();
  else
    append_columns();
}

std::string_view RecordRun::Impl::row_text(Frame&) {
  if (code().is_filter) return raw;
  if (!std::exchange(is_row_written, true)) {
    text.clear();
    append_row();
  }
  return text;
}

bool RecordRun::Impl::has_room() {
  work.is_full = ++rows > rows_of_record_max;
  return !work.is_full;
}

Result<> RecordRun::Impl::check_rows() const {
  if (!work.is_full) return {};
  return Error(ErrorCode::not_encodable,
               fmt::format("applying the rule: it makes more than {} rows of one record", rows_of_record_max));
}

Result<bool> RecordRun::keeps(const RecordView& record, const Envelope& envelope) {
  if (!TRY(impl_->fill(record, envelope))) return false;
  bool is_kept = false;
  // One row is enough to know.
  const auto row = [&] {
    is_kept = true;
    impl_->work.is_full = true;
  };
  Frame frame{impl_->slots, impl_->work};
  impl_->code().run_behind_front(frame, Next(row));
  return is_kept;
}

Result<std::span<const std::string_view>> RecordRun::rows(const RecordView& record, const Envelope& envelope) {
  Impl& self = *impl_;
  self.views.clear();
  if (!TRY(self.fill(record, envelope))) return std::span<const std::string_view>();
  self.text.clear();
  self.ends.clear();
  const auto row = [&] {
    if (!self.has_room()) return;
    self.append_row();
    self.ends.push_back(self.text.size());
  };
  Frame frame{self.slots, self.work};
  self.code().run_behind_front(frame, Next(row));
  TRY(self.check_rows());
  if (self.members && !self.members->has_value())
    return Error(ErrorCode::broken_record, fmt::format("reading a record: {}", self.members->error().sentence()));
  std::size_t begin = 0;
  for (const std::size_t end : self.ends) {
    self.views.push_back(std::string_view(self.text).substr(begin, end - begin));
    begin = end;
  }
  return std::span<const std::string_view>(self.views);
}

Result<> RecordRun::cells(const RecordView& record, const Envelope& envelope,
                          FunctionRef<Result<>(std::size_t shape, std::span<const Datum> cells)> each) {
  Impl& self = *impl_;
  if (!TRY(self.fill(record, envelope))) return {};
  Frame frame{self.slots, self.work};
  Result<> outcome;
  const auto fits = [&](const Program::Impl::Cells& shape) {
    if (!shape.when) return true;
    const Datum holds = shape.when->evaluate(frame);
    return !holds.is_null && holds.boolean;
  };
  const auto row = [&] {
    if (!outcome || !self.has_room()) return;
    self.is_row_written = false;
    const auto& shapes = self.code().shapes;
    const auto chosen = std::ranges::find_if(shapes, fits);
    if (chosen == shapes.end()) {
      outcome = each(shape_none, {});
      return;
    }
    self.cells.resize(chosen->nodes.size());
    for (std::size_t i = 0; i < self.cells.size(); ++i) self.cells[i] = chosen->nodes[i]->glance(frame);
    outcome = each(static_cast<std::size_t>(chosen - shapes.begin()), self.cells);
  };
  self.code().run_behind_front(frame, Next(row));
  TRY(std::move(outcome));
  return self.check_rows();
}

}  // namespace capstan::kql
