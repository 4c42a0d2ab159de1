#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "base/text.h"
#include "json_difference.h"
#include "kql/record_run.h"
#include "node_json.h"
#include "query_input.h"
#include "rule_test.h"

namespace capstan::app {

namespace {

using config::Node;
using Wish = RuleTestCase::Wish;

// A value is shown up to here.
constexpr std::size_t shown_size_max = 2000;

std::string shown(const std::string& json) {
  if (json.empty()) return "nothing";
  if (json.size() <= shown_size_max) return json;
  return fmt::format("{}… ({} bytes)", cut_utf8(json, shown_size_max), json.size());
}

// Runs one case: its records in, rows out.
class CaseRun final : private InputTaker {
public:
  CaseRun(Session& session, const RuleTestFile& file, const RuleTestCase& test)
      : session_(session), file_(file), test_(test), now_(file.now.value_or(session.clock.now())) {
    if (test.wish == Wish::messages) {
      transform_.emplace(file.route->transform);
      return;
    }
    if (file.program == nullptr) return;
    run_.emplace(file.program);
    run_->set_now(now_);
  }

  // The rows or messages, or the first error that a record gave.
  Result<std::vector<std::string>> rows() {
    if (!test_.input_file.empty()) {
      auto source = TRY(file_source(session_.files, test_.input_file));
      source = TRY(unpacked(std::move(source), test_.input_file));
      TRY(read_all(*source, test_.input_file));
    } else if (test_.input.kind == Node::Kind::sequence) {
      for (const Node& item : test_.input.items) TRY(add_node(item));
    } else {
      TRY(add_node(test_.input));
    }
    return std::move(rows_);
  }

private:
  Result<> add_node(const Node& node) {
    if (node.kind != Node::Kind::scalar) return add({node_json(node), {}});
    std::istringstream text(node.scalar);
    const auto source = stream_source(text);
    return read_all(*source, "input");
  }
  Result<> read_all(ByteSource& source, const std::string& name) {
    name_ = name;
    if (is_lines(file_.form))
      each_text_line(source, name, *this);
    else
      each_json_record(source, name, JsonLayout::free, *this);
    if (failure_) return std::move(*failure_);
    return {};
  }
  bool take(const InputPiece& piece) override {
    const auto added = add_text(piece.text);
    if (!added)
      failure_ = Error(added.error())
                     .during(fmt::format("{}, {} {}", name_, is_lines(file_.form) ? "line" : "record", piece.number));
    return !failure_;
  }
  // A route sends what cannot be read, marked, whatever its rule says.
  bool tell(const InputPiece& piece, const Error& trouble) override {
    const bool is_record = piece.number > 0 && transform_ && !is_lines(file_.form);
    Result<> added = is_record ? add({std::string(piece.text), {}}, true) : Result<>(trouble);
    if (!added) failure_ = std::move(added.error()).during(fmt::format("{}, record {}", name_, piece.number));
    return !failure_;
  }
  Result<> add_text(std::string_view text) { return add(TRY(read_line(text, file_.form, now_))); }

  Result<> add(LineRecord read, bool is_broken = false) {
    const std::size_t size = read.json.size();
    read.json.append(raw_padding, '\0');
    RecordView record;
    record.raw = std::string_view(read.json).substr(0, size);
    record.feed = test_.feed.empty() && is_lines(file_.form) ? to_string(file_.form) : std::string_view(test_.feed);
    record.id = test_.id;
    record.is_quarantined = is_broken;
    record.event_time = test_.time.value_or(read.time);
    const kql::Envelope envelope{test_.tenant, test_.source, now_};
    if (transform_) {
      TRY(add_messages(record, envelope));
    } else if (!run_) {
      rows_.emplace_back(record.raw);  // a route without a rule
    } else if (run_->is_filter()) {
      if (TRY(run_->keeps(record, envelope))) rows_.emplace_back(record.raw);
    } else {
      for (const std::string_view row : TRY(run_->rows(record, envelope))) rows_.emplace_back(row);
    }
    if (rows_.size() > rule_test_rows_max)
      return Error(ErrorCode::wrong_value,
                   fmt::format("running a test: expected at most {} records out", rule_test_rows_max));
    return {};
  }

  Result<> add_messages(const RecordView& record, const kql::Envelope& envelope) {
    std::string messages;
    std::size_t begin = 0;
    return transform_->append(record, envelope, messages, [&] {
      rows_.push_back(messages.substr(begin));
      begin = messages.size();
    });
  }

  Session& session_;
  const RuleTestFile& file_;
  const RuleTestCase& test_;
  Timestamp now_;
  std::optional<kql::RecordRun> run_;
  std::optional<runtime::TransformRun> transform_;  // where messages are wished for
  std::vector<std::string> rows_;
  std::string name_;  // of the input that is read
  std::optional<Error> failure_;
};

std::string message_difference(const std::string& expected, const std::string& got) {
  const auto at = std::ranges::mismatch(expected, got).in1 - expected.begin();
  return fmt::format("from byte {} on:\nexpected {}\n     got {}", at + 1, shown(expected), shown(got));
}

void compare_rows(const RuleTestCase& test, const std::vector<std::string>& rows, RuleTestOutcome& outcome) {
  const std::string_view noun = test.wish == Wish::messages ? "message" : "record";
  if (rows.size() != test.rows.size())
    outcome.complaints.push_back(
        fmt::format("expected {} {}{}, got {}", test.rows.size(), noun, test.rows.size() == 1 ? "" : "s", rows.size()));
  const Comparing comparing = test.wish == Wish::rows ? Comparing::exactly : Comparing::contains;
  for (std::size_t i = 0; i < std::max(rows.size(), test.rows.size()); ++i) {
    const std::string prefix = rows.size() + test.rows.size() > 2 ? fmt::format("{} {}: ", noun, i + 1) : std::string{};
    if (i >= rows.size() || i >= test.rows.size()) {
      outcome.complaints.push_back(fmt::format("{}expected {}, got {}", prefix,
                                               shown(i < test.rows.size() ? test.rows[i] : std::string{}),
                                               shown(i < rows.size() ? rows[i] : std::string{})));
      continue;
    }
    if (test.wish == Wish::messages) {
      if (rows[i] != test.rows[i]) outcome.complaints.push_back(prefix + message_difference(test.rows[i], rows[i]));
      continue;
    }
    const auto found = differences(test.rows[i], rows[i], comparing);
    if (!found.has_value()) {
      outcome.complaints.push_back(prefix + found.error().text());
      continue;
    }
    for (const JsonDifference& one : *found)
      outcome.complaints.push_back(fmt::format("{}{}{}expected {}, got {}", prefix, one.path,
                                               one.path.empty() ? "" : ": ", shown(one.expected), shown(one.got)));
  }
}

void judge_error(const RuleTestCase& test, const std::vector<std::string>& errors, RuleTestOutcome& outcome) {
  const bool is_met = std::ranges::any_of(errors, [&](const std::string& error) { return error.contains(test.error); });
  if (is_met) return;
  std::string got;
  for (const std::string& error : errors) got += (got.empty() ? "" : "\n") + error;
  outcome.complaints.push_back(
      fmt::format("expected an error with \"{}\", got {}", test.error, got.empty() ? "none" : got));
}

RuleTestOutcome run_case(Session& session, const RuleTestFile& file, const RuleTestCase& test) {
  RuleTestOutcome outcome{file.path, test.place, test.name, {}};
  if (!file.mistakes.empty()) {
    if (test.wish == Wish::error)
      judge_error(test, file.mistakes, outcome);
    else
      outcome.complaints = file.mistakes;
    return outcome;
  }
  const auto rows = CaseRun(session, file, test).rows();
  if (test.wish == Wish::error) {
    judge_error(test, rows.has_value() ? std::vector<std::string>{} : std::vector{rows.error().text()}, outcome);
  } else if (!rows.has_value()) {
    outcome.complaints.push_back(rows.error().text());
  } else if (test.wish == Wish::kept) {
    if (rows->empty()) outcome.complaints.emplace_back("expected something to be kept, got nothing");
  } else {
    compare_rows(test, *rows, outcome);
  }
  return outcome;
}

}  // namespace

std::vector<RuleTestOutcome> run_rule_tests(Session& session, const RuleTestFile& file) {
  std::vector<RuleTestOutcome> outcomes;
  outcomes.reserve(file.cases.size());
  for (const RuleTestCase& test : file.cases) outcomes.push_back(run_case(session, file, test));
  return outcomes;
}

}  // namespace capstan::app
