// What an answer means: records and the walk's next step, or trouble; and what is reported about it.
#include <fmt/format.h>

#include <algorithm>

#include "base/digest.h"
#include "mdca_source.h"

namespace capstan::mdca {

namespace {

// Of times ahead of the service's own: clocks of its machines differ by less.
constexpr std::int64_t future_max = 3'600'000;

bool blames_window(ErrorCode code) {
  return code == ErrorCode::service_unavailable || code == ErrorCode::timed_out || code == ErrorCode::unexpected_answer;
}

std::string span_of(const Piece& piece) {
  if (piece.at) return to_iso8601(from_epoch_ms(*piece.at));
  return fmt::format("{} to {}", piece.from ? to_iso8601(from_epoch_ms(*piece.from)) : "the beginning",
                     piece.to ? to_iso8601(from_epoch_ms(*piece.to)) : "now");
}

// Nothing is left to halve: what fails now is passed over, so it has to fail more than once.
bool is_narrow(const Walk& walk) {
  if (walk.pieces.empty()) return false;
  const Piece& piece = walk.pieces.front();
  return piece.reading == Reading::singles || (piece.from && piece.from == piece.to);
}

void append(std::string& note, const std::string& more) {
  if (more.empty()) return;
  if (!note.empty()) note += "; ";
  note += more;
}

}  // namespace

Result<Poll> Mdca::absorb(const Turn& turn, const net::Response& response) {
  auto page = read_page(response.body);
  if (!page)
    return failed(
        turn,
        std::move(page.error()).during(fmt::format("polling {} of tenant {}", turn.feed->name(), tenant_->name())));
  health_.succeeded(turn.feed->name(), key_of(turn));
  if (!page->records.empty()) {
    const auto bytes = static_cast<std::int64_t>(response.body.size() / page->records.size());
    record_bytes_ = std::max<std::int64_t>({bytes, record_bytes_ - record_bytes_ / 8, 1});
  }
  Poll poll;
  FeedReport report;
  report.feed = turn.feed->name();
  const PageFacts facts = TRY(take_records(turn, *page, poll, report));
  Walk& walk = *job_of(turn).walk;
  const Advance moved = advance(walk, shape_of(turn), facts);
  if (moved.beyond_reach) {
    add_poisoned(state_of(turn), *moved.beyond_reach, 0, server_.now()->ms);
    append(report.note,
           fmt::format("more records than the service can page through in {}", span_of(*moved.beyond_reach)));
  }
  if (walk.pieces.empty()) end(turn, Walk(walk));
  return progress(std::move(poll), std::move(report));
}

Result<PageFacts> Mdca::take_records(const Turn& turn, const Page& page, Poll& poll, FeedReport& report) {
  FeedState& state = state_of(turn);
  const Walk& walk = *job_of(turn).walk;
  const bool by_event = goes_by_event_time(walk, shape_of(turn));
  const bool is_crosswise = walk.pieces.front().at.has_value();
  const bool is_descending = walk.pieces.front().descending;
  const bool is_main = turn.job.name == main_job;
  const bool is_whole = turn.feed->traits().repetition == Repetition::none;
  const ServerTime now = *server_.now();
  PageFacts facts;
  facts.records = static_cast<std::int64_t>(page.records.size());
  facts.has_next = page.has_next;
  facts.total = page.total;
  facts.next_filters = page.next_filters;
  std::set<std::uint64_t> ids;
  std::uint64_t without_id = 0;
  std::uint64_t quarantined = 0;
  std::optional<std::int64_t> before;
  for (const std::string_view raw : page.records) {
    const Envelope envelope = reader_.read(turn.feed->name(), raw);
    without_id += envelope.has_no_id ? 1 : 0;
    quarantined += envelope.is_quarantined ? 1 : 0;
    const std::uint64_t id_hash = hash64(envelope.id);
    facts.ids = hash64(envelope.id, facts.ids);
    if (const auto time = by_event ? envelope.event_time : envelope.saved_time) {
      const std::int64_t at = epoch_ms(*time);
      if (before && (is_descending ? at > *before : at < *before)) facts.is_sorted = false;
      before = at;
      facts.oldest = std::min(facts.oldest.value_or(at), at);
      facts.newest = std::max(facts.newest.value_or(at), at);
      if (is_main && !is_crosswise && (!now.is_dated || at <= now.ms + future_max))
        state.newest = std::max(state.newest, at);
      if (!now.is_dated) server_.learn_record(at);
      if (!turn.feed->is_inventory() && !is_crosswise && now.is_dated && turn.job.name != window_job)
        lateness_[turn.feed->name()].read(envelope.id, *time, from_epoch_ms(walk.started));
    }
    if (envelope.event_time && envelope.saved_time && is_main && !turn.feed->is_inventory())
      save_times_[turn.feed->name()].add(*envelope.saved_time - *envelope.event_time);
    ids.insert(id_hash);
    if (is_whole && page_before_.contains(id_hash)) continue;
    RecordView record;
    record.feed = turn.feed->name();
    record.id = envelope.id;
    record.raw = raw;
    record.event_time = envelope.event_time.value_or(from_epoch_ms(now.ms));
    record.saved_time = envelope.saved_time.value_or(record.event_time);
    record.content_hash = envelope.content_hash;
    record.is_quarantined = envelope.is_quarantined;
    record.is_wtf8 = envelope.is_wtf8;
    if (turn.job.name == window_job && envelope.saved_time && !turn.feed->is_inventory() && !is_in_window(record))
      continue;
    TRY(poll.batch.add(record));
  }
  page_before_ = std::move(ids);
  report.records_read = page.records.size();
  if (without_id > 0) append(report.note, fmt::format("{} records without id", without_id));
  if (quarantined > 0) append(report.note, fmt::format("{} records that are not well-formed", quarantined));
  return facts;
}

bool Mdca::is_in_window(const RecordView& record) const {
  return record.saved_time >= state_.window->from && record.saved_time < state_.window->to;
}

// The archive is not a documented part of the API: a tenant without it must not be held by it. A 403 has been seen to
// pass, so it has to come three times.
bool Mdca::is_final_for_archive(ErrorCode code) {
  if (code == ErrorCode::request_refused || code == ErrorCode::endpoint_not_found) return true;
  return code == ErrorCode::permission_missing && ++archive_forbidden_ >= 3;
}

Result<Poll> Mdca::failed(const Turn& turn, Error error) {
  if (error.code() == ErrorCode::interrupted) return error;
  FeedState& state = state_of(turn);
  Job& job = state.jobs[turn.job.name];
  FeedReport report;
  report.feed = turn.feed->name();
  // Where there is another way to go on, the feed's note says so, and it was not stopped.

  if (job.walk && !job.walk->pieces.empty() && job.walk->pieces.front().archived &&
      is_final_for_archive(error.code())) {
    state.archive_refused = true;
    leave_piece(*job.walk);
    if (job.walk->pieces.empty()) end(turn, Walk(*job.walk));
    return progress({}, std::move(report));
  }
  if (error.code() == ErrorCode::request_refused && turn.feed->take_refusal(state, turn.job.name)) {
    state.jobs[turn.job.name].walk.reset();
    dialects_[turn.feed->name()] = state.dialect;
    return progress({}, std::move(report));
  }
  if (turn.job.name == poison_job && blames_window(error.code())) {
    state.jobs[turn.job.name].walk.reset();
    postpone_poisoned(state, server_.now()->ms);
    return progress({}, std::move(report));
  }
  report.error = error;
  health_.failed(turn.feed->name(), key_of(turn), error, blames_window(error.code()) && server_.now().has_value(),
                 job.walk && is_narrow(*job.walk));
  Poll poll = progress({}, std::move(report));
  if (auto all = health_.common_error(mains())) return std::move(*all);
  return poll;
}

void Mdca::narrow_down(const Turn& turn, FeedReport& report) {
  Job& job = job_of(turn);
  const Narrowing narrowing = narrow(*job.walk, shape_of(turn));
  if (narrowing.passed_over) {
    add_poisoned(state_of(turn), *narrowing.passed_over, 1, server_.now()->ms);
    report.records_passed_over = 1;
    report.error =
        Error(ErrorCode::poisoned_record,
              fmt::format("polling {} of tenant {}: the service cannot show a record of {}; going on behind it",
                          turn.feed->name(), tenant_->name(), span_of(*narrowing.passed_over)));
  }
  if (job.walk->pieces.empty()) end(turn, *job.walk);
}

// --- reporting ---

Poll Mdca::progress(Poll poll, FeedReport report) {
  poll.next.text = write(state_);
  loaded_ = poll.next.text;
  poll.is_drained = true;
  std::optional<Duration> wait;
  const auto sooner = [&wait](Duration other) { wait = std::min(wait.value_or(other), other); };
  bool feed_is_drained = true;
  for (const auto& turn : turns()) {
    const Duration held = health_.wait(turn.feed->name(), key_of(turn));
    const bool has_work = is_ready(turn);
    if (has_work) {
      sooner(held);
      if (!health_.is_held(turn.feed->name())) poll.is_drained = false;
      if (turn.feed->name() == report.feed) feed_is_drained = false;
    } else if (const auto now = server_.now(); now && turn.job.name != window_job) {
      const std::int64_t due = turn.feed->due_at(state_.feeds[turn.feed->name()], turn.job.name);
      if (due != never) sooner(std::max(Duration(due - now->ms), held));
    }
  }
  poll.wait = wait.value_or(Duration(options_.interval));
  if (report.feed.empty()) return poll;
  const FeedState& state = state_.feeds[report.feed];
  if (state.newest != 0) report.newest = from_epoch_ms(state.newest);
  if (const auto spans = save_times_.find(report.feed); spans != save_times_.end() && spans->second.count() > 0)
    report.lateness = spans->second.quantile(0.99);
  report.is_drained = feed_is_drained;
  for (const auto& feed : feeds_)
    if (feed->name() == report.feed) {
      std::string note = note_of(*feed, state);
      append(note, report.note);
      report.note = std::move(note);
    }
  poll.feeds.push_back(std::move(report));
  return poll;
}

std::string Mdca::note_of(const Feed& feed, const FeedState& state) const {
  std::string note = feed.note(state);
  if (state.poisoned.empty()) return note;
  const Poisoned& first = state.poisoned.front();
  append(note, fmt::format("the service cannot show {} window{}, the first from {} to {}; asked again every hour",
                           state.poisoned.size(), state.poisoned.size() == 1 ? "" : "s",
                           to_iso8601(from_epoch_ms(first.from)), to_iso8601(from_epoch_ms(first.to))));
  return note;
}

}  // namespace capstan::mdca
