#include "receipt_block.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/digest.h"

namespace capstan::store {

namespace {

constexpr std::string_view magic = "CNSR";
constexpr std::size_t block_head_size = 12;

// The first byte of an entry: bits 0 and 1 say what it is, …
constexpr std::uint64_t entry_name = 1;
constexpr std::uint64_t entry_receipt = 2;
constexpr std::uint64_t entry_mask = 3;
// … and of a receipt, what is written of it.
constexpr std::uint64_t has_from = 1U << 2;  // it does not begin where the one before ended
constexpr std::uint64_t has_several_attempts = 1U << 3;
constexpr std::uint64_t has_new_place = 1U << 4;  // destination or rule is not that of the one before
constexpr std::uint64_t has_dropped = 1U << 5;
constexpr std::uint64_t has_rejected = 1U << 6;
constexpr std::uint64_t has_resent = 1U << 7;
constexpr std::uint64_t has_runs = 1U << 8;  // several outcomes, or an unknown one
constexpr unsigned outcome_shift = 9;        // else the only outcome, three bits
constexpr std::uint64_t outcome_mask = 7;

std::uint64_t zigzag(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}
// Differences of unsigned and signed values wrap around, so every value comes back.
std::int64_t difference(std::uint64_t a, std::uint64_t b) { return static_cast<std::int64_t>(a - b); }
std::int64_t difference(Timestamp a, Timestamp b) {
  return difference(static_cast<std::uint64_t>(epoch_ms(a)), static_cast<std::uint64_t>(epoch_ms(b)));
}
Timestamp plus(Timestamp time, std::int64_t ms) {
  return from_epoch_ms(
      static_cast<std::int64_t>(static_cast<std::uint64_t>(epoch_ms(time)) + static_cast<std::uint64_t>(ms)));
}

void put(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

class Cut {
public:
  explicit Cut(std::string_view bytes) : rest_(bytes) {}
  bool is_at_end() const { return rest_.empty(); }
  bool is_good() const { return is_good_; }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<std::uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    is_good_ = false;
    return 0;
  }
  std::string_view text() {
    const std::uint64_t size = number();
    if (size > rest_.size()) {
      is_good_ = false;
      return {};
    }
    const std::string_view text = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(text.size());
    return text;
  }

private:
  std::string_view rest_;
  bool is_good_ = true;
};

// A position that is not before `from`: within the same frame only the index is told.
void put_position(std::string& out, Position from, Position position) {
  put(out, position.offset - from.offset);
  put(out, position.offset == from.offset ? position.index - from.index : position.index);
}
Position take_position(Cut& cut, Position from) {
  const std::uint64_t offset = from.offset + cut.number();
  const auto index = static_cast<std::uint32_t>(cut.number());
  return {offset, offset == from.offset ? from.index + index : index};
}

// A destination is written with what its acknowledgement says in front: "2syslog udp://siem.example:514".
std::string written_destination(const Receipt& receipt) {
  return static_cast<char>('0' + static_cast<int>(receipt.proof)) + receipt.destination;
}
void read_destination(const std::string& written, Receipt& receipt) {
  if (written.empty()) return;  // its name was in a damaged block
  receipt.proof = static_cast<Sink::Proof>(std::clamp(written.front() - '0', 0, 2));
  receipt.destination = written.substr(1);
}

bool has_one_outcome(const Receipt& receipt) {
  return receipt.outcomes.size() == 1 && receipt.outcomes.front().from == receipt.from;
}

// What the next receipt of a block is told in terms of.
struct Before {
  Position to;
  Timestamp acknowledged{};
  std::optional<std::pair<std::uint64_t, std::uint64_t>> place;  // numbers of destination and rule
};

class BlockWriter {
public:
  explicit BlockWriter(NameTable& names) : names_(names) {}

  void add(const Receipt& receipt) {
    const std::pair place{number(written_destination(receipt)), number(receipt.rule)};
    put(payload_, flags(receipt, place));
    if (receipt.from != before_.to) {
      put(payload_, zigzag(difference(receipt.from.offset, before_.to.offset)));
      put(payload_, receipt.from.index);
    }
    put_position(payload_, receipt.from, receipt.to);
    put(payload_, zigzag(difference(receipt.acknowledged, before_.acknowledged)));
    put(payload_, zigzag(difference(receipt.acknowledged, receipt.last_attempt)));
    if (receipt.attempts != 1 || receipt.first_attempt != receipt.last_attempt) {
      put(payload_, receipt.attempts);
      put(payload_, zigzag(difference(receipt.last_attempt, receipt.first_attempt)));
    }
    if (place != before_.place) {
      put(payload_, place.first);
      put(payload_, place.second);
    }
    put(payload_, receipt.delivered);
    for (const std::uint64_t count : {receipt.dropped, receipt.rejected, receipt.resent})
      if (count != 0) put(payload_, count);
    if (!has_one_outcome(receipt)) add_runs(receipt);
    before_ = {receipt.to, receipt.acknowledged, place};
  }

  std::string finish() {
    std::string block(block_head_size, '\0');
    block += payload_;
    const auto size = static_cast<std::uint32_t>(payload_.size());
    std::memcpy(block.data(), magic.data(), magic.size());
    std::memcpy(block.data() + 8, &size, sizeof size);
    const std::uint32_t crc = crc32c(std::string_view(block).substr(8));
    std::memcpy(block.data() + 4, &crc, sizeof crc);
    return block;
  }

private:
  std::uint64_t number(const std::string& name) {
    const auto [number, is_new] = names_.number(name);
    if (is_new) {
      put(payload_, entry_name);
      put(payload_, number);
      put(payload_, name.size());
      payload_ += name;
    }
    return number;
  }

  std::uint64_t flags(const Receipt& receipt, const std::pair<std::uint64_t, std::uint64_t>& place) const {
    std::uint64_t flags = entry_receipt;
    if (receipt.from != before_.to) flags |= has_from;
    if (receipt.attempts != 1 || receipt.first_attempt != receipt.last_attempt) flags |= has_several_attempts;
    if (place != before_.place) flags |= has_new_place;
    if (receipt.dropped != 0) flags |= has_dropped;
    if (receipt.rejected != 0) flags |= has_rejected;
    if (receipt.resent != 0) flags |= has_resent;
    if (!has_one_outcome(receipt)) return flags | has_runs;
    return flags | static_cast<std::uint64_t>(receipt.outcomes.front().outcome) << outcome_shift;
  }

  void add_runs(const Receipt& receipt) {
    put(payload_, receipt.outcomes.size());
    Position before = receipt.from;
    for (const Receipt::Run& run : receipt.outcomes) {
      put_position(payload_, before, run.from);
      put(payload_, static_cast<std::uint64_t>(run.outcome));
      before = run.from;
    }
  }

  NameTable& names_;
  std::string payload_;
  Before before_;
};

// The numbers of one file, as far as they were seen.
class Names {
public:
  void define(std::uint64_t number, std::string_view name) {
    names_.insert_or_assign(number, name);
    next_ = std::max(next_, number + 1);
  }
  std::string name(std::uint64_t number) {
    next_ = std::max(next_, number + 1);  // also one whose definition was damaged is not given again
    const auto found = names_.find(number);
    return found == names_.end() ? std::string{} : found->second;
  }
  std::uint64_t next() const { return next_; }

private:
  std::map<std::uint64_t, std::string> names_;
  std::uint64_t next_ = 0;
};

std::optional<Receipt> take_receipt(Cut& cut, std::uint64_t flags, Before& before, Names& names) {
  Receipt receipt;
  receipt.from = before.to;
  if ((flags & has_from) != 0) {
    receipt.from.offset = before.to.offset + static_cast<std::uint64_t>(unzigzag(cut.number()));
    receipt.from.index = static_cast<std::uint32_t>(cut.number());
  }
  receipt.to = take_position(cut, receipt.from);
  receipt.acknowledged = plus(before.acknowledged, unzigzag(cut.number()));
  receipt.last_attempt = plus(receipt.acknowledged, -unzigzag(cut.number()));
  receipt.first_attempt = receipt.last_attempt;
  if ((flags & has_several_attempts) != 0) {
    receipt.attempts = static_cast<std::uint32_t>(cut.number());
    receipt.first_attempt = plus(receipt.last_attempt, -unzigzag(cut.number()));
  }
  if ((flags & has_new_place) != 0) {
    const std::uint64_t destination = cut.number();
    before.place = {destination, cut.number()};
  }
  if (!before.place) return {};
  read_destination(names.name(before.place->first), receipt);
  receipt.rule = names.name(before.place->second);
  receipt.delivered = cut.number();
  if ((flags & has_dropped) != 0) receipt.dropped = cut.number();
  if ((flags & has_rejected) != 0) receipt.rejected = cut.number();
  if ((flags & has_resent) != 0) receipt.resent = cut.number();
  if ((flags & has_runs) == 0) {
    receipt.outcomes.push_back({receipt.from, static_cast<Outcome>(flags >> outcome_shift & outcome_mask)});
  } else {
    Position at = receipt.from;
    for (std::uint64_t left = cut.number(); left > 0 && cut.is_good(); --left) {
      at = take_position(cut, at);
      receipt.outcomes.push_back({at, static_cast<Outcome>(cut.number() & outcome_mask)});
    }
  }
  before.to = receipt.to;
  before.acknowledged = receipt.acknowledged;
  if (!cut.is_good()) return {};
  return receipt;
}

// False when its content is not what a writer writes, although its CRC fits: a newer version.
bool read_payload(std::string_view payload, Names& names, FunctionRef<void(Receipt&&)> see) {
  Cut cut(payload);
  Before before;
  while (!cut.is_at_end()) {
    const std::uint64_t flags = cut.number();
    if ((flags & entry_mask) == entry_name) {
      const std::uint64_t number = cut.number();
      const std::string_view name = cut.text();
      if (!cut.is_good()) return false;
      names.define(number, name);
    } else if ((flags & entry_mask) == entry_receipt) {
      auto receipt = take_receipt(cut, flags, before, names);
      if (!receipt) return false;
      see(std::move(*receipt));
    } else {
      return false;
    }
  }
  return cut.is_good();
}

// The payload of the block at the front; nothing when it is not whole.
std::optional<std::string_view> whole_block(std::string_view bytes) {
  if (bytes.size() < block_head_size || !bytes.starts_with(magic)) return {};
  std::uint32_t crc = 0;
  std::uint32_t size = 0;
  std::memcpy(&crc, bytes.data() + 4, sizeof crc);
  std::memcpy(&size, bytes.data() + 8, sizeof size);
  if (size > bytes.size() - block_head_size) return {};
  if (crc32c(bytes.substr(8, 4 + std::size_t{size})) != crc) return {};
  return bytes.substr(block_head_size, size);
}

}  // namespace

std::pair<std::uint64_t, bool> NameTable::number(const std::string& name) {
  const auto [found, is_new] = numbers_.try_emplace(name, next_);
  if (is_new) ++next_;
  return {found->second, is_new};
}

std::string write_receipts(std::span<const Receipt> receipts, NameTable& names) {
  BlockWriter writer(names);
  for (const Receipt& receipt : receipts) writer.add(receipt);
  return writer.finish();
}

ReceiptWalk read_receipts(std::string_view bytes, FunctionRef<void(Receipt&&)> see) {
  ReceiptWalk walk;
  Names names;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto payload = whole_block(bytes.substr(at));
    if (!payload) {
      ++walk.damaged;
      do {
        at = std::min(bytes.find(magic, at + 1), bytes.size());
      } while (at < bytes.size() && !whole_block(bytes.substr(at)));
      continue;
    }
    if (!read_payload(*payload, names, see)) ++walk.damaged;
    at += block_head_size + payload->size();
    walk.end = at;
  }
  walk.next_name = names.next();
  return walk;
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::delivered:
      return "delivered";
    case Outcome::dropped:
      return "dropped by rule";
    case Outcome::rejected:
      return "dead-lettered";
    case Outcome::not_selected:
      return "not for this route";
    case Outcome::lost:
      return "removed before it was delivered";
  }
  return "";
}

std::optional<Outcome> Receipt::outcome(Position position) const {
  const auto behind = std::ranges::upper_bound(outcomes, position, {}, &Run::from);
  if (behind == outcomes.begin() || position < from || position >= to) return {};
  return std::prev(behind)->outcome;
}

}  // namespace capstan::store
