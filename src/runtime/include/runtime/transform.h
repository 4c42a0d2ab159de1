// What becomes of a record on a route: its rule and its message as one program a feed, compiled together, so that a
// record is walked once for both.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "component/encoder.h"
#include "kql/record_run.h"
#include "kql/schemas.h"

namespace capstan::runtime {

// A mistake in a rule, or in an expression of the encoder.
struct TransformProblem {
  bool is_in_rule = false;
  bool is_doubt = false;  // allowed, and probably not meant
  kql::Diagnostic diagnostic;
  WantedOrigin origin;  // of an expression
  std::string text;     // of the rule or the expression
};
// "query:1:18: …", with the line and a caret. `rule_name`: what a rule is called, a file perhaps.
std::string to_string(const TransformProblem& problem, std::string_view rule_name = "query");

// Immutable; any number of threads. The encoder outlives it.
class Transform {
public:
  // `rule` may be empty. `feeds` are those that will come; what others look like is
  // compiled once for all of them. Nothing when there are problems.
  static std::shared_ptr<const Transform> compile(std::string_view rule, const kql::Schema& schema,
                                                  std::span<const std::string> feeds, const Encoder& encoder,
                                                  std::vector<TransformProblem>& problems,
                                                  const kql::Environment& environment = {});

  struct OfFeed {
    std::string feed;                             // empty: every other
    std::shared_ptr<const kql::Program> program;  // nothing: every record as it is
    bool has_cells = false;                       // the encoder wants cells, not the row's JSON
  };
  const std::vector<OfFeed>& feeds() const { return feeds_; }  // the last is for every other
  const Encoder& encoder() const { return encoder_; }

private:
  explicit Transform(const Encoder& encoder) : encoder_(encoder) {}

  const Encoder& encoder_;
  std::vector<OfFeed> feeds_;
};

// One thread's.
class TransformRun {
public:
  explicit TransformRun(std::shared_ptr<const Transform> transform);

  // Appends the messages that come of one record and calls `on_message` behind each: one, none where the rule drops it,
  // several where it makes rows of it. now() is the ingest time, so that the same record is judged in the same way
  // whenever it is delivered. A record that cannot be read is never lost for that: it is written as a quarantined one.
  // On an error `out` may hold a part: the caller takes it back. Errors: not_encodable.
  Result<> append(const RecordView& record, const kql::Envelope& envelope, std::string& out,
                  FunctionRef<void()> on_message);

private:
  struct Lane {
    const Transform::OfFeed* of = nullptr;
    std::optional<kql::RecordRun> run;
  };
  Lane& lane(std::string_view feed);
  Result<> write(const Row& row, std::string& out, FunctionRef<void()> on_message);

  std::shared_ptr<const Transform> transform_;
  std::vector<Lane> lanes_;
};

}  // namespace capstan::runtime
