// What an answer means: records and the walk's next step, or trouble; and what is reported about it.
#include <fmt/format.h>

#include <algorithm>

#include "base/digest.h"
#include "mdca_source.h"

namespace capstan::mdca {

namespace {

// The archive's refusals so often in a row before they are believed.
constexpr unsigned archive_refusals_max = 3;
constexpr Duration archive_refusal_pause = std::chrono::seconds(2);
// A record that was not asked for may be known only while ids are remembered, with room to spare.
constexpr Duration memory_margin = std::chrono::days(1);

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

// In the order of their bits (mdca_walk.h, Oddity).
constexpr std::string_view oddity_words[] = {
    "the service shows pages without records and says that there are more; they are asked for again",
    "the service ignores skip: the same page comes again, so only the beginning and the end of a list can be read",
    "the service ignores filters: it shows records outside of the time asked for",
    "the service ignores the order asked for",
    "the service ignores the page size asked for",
    "the service lists records twice in one page",
    "the service called a page the last one that was not",
};

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
  const WalkShape shape = shape_of(turn);
  const Reading reading = walk.pieces.front().reading;
  if (walk.pieces.front().archived) archive_refusals_ = 0;
  page_sizes_[turn.feed->name()].answered(reading, limit_of(walk, shape), facts.records, facts.has_next, page->max);
  const Advance moved = advance(walk, shape, facts);
  seen_[key_of(turn)].after = walk;
  if (moved.pause > Duration::zero()) health_.pause(key_of(turn), moved.pause);
  remember_unread(turn, moved.unread, report);
  if (walk.pieces.empty()) {
    // A place that still cannot be shown stays on the list.
    if (turn.job.name == poison_job && !moved.unread.empty()) {
      job_of(turn).walk.reset();
      postpone_poisoned(state_of(turn), server_.now()->ms);
    } else {
      end(turn, Walk(walk));
    }
  }
  return progress(std::move(poll), std::move(report));
}

void Mdca::remember_unread(const Turn& turn, const std::vector<Piece>& pieces, FeedReport& report) {
  for (Piece piece : pieces) {
    if (!piece.from) piece.from = 0;
    if (!piece.to) piece.to = std::max(job_of(turn).walk->started, *piece.from);
    append(report.note, fmt::format("more records than the service can page through in {}", span_of(piece)));
    if (turn.job.name == window_job)
      state_.window_unread = report.note;
    else if (turn.job.name != poison_job && !turn.feed->is_inventory())
      add_poisoned(state_of(turn), piece, 0, server_.now()->ms);
  }
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
  const WalkShape shape = shape_of(turn);
  const std::int64_t newest_before = state.newest;
  SeenIds& seen = seen_[key_of(turn)].ids;
  PageFacts facts;
  facts.records = static_cast<std::int64_t>(page.records.size());
  facts.has_next = page.has_next;
  facts.total = page.total;
  facts.next_filters = page.next_filters;
  std::set<std::uint64_t> ids;
  std::uint64_t without_id = 0;
  std::uint64_t quarantined = 0;
  std::int64_t arrived = 0;
  std::optional<std::int64_t> before;
  std::optional<std::int64_t> before_within;
  const auto is_out_of_order = [is_descending](std::optional<std::int64_t>& last, std::int64_t at) {
    const auto previous = std::exchange(last, at);
    return previous && (is_descending ? at > *previous : at < *previous);
  };
  for (const std::string_view raw : page.records) {
    const Envelope envelope = reader_.read(turn.feed->name(), raw);
    without_id += envelope.has_no_id ? 1 : 0;
    quarantined += envelope.is_quarantined ? 1 : 0;
    const std::uint64_t id_hash = hash64(envelope.id);
    if (facts.first_id == 0) facts.first_id = id_hash;
    facts.ids = hash64(envelope.id, facts.ids);
    if (!ids.insert(id_hash).second) facts.has_repeats = true;
    const bool is_fresh = seen.add(id_hash);
    if (is_fresh) ++facts.fresh;
    int place = 0;
    if (const auto time = by_event ? envelope.event_time : envelope.saved_time) {
      const std::int64_t at = epoch_ms(*time);
      place = place_of(walk, shape, at);
      if (place != 0) ++(place < 0 ? facts.below : facts.above);
      if (is_out_of_order(before, at)) facts.is_all_sorted = false;
      if (place == 0) {
        if (is_out_of_order(before_within, at)) facts.is_sorted = false;
        facts.oldest = std::min(facts.oldest.value_or(at), at);
        facts.newest = std::max(facts.newest.value_or(at), at);
      }
      const bool is_future = now.is_dated && server_.is_future(at);
      if (is_main && !is_crosswise && !is_future) {
        if (is_fresh && at > newest_before) ++arrived;
        state.newest = std::max(state.newest, at);
      }
      if (!turn.feed->is_inventory() && !is_crosswise) server_.learn_record(at);
      if (!turn.feed->is_inventory() && !is_crosswise && now.is_dated && turn.job.name != window_job)
        lateness_[turn.feed->name()].read(envelope.id, *time, from_epoch_ms(walk.started));
    }
    if (envelope.event_time && envelope.saved_time && is_main && !turn.feed->is_inventory())
      save_times_[turn.feed->name()].add(*envelope.saved_time - *envelope.event_time);
    if (is_whole && !is_fresh) continue;
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
    if (!is_wanted(turn, record, place != 0)) continue;
    TRY(poll.batch.add(record));
  }
  if (newest_before > 0 && arrived > 0) arrivals_[turn.feed->name()].moved(newest_before, state.newest, arrived);
  report.records_read = page.records.size();
  if (without_id > 0) append(report.note, fmt::format("{} records without id", without_id));
  if (quarantined > 0) append(report.note, fmt::format("{} records that are not well-formed", quarantined));
  if (const auto outside = static_cast<std::uint64_t>(facts.below + facts.above); outside > 0) {
    outside_[turn.feed->name()] += outside;
    append(report.note,
           fmt::format("{} records outside of the time asked for ({} so far)", outside, outside_[turn.feed->name()]));
  }
  return facts;
}

// What was not asked for is taken all the same, unless it is so old that nobody could tell whether it was taken before:
// a service that ignores filters would make a double of it with every page.
bool Mdca::is_wanted(const Turn& turn, const RecordView& record, bool is_outside) {
  if (!is_outside || turn.job.name == window_job) return true;
  const auto remember = turn.feed->traits().remember;
  const std::int64_t newest = state_of(turn).newest;
  return !remember || epoch_ms(record.saved_time) >= newest - (*remember - memory_margin).count();
}

bool Mdca::is_in_window(const RecordView& record) const {
  return record.saved_time >= state_.window->from && record.saved_time < state_.window->to;
}

// The archive is not a documented part of the API: a tenant without it must not be held by it. Once is no proof: a 403
// and a 404 have been seen to pass. True: it was taken care of.
bool Mdca::archive_refused(const Turn& turn, const Error& error) {
  FeedState& state = state_of(turn);
  Job& job = state.jobs[turn.job.name];
  if (!job.walk || job.walk->pieces.empty() || !job.walk->pieces.front().archived) return false;
  const bool is_request = error.code() == ErrorCode::request_refused;
  if (!is_request && error.code() != ErrorCode::endpoint_not_found && error.code() != ErrorCode::permission_missing)
    return false;
  if (++archive_refusals_ < archive_refusals_max) {
    health_.pause(key_of(turn), archive_refusal_pause);
    return true;
  }
  archive_refusals_ = 0;
  const std::int64_t now = server_.now()->ms;
  const bool is_by_saved_time = job.walk->pieces.front().by_saved_time;
  leave_piece(*job.walk);
  (is_request && is_by_saved_time ? state.archive_refused_created_at : state.archive_refused_at) = now;
  learn_manners(turn.feed->name(), state);
  if (turn.job.name == window_job) {
    state_.window_unread = turn.feed->gap_in(state, *state_.window, *server_.now());
    if (is_request && is_by_saved_time) job.walk = turn.feed->plan_window(state, *state_.window, *server_.now());
  } else if (is_by_saved_time) {
    // It was not done: the next time begins where this one began.
    job.walk.reset();
    if (is_request) job.walk = turn.feed->plan(state, turn.job.name, *server_.now());
    return true;
  }
  if (job.walk->pieces.empty()) end(turn, Walk(*job.walk));
  return true;
}

// A 400 may mean the page size, or the form of the question. What it names is changed; where it names nothing the size
// is tried first. True: there is another way to ask.
bool Mdca::asks_in_another_form(const Turn& turn, const Error& error) {
  if (error.code() != ErrorCode::request_refused) return false;
  FeedState& state = state_of(turn);
  Job& job = state.jobs[turn.job.name];
  const auto names = [&error](std::string_view word) { return error.text().find(word) != std::string::npos; };
  const bool names_a_form = names("filters") || names("sort") || names("isScan");
  if (job.walk && !job.walk->pieces.empty() && (names("limit") || !names_a_form)) {
    const Reading reading = job.walk->pieces.front().reading;
    const std::int64_t asked = limit_of(*job.walk, shape_of(turn));
    // Without a word about it, only what lies above the documented sizes is suspected.
    const std::int64_t documented = reading == Reading::scan ? scan_size_min : page_size_max;
    if ((names("limit") || asked > documented) && page_sizes_[turn.feed->name()].refused(reading, asked)) return true;
  }
  if (!turn.feed->take_refusal(state, turn.job.name)) return false;
  state.jobs[turn.job.name].walk.reset();
  learn_manners(turn.feed->name(), state);
  return true;
}

Result<Poll> Mdca::failed(const Turn& turn, Error error) {
  if (error.code() == ErrorCode::interrupted) return error;
  FeedState& state = state_of(turn);
  Job& job = state.jobs[turn.job.name];
  FeedReport report;
  report.feed = turn.feed->name();
  // Where there is another way to go on, the feed's note says so, and it was not stopped.
  if (archive_refused(turn, error) || asks_in_another_form(turn, error)) return progress({}, std::move(report));
  if (turn.job.name == poison_job && blames_window(error.code())) {
    state.jobs[turn.job.name].walk.reset();
    postpone_poisoned(state, server_.now()->ms);
    return progress({}, std::move(report));
  }
  const Health::Failure failure{.is_main = turn.job.name == main_job || turn.job.name == window_job,
                                .blames_window = blames_window(error.code()) && server_.now().has_value(),
                                .is_narrow = job.walk && is_narrow(*job.walk)};
  if (health_.failed(turn.feed->name(), key_of(turn), error, failure))
    report.error = error;
  else
    append(report.note, fmt::format("asked again, because the service answered: {}", error.text()));
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

std::optional<Timestamp> Mdca::service_time() const {
  const auto dated = server_.dated();
  return dated ? std::optional(from_epoch_ms(*dated)) : std::nullopt;
}

Poll Mdca::progress(Poll poll, FeedReport report) {
  poll.service_time = service_time();
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
      if (health_.is_job_held(key_of(turn))) continue;
      if (!health_.is_held(turn.feed->name())) poll.is_drained = false;
      if (turn.feed->name() == report.feed) feed_is_drained = false;
    } else if (server_.now() && turn.job.name != window_job) {
      if (const auto due = due_in(turn)) sooner(std::max(*due, held));
    }
  }
  poll.wait = wait.value_or(Duration(options_.interval));
  if (report.feed.empty()) return poll;
  const FeedState& state = state_.feeds[report.feed];
  if (state.newest != 0) report.newest = from_epoch_ms(state.newest);
  if (const auto spans = save_times_.find(report.feed); spans != save_times_.end() && spans->second.count() > 0)
    report.lateness = spans->second.quantile(0.99);
  report.is_drained = feed_is_drained;
  describe_pace(report);
  if (state_.window && !state_.window_unread.empty() && poll.is_drained && !report.error) report.error = window_error();
  for (const auto& feed : feeds_)
    if (feed->name() == report.feed) {
      std::string note = note_of(*feed, state);
      append(note, report.note);
      report.note = std::move(note);
    }
  poll.feeds.push_back(std::move(report));
  return poll;
}

Error Mdca::window_error() const {
  return Error(ErrorCode::window_unread,
               fmt::format("reading {} of tenant {} from {} to {} again: {}", state_.window->feed, tenant_->name(),
                           to_iso8601(state_.window->from), to_iso8601(state_.window->to), state_.window_unread));
}

// How many records come, and how many the request budget lets through.
void Mdca::describe_pace(FeedReport& report) const {
  const auto sizes = page_sizes_.find(report.feed);
  if (sizes == page_sizes_.end()) return;
  const std::int64_t cap = std::max(sizes->second.cap(Reading::scan), sizes->second.cap(Reading::pages));
  if (cap == 0) return;
  report.page_size = cap;
  report.possible_per_second = static_cast<double>(cap) * tenant_->governor().requests_per_minute() / 60;
  if (const auto arrivals = arrivals_.find(report.feed); arrivals != arrivals_.end())
    report.arriving_per_second = arrivals->second.rate();
}

std::string Mdca::note_of(const Feed& feed, const FeedState& state) const {
  std::string note = feed.note(state);
  append(note, server_.note());
  std::uint32_t odd = 0;
  for (const auto& [key, bits] : oddities_)
    if (key.starts_with(feed.name() + "/")) odd |= bits;
  for (const auto& [name, job] : state.jobs)
    if (job.walk) odd |= job.walk->oddities;
  for (std::size_t bit = 0; bit < std::size(oddity_words); ++bit)
    if ((odd >> bit & 1) != 0) append(note, std::string(oddity_words[bit]));
  if (state.poisoned.empty()) return note;
  const Poisoned& first = state.poisoned.front();
  append(note, fmt::format("the service cannot show {} window{}, the first from {} to {}; asked again every hour",
                           state.poisoned.size(), state.poisoned.size() == 1 ? "" : "s",
                           to_iso8601(from_epoch_ms(first.from)), to_iso8601(from_epoch_ms(first.to))));
  return note;
}

}  // namespace capstan::mdca
