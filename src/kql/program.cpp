#include "kql/program.h"

#include <fmt/format.h>

#include "base/text.h"
#include "calendar.h"
#include "convert.h"
#include "dynamic_form.h"
#include "parser.h"
#include "pipeline_binder.h"
#include "program_impl.h"
#include "text_form.h"

namespace capstan::kql {

namespace {

constexpr std::size_t query_max = 64U << 10;  // a DCR takes 15,360 characters

// A member of the record as the column's type: "" or null where it cannot be.
Datum read_input(std::string_view json, const Input& input, Workspace& work) {
  if (json.empty()) return Datum::null(input.type);
  const auto value = read_dynamic(json, work.json, work.arena);
  if (!value) return Datum::null(input.type);
  const auto place = work.arena.array<Dynamic>(1);
  place[0] = *value;
  const Datum dynamic = Datum::of(place.data());
  if (input.is_epoch_ms && input.type == Type::datetime) {
    const Datum ms = convert(dynamic, Type::long_integer, work);
    if (ms.is_null || ms.number > ticks_end / 10'000) return Datum::null(Type::datetime);
    const auto ticks = checked_datetime(ticks_of_1970 + ms.number * 10'000);
    return ticks ? Datum::of(Type::datetime, *ticks) : Datum::null(Type::datetime);
  }
  return convert(dynamic, input.type, work);
}

}  // namespace

Program::Program(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Program::~Program() = default;
const std::vector<Column>& Program::output() const { return impl_->output; }
const std::vector<Input>& Program::inputs() const { return impl_->inputs; }
const std::vector<Diagnostic>& Program::not_portable() const { return impl_->not_portable; }

Compiled compile(std::string_view query, const Schema& schema) {
  Compiled compiled;
  if (query.size() > query_max) {
    compiled.diagnostics.add(ErrorCode::kql_syntax, {query_max, query.size()},
                             fmt::format("the query is longer than {} bytes", query_max));
    return compiled;
  }
  if (!is_utf8(query)) {
    compiled.diagnostics.add(ErrorCode::kql_syntax, {}, "the query is not UTF-8");
    return compiled;
  }
  const Query tree = parse_query(query, compiled.diagnostics);
  auto impl = std::make_unique<Program::Impl>();
  if (compiled.diagnostics.is_empty()) PipelineBinder(*impl, compiled.diagnostics).bind(tree, schema);
  if (compiled.diagnostics.is_empty()) compiled.program = std::make_shared<Program>(std::move(impl));
  return compiled;
}

struct Run::Impl {
  std::shared_ptr<const Program> program;
  Workspace work;
  std::vector<Datum> slots;
  std::vector<Datum> output;

  void run_from(std::size_t stage, Frame& frame, const std::function<void(std::span<const Datum>)>& emit) {
    const Program::Impl& p = program->impl();
    if (stage < p.stages.size()) {
      p.stages[stage]->run(frame, [&] { run_from(stage + 1, frame, emit); });
      return;
    }
    for (std::size_t i = 0; i < output.size(); ++i) output[i] = frame.slots[p.output_slots[i].slot];
    emit(output);
  }
};

Run::Run(std::shared_ptr<const Program> program) : impl_(std::make_unique<Impl>()) {
  impl_->program = std::move(program);
  impl_->slots.resize(impl_->program->impl().slots);
  impl_->output.resize(impl_->program->impl().output.size());
}
Run::~Run() = default;

void Run::set_now(std::int64_t ticks) { impl_->work.now = ticks; }

void Run::apply(const std::function<std::string_view(std::size_t input)>& json,
                const std::function<void(std::span<const Datum>)>& emit) {
  const Program::Impl& p = impl_->program->impl();
  impl_->work.arena.clear();
  Frame frame{impl_->slots, impl_->work};
  if (p.is_table) {
    for (const auto& row : p.tables) {
      for (const Assignment& cell : row) frame.slots[cell.slot] = cell.node->evaluate(frame);
      impl_->run_from(0, frame, emit);
    }
    return;
  }
  for (std::size_t i = 0; i < p.inputs.size(); ++i)
    frame.slots[p.input_slots[i]] = read_input(json(i), p.inputs[i], impl_->work);
  impl_->run_from(0, frame, emit);
}

void append_json(const Datum& value, std::string& out) {
  if (value.is_null) {
    out += "null";
    return;
  }
  Workspace work;
  append_json(as_dynamic(value, work), out);
}

}  // namespace capstan::kql
