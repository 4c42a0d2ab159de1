#include "query_messages.h"

#include "app/components.h"

namespace capstan::app {

namespace {

std::unique_ptr<Encoder> make_encoder(Session& session, config::Findings& findings) {
  config::Node options;
  options.kind = config::Node::Kind::map;
  if (const std::string mapping = session.arguments.text("mapping"); !mapping.empty()) {
    config::Node value;
    value.kind = config::Node::Kind::scalar;
    value.scalar = mapping;
    options.members.push_back({"mapping", {}, value});
  }
  const Kind<Encoder>* kind = builtin_components().encoders.find(session.arguments.text("to"));
  const BuildContext context{session.world(), "query", [](std::string_view) { return nullptr; }};
  return kind == nullptr ? nullptr : kind->make(options, context, findings);
}

}  // namespace

Result<std::optional<QueryMessages>> QueryMessages::make(Session& session, InputForm form,
                                                         const kql::Environment& environment) {
  const std::string feed = session.arguments.text("feed");
  if (!is_lines(form) && feed.empty())
    return Error(ErrorCode::wrong_usage,
                 "writing " + session.arguments.text("to") +
                     ": expected --feed with it, since mappings are by feed; activities, alerts …");
  config::Findings findings;
  auto encoder = make_encoder(session, findings);
  std::shared_ptr<const runtime::Transform> transform;
  if (encoder) {
    const std::vector<std::string> feeds{feed.empty() ? std::string(to_string(form)) : feed};
    const kql::Schema schema = TRY(input_schema(session.arguments.text("schema"), feed, form));
    std::vector<runtime::TransformProblem> problems;
    transform =
        runtime::Transform::compile(session.arguments.text("query"), schema, feeds, *encoder, problems, environment);
    for (const runtime::TransformProblem& problem : problems)
      problem.is_doubt ? findings.warn(problem.diagnostic.code, problem.origin.place, runtime::to_string(problem))
                       : findings.add(problem.diagnostic.code, problem.origin.place, runtime::to_string(problem));
  }
  session.streams.err << findings_text(findings, session.streams.err_is_terminal);
  if (!transform) return std::optional<QueryMessages>();
  return std::optional<QueryMessages>(QueryMessages(std::move(encoder), std::move(transform), !is_lines(form)));
}

QueryMessages::QueryMessages(std::unique_ptr<Encoder> encoder, std::shared_ptr<const runtime::Transform> transform,
                             bool is_json)
    : encoder_(std::move(encoder)), run_(std::move(transform)), is_json_(is_json) {}

Result<bool> QueryMessages::append(const RecordView& record, const kql::Envelope& envelope, std::string& out) {
  RecordView named = record;
  if (is_json_) TRY(identity_.name(named));
  const std::size_t before = out.size();
  const Result<> appended = run_.append(named, envelope, out, [&] { out += '\n'; });
  if (!appended) {
    out.resize(before);
    return appended.error();
  }
  return out.size() > before;
}

}  // namespace capstan::app
