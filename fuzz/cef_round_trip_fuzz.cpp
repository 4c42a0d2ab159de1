// Any record: the CEF line that is made of it must be one that the strict parser takes, with the id unharmed.
// The encoder is made as the configuration makes it, since the fuzzer stands outside the room.
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "encoders/cef.h"
#include "encoders/cef_parser.h"
#include "event/json_record.h"
#include "kql/record_run.h"
#include "kql/schemas.h"

namespace {

using namespace capstan;

class NoHttp final : public net::HttpClient {
public:
  Result<net::Response> send(const net::Request&, const Call&) override {
    return Error(ErrorCode::connection_failed, "an encoder asked for HTTP");
  }
};

std::unique_ptr<Encoder> made(const char* profile) {
  static SystemClock clock;
  static PosixFileSystem files;
  static NoHttp http;
  static World world{clock, files, http};
  config::Node options;
  options.kind = config::Node::Kind::map;
  config::Node value;
  value.kind = config::Node::Kind::scalar;
  value.scalar = profile;
  options.members.push_back({"profile", {}, value});
  config::Findings findings;
  return encoders::cef_kind().make(options, BuildContext{world, "fuzz", {}}, findings);
}

void require(bool holds) {
  if (!holds) std::abort();
}

// Quotes the input into members that a feed writes, so that the fuzzer need not find JSON first.
std::string record_of(std::string_view text) {
  const std::string quoted = json_quote(text);
  const std::string half = json_quote(text.substr(text.size() / 2));
  return R"({"eventTypeName":)" + half + R"(,"title":)" + half + R"(,"description":)" + quoted + R"(,"appName":)" +
         half + R"(,"user":{"userName":)" + quoted + R"(},"device":{"clientIP":)" + half +
         R"(},"mainInfo":{"eventObjects":[{"name":)" + half + R"(},{"name":)" + quoted + "}]}}";
}

// What a route without a rule makes of a record, by encoder and feed.
kql::RecordRun& run_of(const Encoder& encoder, std::string_view feed) {
  static std::map<std::pair<const Encoder*, std::string>, kql::RecordRun> runs;
  const std::pair key(&encoder, std::string(feed));
  const auto known = runs.find(key);
  if (known != runs.end()) return known->second;
  const std::vector<std::string> feeds{key.second};
  auto compiled = kql::compile("", kql::schema_of_feeds(feeds), *encoder.wanted(feed));
  require(compiled.program != nullptr);
  return runs.emplace(key, kql::RecordRun(compiled.program)).first->second;
}

void round_trip(const Encoder& encoder, bool is_strict, const RecordView& record) {
  std::string line;
  if (record.is_quarantined) {
    require(encoder.encode({record, 0, {}, "t", "s", {}}, line).has_value());
  } else {
    const auto each = [&](std::size_t shape, std::span<const kql::Datum> cells) {
      return encoder.encode({record, shape, cells, "t", "s", {}}, line);
    };
    require(run_of(encoder, record.feed).cells(record, {"t", "s", {}}, each).has_value());
  }
  require(is_utf8(line) && line.find_first_of("\r\n") == std::string::npos);
  const auto event = parse_cef(line, is_strict ? CefParsing::strict : CefParsing::lenient);
  require(event.has_value());
  require(event->find("externalId") != nullptr && *event->find("externalId") == record.id);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const auto strict = made("strict");
  static const auto agent = made("siem-agent");
  static JsonReader reader;
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  for (const std::string& json : {std::string(input), record_of(input)}) {
    std::string padded = json;
    padded.append(raw_padding, '\0');
    RecordView record;
    record.id = "id";
    record.raw = std::string_view(padded).substr(0, json.size());
    record.event_time = from_epoch_ms(1'595'096'313'045);
    record.is_quarantined = !reader.open(json).has_value();
    for (const char* feed : {"activities", "alerts", "entities", "files", "subnets", "others"}) {
      record.feed = feed;
      round_trip(*strict, true, record);
      round_trip(*agent, false, record);
    }
  }
  return 0;
}
