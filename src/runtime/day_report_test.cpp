// A day's report against a naive count, and everything that may be changed behind its back.
#include "runtime/day_report.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>

#include "base/digest.h"
#include "canonical_json.h"
#include "runtime/event_proof.h"
#include "runtime/report_check.h"
#include "runtime/report_form.h"
#include "store/receipts.h"
#include "store/seal.h"

namespace capstan::runtime {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using store::Outcome;
using store::Position;

class HandClock final : public Clock {
public:
  Timestamp wall = parse_iso8601("2026-11-02T12:00:00Z").value();
  Timestamp now() const override { return wall; }
  MonotonicTime monotonic() const override { return {}; }
};

std::string read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_whole(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
}

constexpr std::string_view private_pem =
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n"
    "-----END PRIVATE KEY-----\n";
constexpr std::string_view other_pem =
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIMXmdNJDKZxONFJqDaVQCwqVgXyQSlYkoCYxXBmLZXqP\n"
    "-----END PRIVATE KEY-----\n";

class DayReportTest : public testing::Test {
protected:
  // A record as the test knows it, and what became of it on each route.
  struct Known {
    std::string feed;
    std::string id;
    std::string raw;
    Timestamp saved;
    RecordKind kind = RecordKind::created;
    bool is_quarantined = false;
    Position position;
    Position next;
  };
  struct Fate {
    std::optional<Outcome> outcome;  // nothing: without a receipt
    std::vector<Timestamp> delivered;
  };

  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "capstan_report_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    directory_ = root_ + "/sources/contoso/journal";
    options_.reserve = 0_B;
    options_.segment_size = 24_KiB;
    journal_ = open();
    for (const char* route : {"siem", "archive"}) ASSERT_TRUE(journal_->cursor(route));
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::shared_ptr<store::Journal> open() {
    auto journal = store::Journal::open(files_, clock_, directory_, options_);
    if (!journal) ADD_FAILURE() << journal.error().text();
    return journal ? std::shared_ptr<store::Journal>(std::move(*journal)) : nullptr;
  }

  void append_random(std::size_t count) {
    Batch batch;
    const std::size_t first = known_.size();
    for (std::size_t i = 0; i < count; ++i) {
      Known known;
      known.feed = std::array{"activities", "alerts", "users"}[random_() % 3];
      known.id = fmt::format("e{}", random_() % 400);
      known.saved = clock_.wall - std::chrono::seconds(random_() % 2000);
      if (random_() % 10 == 0) known.saved -= hours(random_() % 40);
      known.kind = random_() % 5 == 0 ? RecordKind::updated : RecordKind::created;
      known.is_quarantined = random_() % 11 == 0;
      known.raw =
          fmt::format(R"({{"_id":"{}","n":{},"fill":"{}"}})", known.id, first + i, std::string(random_() % 200, 'x'));
      ASSERT_TRUE(batch.add({.feed = known.feed,
                             .id = known.id,
                             .raw = known.raw,
                             .event_time = known.saved,
                             .saved_time = known.saved,
                             .content_hash = hash64(known.raw),
                             .kind = known.kind,
                             .is_quarantined = known.is_quarantined}));
      known_.push_back(std::move(known));
    }
    const Position before = journal_->report().durable;
    ASSERT_TRUE(journal_->append(batch, {std::to_string(known_.size())}));
    ASSERT_TRUE(journal_->sync());
    const store::Slice slice = journal_->read(before, 64_MiB).value();
    ASSERT_EQ(slice.items.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      known_[first + i].position = slice.items[i].position;
      known_[first + i].next = slice.items[i].next;
    }
    for (auto& [route, fates] : fates_) fates.resize(known_.size());
  }

  bool takes(const std::string& route, const std::string& feed) const { return route == "siem" || feed != "users"; }

  // The route delivers the records [first, last) as one payload; what becomes of each is by chance.
  void deliver(const std::string& route, std::size_t first, std::size_t last, bool with_receipt = true) {
    store::Receipt receipt;
    receipt.from = known_[first].position;
    receipt.to = known_[last - 1].next;
    receipt.destination = random_() % 5 == 0 ? "syslog tls://other:6514" : "syslog tls://siem:6514";
    receipt.proof = route == "siem" ? Sink::Proof::acknowledged_by_kernel : Sink::Proof::not_provable;
    receipt.rule = "abcd";
    receipt.acknowledged = clock_.wall;
    receipt.first_attempt = receipt.last_attempt = clock_.wall - std::chrono::milliseconds(30);
    for (std::size_t i = first; i < last; ++i) {
      const bool is_taken = takes(route, known_[i].feed);
      const Outcome outcome = !is_taken             ? Outcome::not_selected
                              : random_() % 5 == 0  ? Outcome::dropped
                              : random_() % 30 == 0 ? Outcome::rejected
                                                    : Outcome::delivered;
      if (receipt.outcomes.empty() || receipt.outcomes.back().outcome != outcome)
        receipt.outcomes.push_back({known_[i].position, outcome});
      if (!with_receipt) continue;
      Fate& fate = fates_[route][i];
      if (!fate.outcome || outcome == Outcome::delivered ||
          (*fate.outcome == Outcome::dropped && outcome == Outcome::rejected))
        fate.outcome = outcome;
      if (outcome == Outcome::delivered) fate.delivered.push_back(clock_.wall);
    }
    if (with_receipt) journal_->add_receipt(route, receipt);
    store::Cursor cursor = journal_->cursor(route).value();
    cursor.position = std::max(cursor.position, receipt.to);
    reached_[route] = std::max(reached_[route], last);
    ASSERT_TRUE(journal_->acknowledge(cursor));
  }

  // Three days of a small tenant. Route archive is behind; some payloads come twice, some receipts are lost.
  void live(int transactions = 150) {
    fates_["siem"];
    fates_["archive"];
    for (int i = 0; i < transactions; ++i) {
      ASSERT_NO_FATAL_FAILURE(append_random(1 + random_() % 12));
      clock_.wall += minutes(20);
      for (const std::string route : {"siem", "archive"}) {
        const std::size_t end = route == "siem" ? known_.size() : known_.size() * 9 / 10;
        while (reached_[route] < end) {
          const std::size_t first = reached_[route];
          const std::size_t last = std::min(end, first + 1 + random_() % 20);
          ASSERT_NO_FATAL_FAILURE(deliver(route, first, last, random_() % 25 != 0));
          if (random_() % 9 == 0) {
            ASSERT_NO_FATAL_FAILURE(deliver(route, first, last));
          }
        }
      }
      if (i % 3 == 0) {
        ASSERT_TRUE(journal_->seal_next());
      }
      if (i % 8 == 0) {
        ASSERT_TRUE(journal_->flush_cursors());
      }
    }
    ASSERT_TRUE(journal_->flush_cursors());
  }

  ReportSource source() const {
    ReportSource source;
    source.name = "contoso";
    source.tenant = "contoso_tenant";
    source.directory = directory_;
    source.journal = store::Journal::open_read_only(files_, clock_, directory_).value();
    source.ledger = ledger_;
    for (const std::string route : {"siem", "archive"}) {
      ReportRoute one;
      one.name = route;
      one.destination = "syslog tls://siem:6514";
      one.rule = "abcd";
      one.rule_text = "source | where x <script>";
      if (route == "archive") one.feeds = {"activities", "alerts"};
      for (const store::Cursor& cursor : source.journal->cursors())
        if (cursor.route == route) one.cursor = cursor;
      source.routes.push_back(std::move(one));
    }
    return source;
  }

  DayReport report(std::string_view day, const TimeZone& zone = TimeZone::utc()) const {
    ReportFacts facts{.now = clock_.wall, .version = "0.1.0", .host = "collector", .configuration = "cafe", .runs = {}};
    facts.runs.push_back({clock_.wall - hours(100), std::nullopt, "0.1.0"});
    auto made = make_day_report(files_, {parse_date(day).value(), zone}, facts, {source()}, {});
    if (!made) ADD_FAILURE() << made.error().text();
    return made ? std::move(*made) : DayReport{};
  }

  void expect_naive(const DayReport& made) {
    const SourceDay& day = made.sources.at(0);
    std::map<std::pair<std::string, Timestamp>, FeedHour> expected;
    for (std::size_t i = 0; i < known_.size(); ++i) {
      const Known& known = known_[i];
      if (known.saved < made.from || known.saved >= made.to) continue;
      const Timestamp begin = made.from + (known.saved - made.from) / hours(1) * hours(1);
      FeedHour& hour = expected[{known.feed, begin}];
      if (hour.routes.empty()) hour.routes = {{.route = "siem"}, {.route = "archive"}};
      ++hour.journaled;
      hour.updates += known.kind == RecordKind::updated;
      hour.quarantined += known.is_quarantined;
      for (RouteDay& route : hour.routes) {
        const Fate& fate = fates_[route.route][i];
        if (!takes(route.route, known.feed)) {
          ++route.not_selected;
        } else if (i >= reached_[route.route]) {
          ++route.waiting;
        } else if (!fate.outcome) {
          ++route.unknown;
        } else {
          ++(*fate.outcome == Outcome::delivered ? route.delivered
             : *fate.outcome == Outcome::dropped ? route.dropped
                                                 : route.dead_lettered);
        }
        route.resent += fate.delivered.size() > 1;
        for (const Timestamp time : fate.delivered) {
          route.first = std::min(route.first.value_or(time), time);
          route.last = std::max(route.last.value_or(time), time);
        }
      }
    }
    ASSERT_EQ(day.hours.size(), expected.size());
    for (const FeedHour& hour : day.hours) {
      SCOPED_TRACE(hour.feed + " " + to_iso8601(hour.from));
      const FeedHour& naive = expected[{hour.feed, hour.from}];
      EXPECT_EQ(hour.journaled, naive.journaled);
      EXPECT_EQ(hour.updates, naive.updates);
      EXPECT_EQ(hour.quarantined, naive.quarantined);
      ASSERT_EQ(hour.routes.size(), 2U);
      for (std::size_t r = 0; r < 2; ++r) {
        const RouteDay& route = hour.routes[r];
        const RouteDay& other = naive.routes[r];
        EXPECT_EQ(route.route, other.route);
        EXPECT_EQ(route.delivered, other.delivered);
        EXPECT_EQ(route.dropped, other.dropped);
        EXPECT_EQ(route.dead_lettered, other.dead_lettered);
        EXPECT_EQ(route.not_selected, other.not_selected);
        EXPECT_EQ(route.waiting, other.waiting);
        EXPECT_EQ(route.unknown, other.unknown);
        EXPECT_EQ(route.resent, other.resent);
        EXPECT_EQ(route.not_provable, route.route == "siem" ? 0U : other.delivered);
        EXPECT_EQ(route.first, other.first);
        EXPECT_EQ(route.last, other.last);
        EXPECT_EQ(route.delivered + route.dropped + route.dead_lettered + route.not_selected + route.lost +
                      route.waiting + route.unknown,
                  hour.journaled);
      }
    }
  }

  std::string signed_json(const DayReport& made) const { return in_envelope(to_canonical_json(made), &*key_); }

  std::vector<std::string> paths(const std::string& extension) const {
    std::vector<std::string> result;
    for (const auto& entry : std::filesystem::directory_iterator(directory_))
      if (entry.path().extension() == extension) result.push_back(entry.path());
    std::ranges::sort(result);
    return result;
  }

  mutable PosixFileSystem files_;
  HandClock clock_;
  store::JournalOptions options_;
  std::string root_;
  std::string directory_;
  std::shared_ptr<store::Journal> journal_;
  std::vector<Known> known_;
  std::map<std::string, std::vector<Fate>> fates_;
  std::map<std::string, std::size_t> reached_;
  std::optional<store::ProofLedger> ledger_;
  std::mt19937_64 random_{17};
  std::optional<SigningKey> key_ = SigningKey::from_pem(Secret(std::string(private_pem))).value();
  std::optional<VerifyingKey> public_key_ = VerifyingKey::from_pem(private_pem).value();
};

TEST_F(DayReportTest, EveryFigureIsThatOfANaiveCount) {
  live();
  for (const char* day : {"2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04", "2026-11-05", "2026-11-06"}) {
    SCOPED_TRACE(day);
    ASSERT_NO_FATAL_FAILURE(expect_naive(report(day)));
  }
}

TEST_F(DayReportTest, SegmentsThatRetentionRemovedAreToldFromTheirSeals) {
  live();
  journal_.reset();
  options_.max_age = hours(20);
  journal_ = open();
  ASSERT_TRUE(journal_->enforce_retention());
  ASSERT_GT(journal_->report().first.offset, 100'000U);
  for (const char* day : {"2026-11-02", "2026-11-03", "2026-11-04"}) {
    SCOPED_TRACE(day);
    const DayReport made = report(day);
    ASSERT_NO_FATAL_FAILURE(expect_naive(made));
    EXPECT_TRUE(made.sources[0].not_known.empty());
  }
  // Seals that are gone leave days about which not everything can be said.
  const auto seals = paths(".seal");
  for (std::size_t i = 0; i < seals.size() / 3; ++i) std::filesystem::remove(seals[i]);
  EXPECT_FALSE(report("2026-11-02").sources[0].not_known.empty());
  EXPECT_TRUE(report("2026-11-05").sources[0].not_known.empty());
}

TEST_F(DayReportTest, ADayOf25HoursHas25) {
  const auto zone = TimeZone::load(files_, "Europe/Amsterdam");
  if (!zone) GTEST_SKIP() << "this machine has no time zone files";
  clock_.wall = parse_iso8601("2026-10-24T10:00:00Z").value();
  live();
  const DayReport made = report("2026-10-25", *zone);
  EXPECT_EQ(made.to - made.from, hours(25));
  ASSERT_NO_FATAL_FAILURE(expect_naive(made));
  std::set<Timestamp> begins;
  for (const FeedHour& hour : made.sources[0].hours) begins.insert(hour.from);
  EXPECT_EQ(begins.size(), 25U);
  const std::string json = to_canonical_json(made);
  EXPECT_TRUE(json.contains(R"("from":"2026-10-25T02:00:00+02:00")"));
  EXPECT_TRUE(json.contains(R"("from":"2026-10-25T02:00:00+01:00")"));
}

TEST_F(DayReportTest, WhatWasComparedComesFromTheLedger) {
  live(100);
  const auto at = [](int hour) { return parse_iso8601("2026-11-03T00:00:00Z").value() + hours(hour); };
  store::ProofFeed feed;
  feed.feed = "activities";
  const auto window = [&](int from, int to, store::Proof outcome, std::uint64_t shown) {
    store::ProofWindow w;
    w.from = at(from);
    w.to = at(to);
    w.outcome = outcome;
    w.shown = shown;
    w.missing = outcome == store::Proof::missing ? 2 : 0;
    w.repaired = from == 1 ? 3 : 0;
    w.checked_at = at(40 + from);
    if (outcome == store::Proof::not_comparable) w.why = "retention";
    feed.windows.push_back(w);
  };
  window(0, 1, store::Proof::proved, 10);
  window(1, 2, store::Proof::proved, 11);
  window(2, 3, store::Proof::missing, 12);
  window(3, 4, store::Proof::not_comparable, 0);
  window(5, 7, store::Proof::proved, 20);  // two hours at once
  ledger_ = store::ProofLedger{{feed}, {}};
  const DayReport made = report("2026-11-03");
  const auto hour = [&](int n) {
    const auto& all = made.sources[0].hours;
    return *std::ranges::find_if(all, [&](const FeedHour& h) { return h.feed == "activities" && h.from == at(n); });
  };
  EXPECT_EQ(hour(0).proof.outcome, "proved");
  EXPECT_EQ(hour(0).proof.shown, 10U);
  EXPECT_EQ(hour(1).proof.repaired, 3U);
  EXPECT_EQ(hour(1).proof.checked_at, at(41));
  EXPECT_EQ(hour(2).proof.outcome, "missing");
  EXPECT_EQ(hour(2).proof.missing, 2U);
  EXPECT_EQ(hour(3).proof.outcome, "not comparable");
  EXPECT_EQ(hour(3).proof.why, "retention");
  EXPECT_EQ(hour(4).proof.outcome, "not compared");
  EXPECT_FALSE(hour(4).proof.shown);
  EXPECT_EQ(hour(5).proof.outcome, "proved");
  EXPECT_FALSE(hour(5).proof.shown);
  const auto& totals = made.sources[0].totals;
  const auto total = std::ranges::find(totals, "activities", &FeedHour::feed);
  EXPECT_EQ(total->proof.outcome, "missing");
  EXPECT_FALSE(total->proof.shown);
  EXPECT_EQ(total->proof.missing, 2U);
  EXPECT_FALSE(hour(4).proof.missing);
  const auto alerts = std::ranges::find(totals, "alerts", &FeedHour::feed);
  EXPECT_EQ(alerts->proof.outcome, "not compared");
}

// An hour is only proved when a route that takes it has all of it.
TEST_F(DayReportTest, AnHourThatARouteHasNotDeliveredWaits) {
  fates_["siem"];
  fates_["archive"];
  append_random(30);
  store::ProofFeed feed;
  feed.feed = "activities";
  store::ProofWindow w;
  w.from = parse_iso8601("2026-11-02T00:00:00Z").value();
  w.to = parse_iso8601("2026-11-03T00:00:00Z").value();
  w.outcome = store::Proof::proved;
  for (Timestamp t = w.from; t < parse_iso8601("2026-11-03T00:00:00Z").value(); t += hours(1)) {
    w.from = t;
    w.to = t + hours(1);
    feed.windows.push_back(w);
  }
  ledger_ = store::ProofLedger{{feed}, {}};
  const auto outcome = [&] {
    const DayReport made = report("2026-11-02");
    return std::ranges::find(made.sources[0].totals, "activities", &FeedHour::feed)->proof.outcome;
  };
  EXPECT_EQ(outcome(), "waiting");
  deliver("siem", 0, known_.size());
  ASSERT_TRUE(journal_->flush_cursors());
  EXPECT_EQ(outcome(), "waiting");
  deliver("archive", 0, known_.size());
  ASSERT_TRUE(journal_->flush_cursors());
  EXPECT_EQ(outcome(), "proved");
}

TEST_F(DayReportTest, ReceiptsOfARouteThatIsNotConfiguredAnyMoreStay) {
  fates_["siem"];
  fates_["archive"];
  append_random(20);
  deliver("siem", 0, 20);
  fates_["old"].resize(20);
  deliver("old", 0, 20);
  ASSERT_TRUE(journal_->flush_cursors());
  const SourceDay day = report("2026-11-02").sources[0];
  ASSERT_EQ(day.routes.size(), 3U);
  EXPECT_EQ(day.routes[2].route, "old");
  EXPECT_FALSE(day.routes[2].is_configured);
  ReportCheck check = check_report(signed_json(report("2026-11-02")), &*public_key_);
  EXPECT_TRUE(check.is_good()) << to_text(check);
}

TEST_F(DayReportTest, ASignedReportFitsAndEveryFlippedByteIsFound) {
  live(2);
  const std::string file = signed_json(report("2026-11-02"));
  const ReportCheck good = check_report(file, &*public_key_);
  EXPECT_TRUE(good.is_good()) << to_text(good);
  EXPECT_EQ(good.fits.size(), 3U);
  std::size_t missed = 0;
  for (std::size_t at = 0; at < file.size(); ++at) {
    std::string changed = file;
    changed[at] ^= static_cast<char>(1U << (random_() % 7));
    missed += check_report(changed, &*public_key_).is_good();
  }
  EXPECT_EQ(missed, 0U);
  for (const std::string& changed : {file.substr(1), file.substr(0, file.size() - 1), file + "\n", " " + file,
                                     file.substr(0, file.find(",\"signature\"")) + "}\n", std::string{}})
    EXPECT_FALSE(check_report(changed, &*public_key_).is_good());
  const VerifyingKey other = VerifyingKey::from_pem(other_pem).value();
  EXPECT_FALSE(check_report(file, &other).is_good());
  EXPECT_TRUE(check_report(file, nullptr).is_good());
  EXPECT_EQ(check_report(file, nullptr).not_checked.size(), 1U);
}

// Somebody who can sign can still not write sums or a chain that do not fit.
TEST_F(DayReportTest, SumsAndChainAreCheckedUnderASignature) {
  live(60);
  const std::string json = to_canonical_json(report("2026-11-02"));
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string changed = json;
    const std::size_t at = changed.find(from);
    EXPECT_NE(at, std::string::npos);
    changed.replace(at, from.size(), to);
    return check_report(in_envelope(changed, &*key_), &*public_key_);
  };
  EXPECT_TRUE(with("collector", "collectoR").is_good());
  const std::size_t journaled = json.find("\"journaled\":");
  const std::string figure = json.substr(journaled, json.find(',', journaled) - journaled);
  EXPECT_FALSE(with(figure, figure + "1").is_good());
  for (const std::string_view name : {"\"root\":\"", "\"chain\":\"", "\"previous\":\""}) {
    const std::size_t at = json.find(name) + name.size();
    std::string hash = json.substr(at, 64);
    const std::string old = std::string(name) + hash;
    hash[5] = hash[5] == 'a' ? 'b' : 'a';
    EXPECT_FALSE(with(old, std::string(name) + hash).is_good()) << name;
  }
  EXPECT_FALSE(with("\"capstan_report\":1", "\"capstan_report\":2").is_good());
}

TEST_F(DayReportTest, TheJournalBehindItIsComparedByteForByte) {
  live(60);
  const std::string file = signed_json(report("2026-11-02"));
  const auto check = [&] {
    ReportCheck result = check_report(file, &*public_key_);
    EXPECT_TRUE(check_against_journals(result, files_, root_));
    return result;
  };
  const ReportCheck good = check();
  EXPECT_TRUE(good.is_good()) << to_text(good);
  EXPECT_TRUE(good.not_checked.empty()) << to_text(good);
  // Any byte of a segment, also of the newest as far as the report goes.
  for (const std::string& path : {paths(".segment").front(), paths(".segment").back()}) {
    const std::string whole = read_whole(path);
    for (std::size_t at = 0; at < whole.size(); at += 1 + random_() % 97) {
      std::string changed = whole;
      changed[at] ^= static_cast<char>(1U << (random_() % 8));
      write_whole(path, changed);
      ASSERT_FALSE(check().is_good()) << path << " " << at;
    }
    write_whole(path, whole);
  }
  // Records appended after the report was made are not its business.
  append_random(20);
  EXPECT_TRUE(check().is_good());
  for (auto more = journal_->seal_next(); more && *more;) more = journal_->seal_next();
  EXPECT_TRUE(check().is_good());
  // Without the segment its seal still says whether the root fits.
  journal_.reset();
  const std::string segment = paths(".segment").front();
  std::filesystem::remove(segment);
  const ReportCheck by_seal = check();
  EXPECT_TRUE(by_seal.is_good()) << to_text(by_seal);
  const std::string seal = paths(".seal").front();
  const std::string sealed = read_whole(seal);
  for (std::size_t at = 0; at < sealed.size(); at += 1 + random_() % 31) {
    std::string changed = sealed;
    changed[at] ^= static_cast<char>(1U << (random_() % 8));
    write_whole(seal, changed);
    ASSERT_FALSE(check().is_good()) << at;
  }
  std::filesystem::remove(seal);
  EXPECT_TRUE(check().is_good());
  EXPECT_EQ(check().not_checked.size(), 1U);
  std::filesystem::remove_all(directory_);
  EXPECT_EQ(check().not_checked.size(), 1U);
}

TEST_F(DayReportTest, ThePageCarriesTheReportAndMustShowIt) {
  live(20);
  const std::string envelope = signed_json(report("2026-11-02"));
  const std::string page = to_html(envelope);
  EXPECT_EQ(envelope_of_html(page), envelope);
  EXPECT_FALSE(page.contains("where x <script>"));
  EXPECT_FALSE(page.contains("http://"));
  EXPECT_FALSE(page.contains("https://"));
  const ReportCheck good = check_report(page, &*public_key_);
  EXPECT_TRUE(good.is_good()) << to_text(good);
  for (std::size_t at = 0; at < page.size(); at += 1 + random_() % 53) {
    std::string changed = page;
    changed[at] ^= static_cast<char>(1U << (random_() % 7));
    ASSERT_FALSE(check_report(changed, &*public_key_).is_good()) << at;
  }
  EXPECT_TRUE(to_text(envelope).contains("route siem"));
}

TEST_F(DayReportTest, EveryEventIsProvedAndEveryFlippedByteIsFound) {
  live(24);
  const std::string early = to_canonical_json(report("2026-11-02"));
  append_random(30);
  const std::string late = to_canonical_json(report("2026-11-02"));
  const std::vector<ProofSource> sources{{"contoso", directory_, source().journal}};
  std::size_t proved = 0;
  std::size_t longest = 0;
  std::map<std::string, const Known*> newest;
  for (const Known& known : known_) newest[known.feed + "/" + known.id] = &known;
  for (const auto& [key, known] : newest) {
    const bool is_in_report = known->saved >= parse_iso8601("2026-11-02T00:00:00Z").value() &&
                              known->saved < parse_iso8601("2026-11-03T00:00:00Z").value();
    if (!is_in_report) continue;
    const auto proof = prove_event(files_, sources, {.id = known->id, .feed = known->feed, .report = late}, {});
    ASSERT_TRUE(proof) << proof.error().text();
    EXPECT_EQ(check_proof(*proof, late, known->raw), std::vector<std::string>{}) << *proof;
    EXPECT_FALSE(check_proof(*proof, late, known->raw + " ").empty());
    const std::size_t path = proof->find("\"path\":");
    longest = std::max(longest, proof->find(']', path) - path);
    ++proved;
    if (proved % 20 != 1) continue;
    // Every byte of the first one, some of others.
    for (std::size_t at = 0; at < proof->size(); at += proved == 1 ? 1 : 1 + random_() % 97) {
      std::string changed = *proof;
      changed[at] ^= static_cast<char>(1U << (random_() % 7));
      ASSERT_FALSE(check_proof(changed, late, known->raw).empty()) << at << "\n" << changed;
    }
  }
  EXPECT_GT(proved, 30U);
  EXPECT_LE(longest, 2048U);
  // For a report that was made when the newest segment was shorter.
  const Known& old = known_[known_.size() - 40];
  const auto for_early =
      prove_event(files_, sources, {.id = old.id, .feed = old.feed, .version = 1, .report = early}, {});
  ASSERT_TRUE(for_early) << for_early.error().text();
  EXPECT_TRUE(check_proof(*for_early, early, {}).empty());
  // An event that nobody has, and one of which only the seal is left.
  EXPECT_EQ(prove_event(files_, sources, {.id = "nobody", .feed = ""}, {}).error().code(), ErrorCode::not_found);
  for (auto more = journal_->seal_next(); more && *more;) more = journal_->seal_next();
  std::filesystem::remove(paths(".segment").front());
  const auto gone = prove_event(files_, sources, {.id = known_[0].id, .feed = known_[0].feed, .version = 1}, {});
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code(), ErrorCode::not_found);
}

TEST(CanonicalJson, OneFormOnly) {
  const std::string text = R"({"a":[1,-2,true,null,"\u0001\b\f\n\r\t\"\\é"],"b":{"c":18446744073709551615}})";
  const auto value = parse_canonical(text);
  ASSERT_TRUE(value);
  EXPECT_EQ(canonical(*value), text);
  for (const std::string_view other :
       {R"({"b":1,"a":2})", R"({"a": 1})", R"({"a":1.0})", R"({"a":"\u00e9"})", R"({"a":1e3})", R"({"a":1}x)", "",
        R"({"a":"\/"})", R"({"a":01})", R"({"a":1,"a":1})"})
    EXPECT_FALSE(parse_canonical(other)) << other;
}

}  // namespace
}  // namespace capstan::runtime
