#include "runtime/transform.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace capstan::runtime {

namespace {

std::string text_of(const kql::Wanted& wanted, const kql::WantedPlace& place) {
  switch (place.part) {
    case kql::WantedPlace::Part::lets:
      return wanted.lets;
    case kql::WantedPlace::Part::when:
      return wanted.shapes[place.shape].when;
    case kql::WantedPlace::Part::cell:
      break;
  }
  return wanted.shapes[place.shape].cells[place.cell];
}

// An expression that is for several feeds has its mistakes once.
void add_new(std::vector<TransformProblem>& problems, TransformProblem problem) {
  const auto is_same = [&](const TransformProblem& known) {
    return to_string(known) == to_string(problem) && to_string(known.origin.place) == to_string(problem.origin.place);
  };
  if (std::ranges::none_of(problems, is_same)) problems.push_back(std::move(problem));
}

}  // namespace

std::string to_string(const TransformProblem& problem, std::string_view rule_name) {
  return kql::render_without_code(problem.diagnostic, problem.is_in_rule ? rule_name : problem.origin.what,
                                  problem.text);
}

std::shared_ptr<const Transform> Transform::compile(std::string_view rule, const kql::Schema& schema,
                                                    std::span<const std::string> feeds, const Encoder& encoder,
                                                    std::vector<TransformProblem>& problems,
                                                    const kql::Environment& environment) {
  const std::size_t problems_before = problems.size();
  std::shared_ptr<Transform> made(new Transform(encoder));
  const auto in_rule = [&](const kql::Diagnostics& diagnostics) {
    for (const kql::Diagnostic& diagnostic : diagnostics.all())
      problems.push_back({true, false, diagnostic, {}, std::string(rule)});
  };
  std::shared_ptr<const kql::Program> plain;
  if (!rule.empty()) {
    kql::Compiled compiled = kql::compile(rule, schema, environment);
    in_rule(compiled.diagnostics);
    plain = std::move(compiled.program);
    if (!plain) return nullptr;
  }
  // Feeds of which the encoder wants the same share a program.
  std::map<const kql::Wanted*, std::shared_ptr<const kql::Program>> known;
  std::vector<std::string> all(feeds.begin(), feeds.end());
  all.emplace_back();
  for (const std::string& feed : all) {
    const kql::Wanted* wanted = encoder.wanted(feed);
    if (wanted == nullptr) {
      made->feeds_.push_back({feed, plain, false});
      continue;
    }
    auto [program, is_new] = known.try_emplace(wanted);
    if (is_new) {
      kql::CompiledWanted compiled = kql::compile(rule, schema, *wanted, environment);
      in_rule(compiled.rule);
      for (const kql::WantedProblem& problem : compiled.problems)
        add_new(problems, {false, false, problem.diagnostic, encoder.origin(feed, problem.place),
                           text_of(*wanted, problem.place)});
      for (const kql::WantedProblem& doubt : compiled.doubts)
        add_new(problems,
                {false, true, doubt.diagnostic, encoder.origin(feed, doubt.place), text_of(*wanted, doubt.place)});
      program->second = std::move(compiled.program);
    }
    made->feeds_.push_back({feed, program->second, true});
  }
  const bool is_good = std::all_of(problems.begin() + static_cast<std::ptrdiff_t>(problems_before), problems.end(),
                                   [](const TransformProblem& problem) { return problem.is_doubt; });
  return is_good ? made : nullptr;
}

TransformRun::TransformRun(std::shared_ptr<const Transform> transform) : transform_(std::move(transform)) {
  for (const Transform::OfFeed& of : transform_->feeds()) {
    Lane& lane = lanes_.emplace_back();
    lane.of = &of;
    if (of.program) lane.run.emplace(of.program);
  }
}

TransformRun::Lane& TransformRun::lane(std::string_view feed) {
  for (Lane& lane : lanes_)
    if (lane.of->feed == feed) return lane;
  return lanes_.back();
}

Result<> TransformRun::write(const Row& row, std::string& out, FunctionRef<void()> on_message) {
  TRY(transform_->encoder().encode(row, out));
  on_message();
  return {};
}

Result<> TransformRun::append(const RecordView& record, const kql::Envelope& envelope, std::string& out,
                              FunctionRef<void()> on_message) {
  const auto row_of = [&](const RecordView& view) {
    return Row{view, 0, {}, envelope.tenant, envelope.source, envelope.ingest_time};
  };
  const auto as_broken = [&] {
    RecordView broken = record;
    broken.is_quarantined = true;
    return write(row_of(broken), out, on_message);
  };
  if (record.is_quarantined) return write(row_of(record), out, on_message);
  Lane& chosen = lane(record.feed);
  if (!chosen.run) return write(row_of(record), out, on_message);
  kql::RecordRun& run = *chosen.run;
  run.set_now(envelope.ingest_time);
  if (chosen.of->has_cells) {
    const auto each = [&](std::size_t shape, std::span<const kql::Datum> cells) {
      return write({record, shape, cells, envelope.tenant, envelope.source, envelope.ingest_time}, out, on_message);
    };
    const Result<> written = run.cells(record, envelope, each);
    return !written && written.error().code() == ErrorCode::broken_record ? as_broken() : written;
  }
  if (run.is_filter()) {
    const Result<bool> keeps = run.keeps(record, envelope);
    if (!keeps) return as_broken();
    return *keeps ? write(row_of(record), out, on_message) : Result<>{};
  }
  const Result<std::span<const std::string_view>> rows = run.rows(record, envelope);
  if (!rows && rows.error().code() != ErrorCode::broken_record) return rows.error();
  if (!rows) return as_broken();
  for (const std::string_view row : *rows) {
    RecordView made = record;
    made.raw = row;
    made.is_wtf8 = false;
    TRY(write(row_of(made), out, on_message));
  }
  return {};
}

}  // namespace capstan::runtime
