#include "harbour.h"

#include <algorithm>
#include <memory>

#include "base/digest.h"
#include "config/schema.h"

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

std::uint64_t key_of(std::string_view feed, std::string_view id, std::string_view raw) {
  return hash64(raw, hash64(id, hash64(feed)));
}

void Receiver::take(Arrival arrival) {
  ++by_key_[key_of(arrival.feed, arrival.id, arrival.raw)];
  arrivals_.push_back(std::move(arrival));
}

void Receiver::forget(std::size_t newest) {
  for (newest = std::min(newest, arrivals_.size()); newest > 0; --newest) {
    const Arrival& gone = arrivals_.back();
    --by_key_[key_of(gone.feed, gone.id, gone.raw)];
    arrivals_.pop_back();
    has_forgotten_ = true;
  }
}

std::uint64_t Receiver::times(std::uint64_t key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? 0 : found->second;
}

std::uint64_t Receiver::doubles(const Instances& instances) const {
  std::uint64_t doubles = 0;
  for (const auto& [key, times] : by_key_) {
    const auto found = instances.find(key);
    const std::uint64_t records = found == instances.end() ? 1 : found->second;
    doubles += times > records ? times - records : 0;
  }
  return doubles;
}

bool Harbour::refuses(std::string_view id) const {
  return static_cast<double>(hash64(id, 77) % 1000) < weather_.refused_records * 1000;
}

void Harbour::program_died() {
  for (auto& [name, receiver] : receivers_)
    if (dice_.chance(weather_.forgets)) receiver_died(receiver);
}

void Harbour::receiver_died(Receiver& receiver) const {
  if (time_.monotonic() < receiver.may_forget_until) receiver.forget(receiver.may_forget);
  receiver.may_forget = 0;
}

constexpr std::chrono::minutes doubt_age{1};

struct RecordingOptions {
  std::uint32_t window = 0;  // bytes that are sent again when the connection breaks; 0: an acknowledgement is for good
};

class RecordingSink final : public Sink {
public:
  RecordingSink(Harbour& harbour, std::string name, RecordingOptions options)
      : harbour_(harbour), name_(std::move(name)), options_(options) {}

  Result<> resume(std::string_view) override { return {}; }
  Proof proof() const override { return Proof::acknowledged_by_kernel; }
  Result<> probe(const Call&) override { return {}; }
  // After an orderly end the receiver has read and stored everything.
  void close() override {
    if (!is_broken_) receiver().may_forget = 0;
  }
  std::size_t may_have_arrived() const override { return arrived_; }
  void before_resend(BeforeResend tell) override { before_resend_ = std::move(tell); }
  Doubt doubt() const override { return {Bytes{options_.window}, doubt_age}; }

  Result<Delivery> deliver(const Payload& payload, const Call&) override {
    Dice& dice = harbour_.dice_;
    const Weather& weather = harbour_.weather_;
    arrived_ = 0;
    harbour_.time_.advance(std::chrono::microseconds(dice.between(50, 20'000)));
    if (dice.chance(weather.dead)) return Error(ErrorCode::destination_unreachable, "delivering: nobody listens");
    if (dice.chance(weather.crash_before)) return die();
    if (harbour_.give_up_ && !payload.messages.empty() && dice.chance(weather.hangs)) return hang(payload);
    if (options_.window > 0 && dice.chance(weather.breaks)) break_connection();
    if (auto resent = resend(); !resent) return resent.error();
    if (payload.messages.size() > 1 && dice.chance(weather.too_long))
      return Error(ErrorCode::message_too_long, "delivering: expected fewer messages");
    if (!payload.messages.empty() && dice.chance(weather.partly)) {
      record(payload, dice.below(payload.messages.size()), false);
      return lose_connection();
    }
    if (dice.chance(weather.lost_answer)) {
      record(payload, payload.messages.size(), false);
      return lose_connection();
    }
    if (dice.chance(weather.crash_after)) {
      record(payload, payload.messages.size(), false);
      return die();
    }
    Delivery delivery = record(payload, payload.messages.size(), true);
    remember(payload);
    return delivery;
  }

private:
  Receiver& receiver() { return harbour_.receivers_[name_]; }

  Error die() {
    harbour_.wants_crash_ = true;
    return {ErrorCode::interrupted, "delivering: the program died"};
  }

  // The program gives it up and lets a successor begin; what it was given arrives all the same.
  Delivery hang(const Payload& payload) {
    receiver().is_disturbed = true;
    harbour_.give_up_(name_);
    if (resend()) return record(payload, payload.messages.size(), false);
    receiver().is_inexact = true;
    return {};
  }

  Error lose_connection() {
    is_broken_ = options_.window > 0;
    return {ErrorCode::destination_closed, "delivering: the connection broke"};
  }

  void break_connection() {
    is_broken_ = true;
    if (harbour_.dice_.chance(harbour_.weather_.forgets)) harbour_.receiver_died(receiver());
  }

  // What it sent before it was interrupted is sent again with the next connection.
  Result<> resend() {
    if (!is_broken_) return {};
    for (const std::vector<Arrival>& entry : window_) {
      if (before_resend_) TRY(before_resend_(entry.size()));
      for (Arrival arrival : entry) {
        arrival.boot = harbour_.boot_;
        receiver().take(std::move(arrival));
      }
      receiver().is_disturbed = true;
      if (harbour_.dice_.chance(harbour_.weather_.partly)) return lose_connection();
    }
    is_broken_ = false;
    return {};
  }

  void remember(const Payload& payload) {
    if (options_.window == 0 || payload.messages.empty()) return;
    std::vector<Arrival> entry;
    for (std::size_t i = 0; i < payload.messages.size(); ++i) {
      Arrival arrival = read_line(payload.message(i), harbour_.boot_);
      if (!harbour_.refuses(arrival.id)) entry.push_back(std::move(arrival));
    }
    receiver().may_forget = entry.size();
    receiver().may_forget_until = harbour_.time_.monotonic() + doubt_age;
    window_.push_back(std::move(entry));
    sizes_.push_back(payload.bytes.size());
    std::uint64_t size = 0;
    for (const std::uint64_t one : sizes_) size += one;
    for (; window_.size() > 1 && size > options_.window; window_.pop_front(), sizes_.pop_front())
      size -= sizes_.front();
  }

  Delivery record(const Payload& payload, std::size_t count, bool is_confirmed) {
    Delivery delivery;
    for (std::size_t i = 0; i < count; ++i) {
      Arrival arrival = read_line(payload.message(i), harbour_.boot_);
      if (harbour_.refuses(arrival.id)) {
        delivery.rejected.push_back({i, Error(ErrorCode::not_encodable, "delivering: the destination refused it")});
        continue;
      }
      arrival.is_confirmed = is_confirmed;
      receiver().take(std::move(arrival));
      ++delivery.accepted;
    }
    if (count > 0) receiver().may_forget = 0;
    arrived_ = count;
    return delivery;
  }

  Harbour& harbour_;
  const std::string name_;
  const RecordingOptions options_;
  BeforeResend before_resend_;
  std::size_t arrived_ = 0;
  bool is_broken_ = false;
  std::deque<std::vector<Arrival>> window_;
  std::deque<std::uint64_t> sizes_;
};

Kind<Sink> Harbour::sink_kind() {
  Kind<Sink> kind;
  kind.name = "recording";
  kind.make = [this](const config::Node& node, const BuildContext& context,
                     config::Findings& findings) -> std::unique_ptr<Sink> {
    config::Schema<RecordingOptions> schema;
    schema.option("window", &RecordingOptions::window, "bytes that are sent again");
    return std::make_unique<RecordingSink>(*this, context.name, schema.decode(node, "sink " + context.name, findings));
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
