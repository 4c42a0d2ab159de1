#include "store/proof_ledger.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tab_lines.h"

namespace capstan::store {

namespace {

constexpr std::string_view title = "capstan proof 1";
constexpr std::uint64_t size_max = 64U << 20;
constexpr std::array<std::string_view, 4> words{"proved", "missing", "waiting", "not comparable"};

using Fields = std::vector<std::string_view>;

bool read_time(std::string_view field, Timestamp& time) {
  std::int64_t ms = 0;
  if (!parse_field(field, ms)) return false;
  time = from_epoch_ms(ms);
  return true;
}

std::string feed_line(const ProofFeed& feed) {
  return fmt::format("feed\t{}\t{}\t{}\n", escape_field(feed.feed), feed.is_inventory ? "whole" : "by time",
                     epoch_ms(feed.since));
}

std::optional<ProofFeed> read_feed(const Fields& fields) {
  if (fields.size() != 4) return {};
  ProofFeed feed;
  const auto name = unescape_field(fields[1]);
  if (!name || (fields[2] != "whole" && fields[2] != "by time") || !read_time(fields[3], feed.since)) return {};
  feed.feed = *name;
  feed.is_inventory = fields[2] == "whole";
  return feed;
}

std::string window_line(const ProofWindow& w) {
  return fmt::format("window\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", epoch_ms(w.from), epoch_ms(w.to),
                     to_string(w.outcome), w.shown, w.journaled, w.missing, w.repaired, epoch_ms(w.checked_at),
                     w.ages_passed, w.found_at_age, w.behind.offset, w.behind.index, escape_field(w.why));
}

std::optional<ProofWindow> read_window(const Fields& fields) {
  if (fields.size() != 14) return {};
  ProofWindow w;
  const auto outcome = read_proof(fields[3]);
  const auto why = unescape_field(fields[13]);
  if (!outcome || !why || !read_time(fields[1], w.from) || !read_time(fields[2], w.to) ||
      !parse_field(fields[4], w.shown) || !parse_field(fields[5], w.journaled) || !parse_field(fields[6], w.missing) ||
      !parse_field(fields[7], w.repaired) || !read_time(fields[8], w.checked_at) ||
      !parse_field(fields[9], w.ages_passed) || !parse_field(fields[10], w.found_at_age) ||
      !parse_field(fields[11], w.behind.offset) || !parse_field(fields[12], w.behind.index))
    return {};
  w.outcome = *outcome;
  w.why = *why;
  return w;
}

// A "-" where nothing is known.
std::string number_or_none(std::optional<std::uint64_t> number) { return number ? std::to_string(*number) : "-"; }

std::string damage_line(const DamagedPlace& d) {
  return fmt::format("damage\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", d.from.offset, d.from.index, d.to.offset, d.to.index,
                     number_or_none(d.records), d.repaired,
                     d.healed_at ? std::to_string(epoch_ms(*d.healed_at)) : std::string("-"));
}

std::optional<DamagedPlace> read_damage(const Fields& fields) {
  if (fields.size() != 8) return {};
  DamagedPlace d;
  std::uint64_t records = 0;
  Timestamp healed_at{};
  if (!parse_field(fields[1], d.from.offset) || !parse_field(fields[2], d.from.index) ||
      !parse_field(fields[3], d.to.offset) || !parse_field(fields[4], d.to.index) ||
      (fields[5] != "-" && !parse_field(fields[5], records)) || !parse_field(fields[6], d.repaired) ||
      (fields[7] != "-" && !read_time(fields[7], healed_at)))
    return {};
  if (fields[5] != "-") d.records = records;
  if (fields[7] != "-") d.healed_at = healed_at;
  return d;
}

bool read_line(std::string_view line, ProofLedger& ledger) {
  const Fields fields = split_fields(line);
  if (fields[0] == "feed") {
    auto feed = read_feed(fields);
    if (feed) ledger.feeds.push_back(std::move(*feed));
    return feed.has_value();
  }
  if (fields[0] == "window" && !ledger.feeds.empty()) {
    auto window = read_window(fields);
    if (window) ledger.feeds.back().windows.push_back(std::move(*window));
    return window.has_value();
  }
  if (fields[0] == "damage") {
    const auto damage = read_damage(fields);
    if (damage) ledger.damage.push_back(*damage);
    return damage.has_value();
  }
  return false;
}

}  // namespace

std::string_view to_string(Proof proof) { return words.at(static_cast<std::size_t>(proof)); }

std::optional<Proof> read_proof(std::string_view text) {
  const auto found = std::ranges::find(words, text);
  if (found == words.end()) return {};
  return static_cast<Proof>(found - words.begin());
}

std::optional<Timestamp> ProofFeed::proved_until() const {
  return delivered_until(Position{~std::uint64_t{0}, ~std::uint32_t{0}});
}

std::optional<Timestamp> ProofFeed::delivered_until(const Position& cursor) const {
  std::optional<Timestamp> until;
  Timestamp expected = since;
  for (const ProofWindow& window : windows) {
    if (window.outcome != Proof::proved || window.behind > cursor) break;
    if (is_inventory) return window.checked_at;
    if (window.from > expected) break;
    expected = window.to;
    until = window.to;
  }
  return until;
}

ProofFeed* ProofLedger::find(std::string_view feed) {
  const auto found = std::ranges::find(feeds, feed, &ProofFeed::feed);
  return found == feeds.end() ? nullptr : &*found;
}

const ProofFeed* ProofLedger::find(std::string_view feed) const {
  const auto found = std::ranges::find(feeds, feed, &ProofFeed::feed);
  return found == feeds.end() ? nullptr : &*found;
}

std::string write_proof_ledger(const ProofLedger& ledger) {
  std::string lines;
  for (const DamagedPlace& damage : ledger.damage) lines += damage_line(damage);
  for (const ProofFeed& feed : ledger.feeds) {
    lines += feed_line(feed);
    for (const ProofWindow& window : feed.windows) lines += window_line(window);
  }
  return with_checksum(title, lines);
}

std::optional<ProofLedger> parse_proof_ledger(std::string_view text) {
  const auto lines = checked_lines(title, text);
  if (!lines) return {};
  ProofLedger ledger;
  for (const std::string_view line : *lines)
    if (!read_line(line, ledger)) return {};
  return ledger;
}

Result<ProofLedger> read_proof_ledger(FileSystem& files, const std::string& path) {
  if (!TRY(files.exists(path))) return ProofLedger{};
  auto ledger = parse_proof_ledger(TRY(read_file(files, path, size_max)));
  if (!ledger) return Error(ErrorCode::journal_corrupt, fmt::format("reading the proof ledger: {} is damaged", path));
  return std::move(*ledger);
}

Result<> store_proof_ledger(FileSystem& files, const std::string& path, const ProofLedger& ledger) {
  return replace_file(files, path, write_proof_ledger(ledger)).during("writing the proof ledger");
}

}  // namespace capstan::store
