#include "harbour.h"

#include <memory>

#include "base/digest.h"

namespace capstan::voyages {

namespace {

constexpr char separator = '\x1f';

// feed ␟ id ␟ raw: what the oracle needs, written so that nothing has to be understood.
class LineEncoder final : public Encoder {
public:
  const kql::Wanted* wanted(std::string_view) const override { return nullptr; }
  WantedOrigin origin(std::string_view, const kql::WantedPlace&) const override { return {}; }
  Result<> encode(const Row& row, std::string& out) const override {
    out.append(row.record.feed).push_back(separator);
    out.append(row.record.id).push_back(separator);
    out.append(row.record.raw);
    return {};
  }
};

Arrival read_line(std::string_view line, std::uint64_t boot) {
  const std::size_t first = line.find(separator);
  const std::size_t second = line.find(separator, first + 1);
  return {std::string(line.substr(0, first)), std::string(line.substr(first + 1, second - first - 1)),
          std::string(line.substr(second + 1)), boot, false};
}

}  // namespace

bool Harbour::refuses(std::string_view id) const {
  return static_cast<double>(hash64(id, 77) % 1000) < weather_.refused_records * 1000;
}

class RecordingSink final : public Sink {
public:
  RecordingSink(Harbour& harbour, std::string name) : harbour_(harbour), name_(std::move(name)) {}

  Result<> resume(std::string_view) override { return {}; }
  Proof proof() const override { return Proof::acknowledged_by_kernel; }
  Result<> probe(const Call&) override { return {}; }
  void close() override {}

  Result<Delivery> deliver(const Payload& payload, const Call&) override {
    Dice& dice = harbour_.dice_;
    const Weather& weather = harbour_.weather_;
    harbour_.time_.advance(std::chrono::microseconds(dice.between(50, 20'000)));
    if (dice.chance(weather.dead)) return Error(ErrorCode::destination_unreachable, "delivering: nobody listens");
    if (dice.chance(weather.crash_before)) return die();
    if (payload.messages.size() > 1 && dice.chance(weather.too_long))
      return Error(ErrorCode::message_too_long, "delivering: expected fewer messages");
    if (dice.chance(weather.partly)) {
      record(payload, dice.below(payload.messages.size()), false);
      return Error(ErrorCode::destination_closed, "delivering: the connection broke");
    }
    if (dice.chance(weather.lost_answer)) {
      record(payload, payload.messages.size(), false);
      return Error(ErrorCode::destination_closed, "delivering: the connection broke");
    }
    if (dice.chance(weather.crash_after)) {
      record(payload, payload.messages.size(), false);
      return die();
    }
    return record(payload, payload.messages.size(), true);
  }

private:
  Error die() {
    harbour_.wants_crash_ = true;
    return Error(ErrorCode::interrupted, "delivering: the program died");
  }

  Delivery record(const Payload& payload, std::size_t count, bool is_confirmed) {
    Delivery delivery;
    Receiver& receiver = harbour_.receivers_[name_];
    for (std::size_t i = 0; i < count; ++i) {
      Arrival arrival = read_line(payload.message(i), harbour_.boot_);
      if (harbour_.refuses(arrival.id)) {
        delivery.rejected.push_back({i, Error(ErrorCode::not_encodable, "delivering: the destination refused it")});
        continue;
      }
      arrival.is_confirmed = is_confirmed;
      receiver.arrivals.push_back(std::move(arrival));
      ++delivery.accepted;
    }
    return delivery;
  }

  Harbour& harbour_;
  const std::string name_;
};

Kind<Sink> Harbour::sink_kind() {
  Kind<Sink> kind;
  kind.name = "recording";
  kind.make = [this](const config::Node&, const BuildContext& context, config::Findings&) -> std::unique_ptr<Sink> {
    return std::make_unique<RecordingSink>(*this, context.name);
  };
  return kind;
}

Kind<Encoder> Harbour::encoder_kind() {
  Kind<Encoder> kind;
  kind.name = "lines";
  kind.make = [](const config::Node&, const BuildContext&, config::Findings&) -> std::unique_ptr<Encoder> {
    return std::make_unique<LineEncoder>();
  };
  return kind;
}

}  // namespace capstan::voyages
