// What one event costs between the journal and the wire: CPU time of each stage over 200,000 generated activities.
//
//   encode_bench [EVENTS]
#include <fmt/format.h>
#include <simdjson.h>

#include <cstdlib>
#include <ctime>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "activities.h"
#include "encoders/cef.h"
#include "event/batch.h"
#include "event/field_plan.h"

namespace {

using namespace capstan;

constexpr std::size_t events_default = 200'000;
constexpr std::size_t rounds = 3;  // the fastest counts
// A journal slice: how much is encoded before the output buffer is emptied.
constexpr std::size_t events_in_slice = 1000;
constexpr double target_ns = 1600;

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

}  // namespace

int main(int count, char** arguments) {
  const std::size_t events = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : events_default;
  const Batch batch = generated(events);
  const auto encoder = cef_strict();
  const FieldPlan& plan = *encoder->plan("activities");
  simdjson::ondemand::parser parser;
  FieldWalker walker;
  std::string out;
  std::string frames;
  std::uint64_t seen = 0;

  const auto encode = [&](const RecordView& record) {
    const auto values = walker.walk(plan, record.raw);
    if (!values || !encoder->encode({record, *values, "contoso", "mdca", record.event_time}, out)) std::abort();
  };
  const double bare = ns_an_event(batch, [&](std::size_t, const RecordView& r) { seen += bare_walk(parser, r.raw); });
  const double walk =
      ns_an_event(batch, [&](std::size_t, const RecordView& r) { seen += walker.walk(plan, r.raw)->size(); });
  const double cef = ns_an_event(batch, [&](std::size_t i, const RecordView& r) {
    if (i % events_in_slice == 0) out.clear();
    encode(r);
  });
  const double framed = ns_an_event(batch, [&](std::size_t i, const RecordView& r) {
    if (i % events_in_slice == 0) frames.clear();
    out.clear();
    encode(r);
    frames += "<134>Jul 18 18:18:33 capstan ";
    frames += out;
    frames += '\n';
  });

  fmt::print("{} activities of {} bytes, one line of {} bytes each\n", events, batch.stored_size() / events,
             out.size());
  const auto print = [&](const char* what, double ns) {
    fmt::print("{:34} {:8.0f} ns CPU/event  {:5.2f} x\n", what, ns, ns / bare);
  };
  print("simdjson by hand, same members", bare);
  print("field walker", walk);
  print("field walker + CEF strict", cef);
  print("  + copied into a syslog frame", framed);
  fmt::print("target of walker + CEF: {:.0f} ns: {}\n", target_ns, cef <= target_ns ? "kept" : "missed");
  return seen == 0 ? 1 : 0;
}
