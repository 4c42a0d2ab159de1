#include "kql/program.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "input.h"
#include "parser.h"
#include "pipeline_binder.h"
#include "program_impl.h"

namespace capstan::kql {

namespace {

constexpr std::size_t query_max = 64U << 10;  // a DCR takes 15,360 characters

}  // namespace

Program::Program(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Program::~Program() = default;
const std::vector<Column>& Program::output() const { return impl_->output; }
const std::vector<Input>& Program::inputs() const { return impl_->inputs; }
const std::vector<Column>& Program::made() const { return impl_->made; }
bool Program::reads_records() const { return !impl_->is_table; }
bool Program::keeps_members() const { return impl_->keeps_members; }
const std::vector<Diagnostic>& Program::not_portable() const { return impl_->not_portable; }
const std::vector<Diagnostic>& Program::doubts() const { return impl_->doubts; }
const std::vector<std::shared_ptr<const LiveTable>>& Program::tables() const { return impl_->lookup_tables; }

bool is_readable(std::string_view text, Diagnostics& diagnostics) {
  if (text.size() > query_max) {
    diagnostics.add(ErrorCode::kql_syntax, {query_max, text.size()},
                    fmt::format("the query is longer than {} bytes", query_max));
    return false;
  }
  if (is_utf8(text)) return true;
  diagnostics.add(ErrorCode::kql_syntax, {}, "the query is not UTF-8");
  return false;
}

void note_length(std::string_view query, Program::Impl& program) {
  constexpr std::size_t portable_size_max = 15'360;  // Azure Monitor, service limits of data collection rules
  if (query.size() <= portable_size_max) return;
  program.not_portable.push_back(
      {ErrorCode::kql_not_supported,
       {portable_size_max, query.size()},
       fmt::format("a query of more than {} characters is not portable to a DCR", portable_size_max)});
}

Compiled compile(std::string_view query, const Schema& schema, const Environment& environment) {
  Compiled compiled;
  if (!is_readable(query, compiled.diagnostics)) return compiled;
  const Query tree = parse_query(query, compiled.diagnostics);
  auto impl = std::make_unique<Program::Impl>();
  PipelineBinder binder(*impl, compiled.diagnostics, environment);
  if (compiled.diagnostics.is_empty()) binder.bind(tree, schema);
  binder.read_outputs();
  note_length(query, *impl);
  if (compiled.diagnostics.is_empty()) compiled.program = std::make_shared<Program>(std::move(impl));
  return compiled;
}

// Goes back to the last star only, so it takes the product of the lengths at most.
bool matches_pattern(std::string_view pattern, std::string_view name) {
  std::size_t at = 0;
  std::size_t in_name = 0;
  std::size_t behind_star = std::string_view::npos;
  std::size_t star_took_to = 0;
  while (in_name < name.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      behind_star = ++at;
      star_took_to = in_name;
    } else if (at < pattern.size() && pattern[at] == name[in_name]) {
      ++at;
      ++in_name;
    } else if (behind_star != std::string_view::npos) {
      at = behind_star;
      in_name = ++star_took_to;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

bool survives(const std::vector<MemberRule>& rules, std::string_view name) {
  return std::ranges::all_of(rules, [&](const MemberRule& rule) {
    const auto matches = [&](const std::string& pattern) { return matches_pattern(pattern, name); };
    return std::ranges::any_of(rule.patterns, matches) == rule.keeps;
  });
}

std::size_t Program::Impl::add_input(Input input) {
  inputs.push_back(std::move(input));
  input_slots.push_back(slots);
  return slots++;
}

bool Program::Impl::is_untouched(const OutputSlot& output_slot) const {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (input_slots[i] == output_slot.slot)
      return inputs[i].members.empty() && inputs[i].list.empty() && inputs[i].column == output_slot.column.name;
  return false;
}

void Program::Impl::hold_tables(Workspace& work) const {
  work.tables.resize(lookup_tables.size());
  for (std::size_t i = 0; i < lookup_tables.size(); ++i) lookup_tables[i]->impl().hold(work.tables[i]);
}

void Program::Impl::run(Frame& frame, const Next& emit) const {
  if (passes_front(frame)) run_behind_front(frame, emit);
}

bool Program::Impl::passes_front(Frame& frame) const {
  bool passes = true;
  for (std::size_t i = 0; passes && i < front_stages; ++i) {
    passes = false;
    const auto pass = [&] { passes = true; };
    stages[i]->run(frame, Next(pass));
  }
  return passes;
}

void Program::Impl::run_behind_front(Frame& frame, const Next& emit) const {
  hold_tables(frame.work);
  if (!is_table) return run_from(front_stages, frame, emit);
  for (const auto& row : tables) {
    for (const Assignment& cell : row) frame.slots[cell.slot] = cell.node->evaluate(frame);
    run_from(0, frame, emit);
  }
}

void Program::Impl::run_from(std::size_t stage, Frame& frame, const Next& emit) const {
  if (stage == stages.size()) return emit();
  const auto rest = [&] { run_from(stage + 1, frame, emit); };
  stages[stage]->run(frame, Next(rest));
}

struct Run::Impl {
  std::shared_ptr<const Program> program;
  Workspace work;
  std::vector<Datum> slots;
  std::vector<Datum> output;
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
  for (std::size_t i = 0; i < p.inputs.size(); ++i)
    frame.slots[p.input_slots[i]] = read_input(json(i), p.inputs[i], impl_->work);
  const auto row = [&] {
    for (std::size_t i = 0; i < impl_->output.size(); ++i) impl_->output[i] = frame.slots[p.output_slots[i].slot];
    emit(impl_->output);
  };
  p.run(frame, Next(row));
}

}  // namespace capstan::kql
