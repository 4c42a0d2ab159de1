// Any record: the CEF line that is made of it must be one that the strict parser takes, with the id unharmed.
// The encoder is made as the configuration makes it, since the fuzzer stands outside the room.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/text.h"
#include "encoders/cef.h"
#include "encoders/cef_parser.h"
#include "event/field_plan.h"
#include "event/json_record.h"

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

void round_trip(const Encoder& encoder, bool is_strict, const RecordView& record) {
  static FieldWalker walker;
  std::span<const Value> values;
  if (const FieldPlan* plan = encoder.plan(record.feed); plan != nullptr && !record.is_quarantined) {
    const auto walked = walker.walk(*plan, record.raw);
    require(walked.has_value());
    values = *walked;
  }
  std::string line;
  require(encoder.encode({record, values, "t", "s", {}}, line).has_value());
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
