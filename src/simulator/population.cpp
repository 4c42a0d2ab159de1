#include "population.h"

#include <cmath>

#include "dice.h"
#include "raw_records.h"

namespace capstan::simulator {
namespace {

constexpr std::int64_t minute_ms = 60'000;
constexpr std::array<Stream, 5> streams{Stream::activities, Stream::alerts, Stream::entities, Stream::files,
                                        Stream::subnets};
// Of twenty happenings one is a change, in this order.
constexpr std::array<Stream, 6> changing{Stream::alerts, Stream::entities, Stream::alerts,
                                         Stream::files,  Stream::alerts,   Stream::subnets};
constexpr std::uint64_t round_size = 20;

// How long before it was saved an event happened. The service's own events are saved at once; those of connectors take
// minutes (mdca-api 2.7), a few take much longer.
std::int64_t saving_delay(Dice& dice) {
  const auto kind = dice.below(100);
  if (kind < 30) return dice.between(50, 130);
  if (kind < 95) return dice.between(104'000, 466'000);
  if (kind < 99) return dice.between(466'000, 30 * minute_ms);
  return dice.between(30 * minute_ms, 60 * minute_ms);
}

std::int64_t showing_delay(Dice& dice, Duration lateness) {
  const bool is_late = dice.below(2) == 0;
  return is_late && lateness > Duration::zero() ? dice.between(0, lateness.count()) : 0;
}

// Some appear hours or days late. Dice of its own, so that the other throws are the same with and without it.
std::int64_t appearing_delay(Stream stream, std::uint64_t index, const SimulatorOptions& options) {
  if (options.late_by.empty()) return 0;
  Dice dice(options.seed ^ 0x1a7e, static_cast<std::uint64_t>(stream), index);
  if (!dice.chance(options.late_share)) return 0;
  return options.late_by[dice.below(options.late_by.size())].count();
}

std::int64_t age_when_saved(std::uint64_t index, const SimulatorOptions& options) {
  Dice dice(options.seed ^ 0x01d, static_cast<std::uint64_t>(Stream::activities), index);
  return options.old_share > 0 && dice.chance(options.old_share) ? options.old_by.count() : 0;
}

// When entity, file or subnet number `index` was made, and what its event time is: one entity in nine was never seen.
Moment inventory_moment(Stream stream, Dice& dice, std::int64_t created, std::int64_t start) {
  if (stream == Stream::entities && dice.below(9) == 0) return {created, 0, created};
  const std::int64_t event =
      created +
      static_cast<std::int64_t>(dice.below(static_cast<std::uint64_t>(std::max<std::int64_t>(1, start - created))));
  return {created, stream == Stream::subnets ? created : event, created};
}

// `count` saved times spread over the history, in order; some in bursts and one crowd that share their millisecond.
std::vector<Moment> history(Stream stream, std::uint64_t count, const SimulatorOptions& options, std::int64_t start) {
  std::vector<Moment> moments;
  moments.reserve(count);
  const auto span = static_cast<double>(options.history.count());
  const std::uint64_t crowd_first = count / 2 - std::min(count, options.crowd) / 2;
  std::uint64_t sharing = 0;  // records still to come in the millisecond of the one before
  for (std::uint64_t i = 0; i < count; ++i) {
    Dice dice(options.seed ^ 0x5eed, static_cast<std::uint64_t>(stream), i);
    if (stream == Stream::activities && options.crowd > 0 && i == crowd_first) sharing = 0;
    if (sharing > 0) {
      --sharing;
      Moment same = moments.back();
      same.visible = same.created + showing_delay(dice, options.lateness);
      moments.push_back(same);
      continue;
    }
    const double place =
        (static_cast<double>(i) + static_cast<double>(dice.below(1000)) / 1000.0) / static_cast<double>(count);
    const std::int64_t created = start - options.history.count() + static_cast<std::int64_t>(std::floor(span * place));
    const std::int64_t late = appearing_delay(stream, i, options);
    if (stream == Stream::activities) {
      const std::int64_t event = created - saving_delay(dice) - age_when_saved(i, options);
      moments.push_back({created, event, created + showing_delay(dice, options.lateness) + late});
      const double burst_mean = (2.0 + static_cast<double>(options.burst_size_max)) / 2;
      if (options.crowd > 0 && i == crowd_first) {
        sharing = options.crowd - 1;
      } else if (options.burst_size_max > 1 && dice.chance(options.burst_share / burst_mean)) {
        sharing = 1 + dice.below(options.burst_size_max - 1);
      }
    } else if (stream == Stream::alerts) {
      moments.push_back(
          {created, created - dice.between(0, 5 * minute_ms), created + showing_delay(dice, options.lateness) + late});
    } else {
      moments.push_back(inventory_moment(stream, dice, created, start));
    }
  }
  // Whoever follows a burst was saved after it, or in the same millisecond.
  for (std::size_t i = 1; i < moments.size(); ++i) {
    const std::int64_t behind = moments[i - 1].created - moments[i].created;
    if (behind <= 0) continue;
    moments[i].created += behind;
    moments[i].visible += behind;
  }
  return moments;
}

Company company_of(const SimulatorOptions& options) {
  return {.seed = options.seed,
          .tenant_guid = options.tenant_id,
          .tenant_number = static_cast<std::int64_t>(70'000'000 + mix(options.seed) % 20'000'000),
          .name = "tailspin",
          .domain = "tailspin.example",
          .activities = static_cast<std::uint32_t>(options.activities)};
}

}  // namespace

Population::Population(const SimulatorOptions& options, std::int64_t start)
    : options_(options), company_(company_of(options)), start_(start) {
  feed(Stream::activities).schema = &activities_schema();
  feed(Stream::alerts).schema = &alerts_schema();
  feed(Stream::entities).schema = &entities_schema();
  feed(Stream::files).schema = &files_schema();
  feed(Stream::subnets).schema = &subnets_schema();
}

Result<Population> Population::create(const SimulatorOptions& options, std::int64_t start) {
  Population population(options, start);
  if (options.records_directory.empty()) {
    population.populate();
    return population;
  }
  for (const Stream stream : streams) {
    Feed& feed = population.feed(stream);
    RawFeed raw =
        TRY(read_raw_feed(options.records_directory + "/" + std::string(feed.schema->feed) + ".ndjson", start));
    feed.records = std::move(raw.records);
    feed.timeline = Timeline(raw.moments);
  }
  population.options_.rate = 0;  // what stands in the files is all there is
  return population;
}

void Population::populate() {
  feed(Stream::activities).records = generated_activities(company_);
  feed(Stream::alerts).records = generated_alerts(company_);
  feed(Stream::entities).records = generated_entities(company_);
  feed(Stream::files).records = generated_files(company_);
  feed(Stream::subnets).records = generated_subnets(company_);
  const std::array<std::uint64_t, 5> counts{options_.activities, options_.alerts, options_.entities, options_.files,
                                            options_.subnets};
  for (std::size_t i = 0; i < streams.size(); ++i)
    feed(streams[i]).timeline = Timeline(history(streams[i], counts[i], options_, start_));
}

void Population::advance(std::int64_t now) {
  if (options_.rate <= 0) return;
  const auto time_of = [this](std::uint64_t step) {
    return start_ + static_cast<std::int64_t>(std::floor(static_cast<double>(step + 1) * 1000.0 / options_.rate));
  };
  for (std::int64_t time = time_of(steps_); time <= now; time = time_of(steps_)) happen(steps_++, time);
}

void Population::happen(std::uint64_t step, std::int64_t time) {
  const std::uint64_t place = step % round_size;
  if (place == round_size / 2) {
    be_born(Stream::alerts, time);
  } else if (place == round_size - 1) {
    const std::uint64_t random = Dice(options_.seed, static_cast<std::uint64_t>(Stream::rate), step).next();
    change_one(changing[step / round_size % changing.size()], time, random);
  } else {
    be_born(Stream::activities, time);
  }
}

void Population::be_born(Stream stream, std::int64_t time) {
  Timeline& timeline = feed(stream).timeline;
  Dice dice(options_.seed ^ 0x5eed, static_cast<std::uint64_t>(stream), timeline.size());
  const std::uint64_t index = timeline.size();
  const std::int64_t delay = stream == Stream::activities ? saving_delay(dice) + age_when_saved(index, options_)
                                                          : dice.between(0, 5 * minute_ms);
  timeline.append(
      {time, time - delay, time + showing_delay(dice, options_.lateness) + appearing_delay(stream, index, options_)});
}

void Population::change_one(Stream stream, std::int64_t time, std::uint64_t random) {
  Feed& changed = feed(stream);
  if (changed.timeline.size() == 0) return;
  const auto index = static_cast<std::uint32_t>(random % changed.timeline.size());
  // What nobody can see yet does not change.
  if (!changed.is_visible(index, time)) return;
  changed.change(index, time, stream == Stream::entities || stream == Stream::files);
}

}  // namespace capstan::simulator
