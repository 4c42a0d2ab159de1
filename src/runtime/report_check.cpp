#include "runtime/report_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "canonical_json.h"
#include "report_view.h"
#include "runtime/engine.h"
#include "runtime/report_form.h"
#include "store/merkle.h"
#include "store/seal.h"

namespace capstan::runtime {

namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 7> fates{"delivered", "dropped", "dead_lettered", "not_selected",
                                                "lost",      "waiting", "unknown"};
constexpr std::string_view zeros = "0000000000000000000000000000000000000000000000000000000000000000";

void check_signature(ReportCheck& check, const Envelope& envelope, const VerifyingKey* key) {
  if (key == nullptr) {
    check.not_checked.push_back(envelope.signature ? "the signature: no --key was given"
                                                   : "the signature: the report has none");
    return;
  }
  if (!envelope.signature) {
    check.wrong.push_back("the report has no signature");
  } else if (envelope.signature->key != key->fingerprint()) {
    check.wrong.push_back(fmt::format("the report was signed with the key {}, and the key given is {}",
                                      envelope.signature->key, key->fingerprint()));
  } else if (!key->accepts(envelope.report, envelope.signature->value)) {
    check.wrong.push_back("the signature is not of this report: a byte of it was changed");
  } else {
    check.fits.push_back("the signature, of the key " + key->fingerprint());
  }
}

// Of one route in one hour: every record has one fate. A route that is not configured any more is told of as far as it
// has receipts.
void check_conserved(ReportCheck& check, const JsonView& source, const JsonView& hour) {
  for (const json::value& one : hour["routes"].items()) {
    const JsonView route(one);
    std::uint64_t sum = 0;
    for (const std::string_view fate : fates) sum += route[fate].number();
    const auto is_it = [&](const json::value& names) {
      return JsonView(names)["route"].text() == route["route"].text();
    };
    const auto names = std::ranges::find_if(source["routes"].items(), is_it);
    const bool is_configured = names != source["routes"].items().end() && JsonView(*names)["is_configured"].flag();
    if (sum == hour["journaled"].number() || (!is_configured && sum < hour["journaled"].number())) continue;
    check.wrong.push_back(fmt::format("{}, {}, {}: {} records were journaled and route {} tells of {}",
                                      source["source"].text(), hour["feed"].text(), hour["from"].text(),
                                      hour["journaled"].number(), route["route"].text(), sum));
  }
}

void check_sums(ReportCheck& check, const JsonView& source) {
  const std::size_t before = check.wrong.size();
  for (const json::value& one : source["hours"].items()) check_conserved(check, source, JsonView(one));
  for (const json::value& one : source["totals"].items()) {
    const JsonView total(one);
    check_conserved(check, source, total);
    for (const std::string_view name : {"journaled", "updates", "quarantined", "missing", "repaired"}) {
      std::uint64_t sum = 0;
      for (const json::value& hour : source["hours"].items())
        if (JsonView(hour)["feed"].text() == total["feed"].text()) sum += JsonView(hour)[name].number();
      if (sum != total[name].number())
        check.wrong.push_back(fmt::format("{}, {}: the hours have {} {}, and the day has {}", source["source"].text(),
                                          total["feed"].text(), sum, name, total[name].number()));
    }
  }
  if (check.wrong.size() == before) check.fits.push_back("the sums of " + source["source"].text());
}

void check_chain(ReportCheck& check, const JsonView& source) {
  const std::string name = source["source"].text();
  const std::size_t before = check.wrong.size();
  std::uint64_t end = 0;
  std::string chain;
  std::size_t closed = 0;
  for (const json::value& one : source["segments"].items()) {
    const JsonView segment(one);
    const std::uint64_t base = segment["base"].number();
    const std::string place = fmt::format("{}, segment {}", name, base);
    const std::string previous = segment["previous"].text();
    const auto root = parse_sha256(segment["root"].text());
    const auto before_it = parse_sha256(previous);
    if (!root || !before_it) {
      check.wrong.push_back(place + ": root and previous chain are not SHA-256");
      continue;
    }
    if (base < end)
      check.wrong.push_back(fmt::format("{}: it begins before the segment before ends at {}", place, end));
    if (base == end && base != 0 && !chain.empty() && previous != chain)
      check.wrong.push_back(place + ": its previous chain is not that of the segment before");
    if (base == 0 && previous != zeros) check.wrong.push_back(place + ": the first segment has a previous chain");
    end = segment["end"].number();
    chain.clear();
    if (segment["is_open"].flag()) continue;
    chain = segment["chain"].text();
    ++closed;
    if (to_hex(store::chain_hash(*before_it, *root, base, end)) != chain)
      check.wrong.push_back(place + ": its chain is not that of its root");
  }
  if (check.wrong.size() == before)
    check.fits.push_back(fmt::format("the hash chain of {} over {} closed segments", name, closed));
}

void check_content(ReportCheck& check) {
  const json::value report = json::parse(check.report);
  const JsonView view(report);
  if (view["capstan_report"].number() != report_version) {
    check.wrong.push_back(fmt::format("it is a report of version {}, and this Capstan knows version {}",
                                      view["capstan_report"].number(), report_version));
    return;
  }
  for (const json::value& source : view["sources"].items()) {
    check_sums(check, JsonView(source));
    check_chain(check, JsonView(source));
  }
}

// What one segment's bytes, or its seal where they are gone, say of its frames.
class SegmentCheck {
public:
  SegmentCheck(ReportCheck& check, FileSystem& files, std::string directory, const JsonView& source,
               const store::Seals& seals, const std::vector<std::uint64_t>& bases)
      : check_(check), files_(files), directory_(std::move(directory)), source_(source), seals_(seals), bases_(bases) {}

  Result<> run(const JsonView& segment) {
    base_ = segment["base"].number();
    end_ = segment["end"].number();
    place_ = fmt::format("{}, segment {}", source_["source"].text(), base_);
    const bool has_bytes = std::ranges::binary_search(bases_, base_);
    const bool has_seal = std::ranges::find(seals_.heads(), base_, &store::SealHead::base) != seals_.heads().end();
    const bool has_damaged_seal = !has_seal && TRY(files_.exists(fmt::format("{}/{:020}.seal", directory_, base_)));
    if (!has_bytes && has_damaged_seal) {
      check_.wrong.push_back(place_ + ": its seal is damaged, and retention has removed it");
      return {};
    }
    if (!has_bytes && !has_seal) {
      check_.not_checked.push_back(place_ + ": retention has removed it, and its seal");
      return {};
    }
    const std::size_t before = check_.wrong.size();
    std::vector<store::SealedFrame> sealed;
    if (has_seal) sealed = TRY(read_seal());
    if (has_bytes) TRY(check_bytes(segment, has_seal ? &sealed : nullptr));
    if (!has_bytes) compare_root(segment, sealed, "its seal");
    if (check_.wrong.size() > before) return {};
    check_.fits.push_back(fmt::format("{}: the Merkle root over {} frames is that of {}", place_,
                                      segment["frames"].number(), has_bytes ? "the bytes on disk" : "its seal"));
    return {};
  }

private:
  Result<std::vector<store::SealedFrame>> read_seal() {
    auto frames = seals_.frames(base_);
    if (frames) return frames;
    if (frames.error().code() != ErrorCode::journal_corrupt) return Error(std::move(frames.error()));
    check_.wrong.push_back(fmt::format("{}: {}", place_, frames.error().sentence()));
    return std::vector<store::SealedFrame>{};
  }

  // Damage that the report or the seal names is no news.
  bool is_known(const store::OffsetSpan& gap) const {
    const auto holds = [&](std::uint64_t from, std::uint64_t to) { return from <= gap.from && gap.to <= to; };
    if (const store::SealHead* head = seals_.find(base_); head != nullptr && head->base == base_)
      for (const store::OffsetSpan& known : head->gaps)
        if (holds(known.from, known.to)) return true;
    return std::ranges::any_of(source_["not_known"].items(), [&](const json::value& place) {
      return holds(JsonView(place)["from"].number(), JsonView(place)["to"].number());
    });
  }

  Result<> check_bytes(const JsonView& segment, const std::vector<store::SealedFrame>* sealed) {
    std::vector<store::SealedFrame> frames;
    auto scan = store::scan_frames(files_, directory_, base_, end_,
                                   [&](const store::SealedFrame& frame) { frames.push_back(frame); });
    if (!scan) return Error(std::move(scan.error()));
    for (const store::OffsetSpan& gap : scan->gaps)
      if (!is_known(gap))
        check_.wrong.push_back(fmt::format("{}: the bytes from {} to {} are damaged", place_, gap.from, gap.to));
    if (sealed != nullptr) compare_frames(frames, *sealed);
    compare_root(segment, frames, "the bytes on disk");
    return {};
  }

  void compare_frames(const std::vector<store::SealedFrame>& frames, const std::vector<store::SealedFrame>& sealed) {
    for (const store::SealedFrame& frame : frames) {
      const auto before = std::ranges::lower_bound(sealed, frame.offset, {}, &store::SealedFrame::offset);
      if (before == sealed.end() || before->offset != frame.offset)
        check_.wrong.push_back(fmt::format("{}: its seal knows no frame at {}", place_, frame.offset));
      else if (before->hash != frame.hash)
        check_.wrong.push_back(fmt::format("{}: the frame at {} is not the one that was sealed", place_, frame.offset));
    }
  }

  void compare_root(const JsonView& segment, const std::vector<store::SealedFrame>& frames, std::string_view of) {
    store::MerkleRoot root;
    for (const store::SealedFrame& frame : frames)
      if (frame.end <= end_) root.add(frame.hash);
    if (root.size() != segment["frames"].number())
      check_.wrong.push_back(
          fmt::format("{}: {} has {} frames, and the report {}", place_, of, root.size(), segment["frames"].number()));
    if (to_hex(root.root()) != segment["root"].text())
      check_.wrong.push_back(fmt::format("{}: the Merkle root of {} is not that of the report", place_, of));
  }

  ReportCheck& check_;
  FileSystem& files_;
  std::string directory_;
  JsonView source_;
  const store::Seals& seals_;
  const std::vector<std::uint64_t>& bases_;
  std::uint64_t base_ = 0;
  std::uint64_t end_ = 0;
  std::string place_;
};

}  // namespace

ReportCheck check_report(std::string_view file, const VerifyingKey* key) {
  ReportCheck check;
  std::string inside;
  if (file.starts_with("<!doctype")) {
    auto envelope = envelope_of_html(file);
    if (!envelope) {
      check.wrong.push_back(
          "the page is not as this Capstan makes it of the report inside: it was changed, or another version made it; "
          "check the JSON form");
      return check;
    }
    check.fits.push_back("the page shows what the report inside says");
    inside = std::move(*envelope);
    file = inside;
  }
  auto envelope = open_envelope(file);
  if (!envelope) {
    check.wrong.push_back(
        "the file is not as Capstan writes a report: it is another file, or a byte of it was changed");
    return check;
  }
  check.report = envelope->report;
  check_signature(check, *envelope, key);
  check_content(check);
  return check;
}

Result<> check_against_journals(ReportCheck& check, FileSystem& files, const std::string& data_dir) {
  if (check.report.empty()) return {};
  const json::value report = json::parse(check.report);
  for (const json::value& one : JsonView(report)["sources"].items()) {
    const JsonView source(one);
    const std::string directory = journal_directory(data_dir, source["source"].text());
    // A name from a file that may have been changed must not lead elsewhere.
    if (source["source"].text().contains('/') || !TRY(files.exists(directory))) {
      check.not_checked.push_back(fmt::format("the journal of {}: there is no {}", source["source"].text(), directory));
      continue;
    }
    const auto seals = TRY(store::Seals::open(files, directory));
    const auto bases = TRY(store::list_segments(files, directory));
    SegmentCheck segments(check, files, directory, source, *seals, bases);
    for (const json::value& segment : source["segments"].items()) TRY(segments.run(JsonView(segment)));
  }
  return {};
}

std::string to_text(const ReportCheck& check) {
  std::string text;
  for (const std::string& line : check.fits) text += "fits: " + line + "\n";
  for (const std::string& line : check.not_checked) text += "not checked: " + line + "\n";
  for (const std::string& line : check.wrong) text += "does not fit: " + line + "\n";
  return text;
}

std::string to_json(const ReportCheck& check) {
  const auto list = [](const std::vector<std::string>& lines) { return json::array(lines.begin(), lines.end()); };
  return json::serialize(json::object{{"is_good", check.is_good()},
                                      {"fits", list(check.fits)},
                                      {"not_checked", list(check.not_checked)},
                                      {"wrong", list(check.wrong)}});
}

}  // namespace capstan::runtime
