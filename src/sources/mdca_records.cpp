#include "mdca_records.h"

#include <charconv>

#include "base/digest.h"

namespace capstan::mdca {

namespace {

// The envelope's place for an id; a longer one is replaced by its content's digest.
constexpr std::size_t id_size_max = 1024;
// 2200-01-01: what lies beyond is not a time in milliseconds.
constexpr std::int64_t epoch_ms_max = 7'258'118'400'000;

// Which members hold a record's times (mdca-api, sections 2.7 to 2.11).
struct TimeMembers {
  std::string_view feed;
  std::string_view event;
  std::string_view saved;
};
constexpr TimeMembers time_members[] = {
    {"activities", "timestamp", "created"},      {"alerts", "timestamp", "timestamp"},
    {"entities", "lastSeen", "lastSeen"},        {"files", "modifiedDate", "modifiedDate"},
    {"subnets", "lastModified", "lastModified"},
};

const TimeMembers& members_of(std::string_view feed) {
  for (const auto& members : time_members)
    if (members.feed == feed) return members;
  return time_members[0];
}

std::optional<Timestamp> plausible(std::int64_t ms) {
  if (ms <= 0 || ms > epoch_ms_max) return std::nullopt;
  return from_epoch_ms(ms);
}

// A broken record cannot be parsed, but `"created":1595096586840` can be found in it, and a time is worth having.
std::optional<Timestamp> found_time(std::string_view raw, std::string_view member) {
  const std::string name = "\"" + std::string(member) + "\":";
  const std::size_t at = raw.find(name);
  if (at == std::string_view::npos) return std::nullopt;
  raw.remove_prefix(at + name.size());
  while (raw.starts_with(' ')) raw.remove_prefix(1);
  std::int64_t ms = 0;
  std::from_chars(raw.data(), raw.data() + raw.size(), ms);
  return plausible(ms);
}

std::string id_of_content(std::string_view raw) { return "sha:" + sha256_hex(raw); }

}  // namespace

Envelope RecordReader::read(std::string_view feed, std::string_view raw) {
  Envelope envelope;
  const TimeMembers& members = members_of(feed);
  if (!raw.starts_with('{') || !json_.open(raw) || json_.is_empty()) {
    envelope.id = id_of_content(raw);
    envelope.content_hash = hash64(raw);
    envelope.is_quarantined = true;
    envelope.event_time = found_time(raw, members.event);
    envelope.saved_time = found_time(raw, members.saved);
    return envelope;
  }
  envelope.content_hash = json_.content_hash();
  envelope.is_wtf8 = json_.is_wtf8();
  envelope.event_time = time(members.event);
  envelope.saved_time = time(members.saved);
  if (!envelope.saved_time) envelope.saved_time = envelope.event_time;
  if (!envelope.event_time) envelope.event_time = envelope.saved_time;
  auto known = id();
  envelope.has_no_id = !known;
  envelope.id = known ? std::move(*known) : id_of_content(raw);
  return envelope;
}

std::optional<std::string> RecordReader::id() {
  for (const auto* member : {"_id", "uid", "id"}) {
    // Two ids that differ in half a surrogate pair have one text, and would be taken for one record.
    if (auto text = json_.text(member); text && !text->empty() && text->size() <= id_size_max && json_.is_exact(member))
      return text;
    const auto raw = json_.raw(member);
    if (raw && !raw->empty() && (raw->front() == '-' || (raw->front() >= '0' && raw->front() <= '9')))
      return std::string(*raw);
  }
  return std::nullopt;
}

std::optional<Timestamp> RecordReader::time(std::string_view member) {
  if (const auto ms = json_.integer(member)) return plausible(*ms);
  const auto text = json_.text(member);
  if (!text) return std::nullopt;
  if (const auto time = parse_iso8601(*text)) return plausible(epoch_ms(*time));
  std::int64_t ms = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), ms);
  if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
  return plausible(ms);
}

}  // namespace capstan::mdca
