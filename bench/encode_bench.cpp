// What one event costs between the journal and the wire: CPU time of each stage over generated activities of 2.9 KB,
// beside a walk by hand over the same members with bare simdjson. Rule and message are one program, as on a route.
//
//   encode_bench [EVENTS]
#include <fmt/format.h>
#include <simdjson.h>

#include <cstdlib>
#include <ctime>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "activities.h"
#include "encoders/cef.h"
#include "event/batch.h"
#include "runtime/transform.h"

namespace {

using namespace capstan;

constexpr std::size_t events_default = 500'000;
constexpr std::size_t rounds = 3;  // the fastest counts
// A journal slice: how much is encoded before the output buffer is emptied.
constexpr std::size_t events_in_slice = 1000;
constexpr double target_ns = 2000;    // where keeping half + CEF with 15 fields
constexpr double target_speed = 0.6;  // of the bare walk
// Each keeps half: one looks at a member near the beginning of the record, one at a member near its end.
constexpr std::string_view early_rule = "source | where appId == 11161";
constexpr std::string_view late_rule = "source | where genericEventType == \"ENUM_ACTIVITY_GENERIC_TYPE_LOGIN\"";

class NoHttp final : public net::HttpClient {
public:
  Result<net::Response> send(const net::Request&, const Call&) override {
    return Error(ErrorCode::connection_failed, "an encoder asked for HTTP");
  }
};

using bench::activity;
using bench::hex;

Batch generated(std::size_t events) {
  std::mt19937_64 random(20'261'124);
  Batch batch;
  for (std::size_t i = 0; i < events; ++i) {
    const std::string id = fmt::format("97134000_15600_{}", hex(random, 36));
    const std::string raw = activity(random, i, id);
    RecordView record;
    record.feed = "activities";
    record.id = id;
    record.raw = raw;
    record.event_time = from_epoch_ms(1'595'096'313'000 + static_cast<std::int64_t>(i));
    if (!batch.add(record)) std::abort();
  }
  return batch;
}

double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

template <class Each>
double ns_an_event(const Batch& batch, Each each) {
  double best = 1e300;
  for (std::size_t round = 0; round < rounds; ++round) {
    const double begin = cpu_ns();
    for (std::size_t i = 0; i < batch.size(); ++i) each(i, batch[i]);
    best = std::min(best, (cpu_ns() - begin) / static_cast<double>(batch.size()));
  }
  return best;
}

// The least that anyone who looks at these members with simdjson has to do: one pass, by hand, for this one format.
std::size_t bare_walk(simdjson::ondemand::parser& parser, std::string_view raw) {
  namespace ondemand = simdjson::ondemand;
  std::size_t sum = 0;
  const auto text = [&](ondemand::value value) {
    std::string_view found;
    if (value.get_string().get(found) == simdjson::SUCCESS) sum += found.size();
  };
  ondemand::document document;
  if (parser.iterate(simdjson::padded_string_view(raw.data(), raw.size(), raw.size() + raw_padding)).get(document))
    return 0;
  for (auto field : document.get_object()) {
    const ondemand::raw_json_string key = field.key().value_unsafe();
    if (key == "appId") {
      sum += field.value().raw_json_token().value_unsafe().size();
    } else if (key == "device") {
      for (auto inner : field.value().get_object())
        if (inner.key().value_unsafe() == "clientIP" || inner.key().value_unsafe() == "userAgent") text(inner.value());
    } else if (key == "user") {
      for (auto inner : field.value().get_object())
        if (inner.key().value_unsafe() == "userName") text(inner.value());
    } else if (key == "mainInfo") {
      for (auto inner : field.value().get_object())
        if (inner.key().value_unsafe() == "eventObjects")
          for (auto item : inner.value().get_array())
            for (auto member : item.get_object())
              if (member.key().value_unsafe() == "name") text(member.value());
    } else if (key == "resolvedActor") {
      for (auto inner : field.value().get_object())
        if (inner.key().value_unsafe() == "name") text(inner.value());
    } else if (key == "appName" || key == "eventTypeName" || key == "description") {
      text(field.value());
    }
  }
  return sum;
}

std::unique_ptr<Encoder> cef_strict() {
  static SystemClock clock;
  static PosixFileSystem files;
  static NoHttp http;
  static World world{clock, files, http};
  config::Findings findings;
  config::Node options;
  options.kind = config::Node::Kind::map;
  return encoders::cef_kind().make(options, BuildContext{world, "bench", {}}, findings);
}

// What a route makes of records: messages of a slice in one buffer.
class Route {
public:
  Route(const Encoder& encoder, std::string_view query) {
    const std::vector<std::string> feeds{"activities"};
    std::vector<runtime::TransformProblem> problems;
    auto transform = runtime::Transform::compile(query, kql::schema_of_feeds(feeds), feeds, encoder, problems);
    for (const auto& problem : problems) fmt::print("{}\n", runtime::to_string(problem));
    if (!transform) std::abort();
    run_.emplace(std::move(transform));
  }
  void write(std::size_t number, const RecordView& record) {
    if (number % events_in_slice == 0) out_.clear();
    const auto on_message = [&] { ++messages_; };
    if (!run_->append(record, {"contoso", "mdca", record.event_time}, out_, on_message)) std::abort();
  }
  std::uint64_t messages() const { return messages_; }
  std::size_t bytes() const { return out_.size(); }

private:
  std::optional<runtime::TransformRun> run_;
  std::string out_;
  std::uint64_t messages_ = 0;
};

}  // namespace

int main(int count, char** arguments) {
  const std::size_t events = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : events_default;
  const Batch batch = generated(events);
  const auto encoder = cef_strict();
  simdjson::ondemand::parser parser;
  std::uint64_t seen = 0;
  Route whole(*encoder, "");
  Route early(*encoder, early_rule);
  Route late(*encoder, late_rule);
  const double bare = ns_an_event(batch, [&](std::size_t, const RecordView& r) { seen += bare_walk(parser, r.raw); });
  const double cef = ns_an_event(batch, [&](std::size_t i, const RecordView& r) { whole.write(i, r); });
  const double by_early = ns_an_event(batch, [&](std::size_t i, const RecordView& r) { early.write(i, r); });
  const double by_late = ns_an_event(batch, [&](std::size_t i, const RecordView& r) { late.write(i, r); });

  const auto kept = [&](const Route& route) {
    return 100.0 * static_cast<double>(route.messages()) / static_cast<double>(events * rounds);
  };
  fmt::print("{} activities of {} bytes\n", events, batch.stored_size() / events);
  const auto print = [&](const char* what, double ns) {
    fmt::print("{:34} {:8.0f} ns CPU/event  {:5.2f} of the bare walk's speed\n", what, ns, bare / ns);
  };
  print("simdjson by hand, same members", bare);
  print("every record as CEF", cef);
  fmt::print("{}: keeps {:.1f} %\n", early_rule, kept(early));
  print("  then CEF", by_early);
  fmt::print("{}: keeps {:.1f} %\n", late_rule, kept(late));
  print("  then CEF", by_late);
  fmt::print("target, also of the later one: {:.0f} ns and {:.2f} of the bare walk's speed: {}\n", target_ns,
             target_speed, by_late <= target_ns && bare / by_late >= target_speed ? "kept" : "missed");
  return seen == 0 ? 1 : 0;
}
