#include "runtime/event_proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>

#include "base/base64.h"
#include "canonical_json.h"
#include "event/batch.h"
#include "report_view.h"
#include "segment_chain.h"
#include "store/merkle.h"
#include "store/seal.h"

namespace capstan::runtime {

namespace {

namespace json = boost::json;

constexpr int proof_version = 1;
constexpr Bytes slice_max = 1_MiB;

// One place where a record of that id is, or may be: an identity is 64 bits of a hash.
struct Candidate {
  const ProofSource* source = nullptr;
  store::Position position;
};

bool is_wanted(const EventToProve& question, const RecordView& record) {
  return record.id == question.id && (question.feed.empty() || record.feed == question.feed);
}

Result<> find_in_segments(const ProofSource& source, const store::OffsetSpan& span, const EventToProve& question,
                          const std::stop_token& stop, std::vector<Candidate>& found) {
  for (store::Position at{span.from, 0}; at.offset < span.to;) {
    if (stop.stop_requested()) return Error(ErrorCode::interrupted, "looking for the event: stopped");
    const store::Slice slice = TRY(source.journal->read(at, slice_max));
    for (const auto& item : slice.items)
      if (item.position.offset < span.to && is_wanted(question, item.record)) found.push_back({&source, item.position});
    if (slice.end <= at) break;
    at = slice.end;
  }
  return {};
}

// Seals tell without reading the segments; what they do not cover is read.
Result<std::vector<Candidate>> candidates_of(FileSystem& files, const ProofSource& source, const EventToProve& question,
                                             const std::stop_token& stop) {
  std::vector<Candidate> found;
  const auto seals = TRY(store::Seals::open(files, source.directory));
  for (const store::SealHead& head : seals->heads()) {
    std::map<std::string_view, std::uint64_t> identities;
    for (const store::SealedFeed& feed : head.feeds)
      identities.emplace(feed.name, store::sealed_identity(feed.name, question.id));
    TRY(seals->for_each(store::Position{head.base, 0}, store::Position{head.end, 0},
                        [&](const store::SealedRecord& record) {
                          const auto identity = identities.find(record.feed);
                          if (identity != identities.end() && identity->second == record.identity)
                            found.push_back({&source, record.position});
                        }));
  }
  const store::JournalReport journal = source.journal->report();
  for (const store::OffsetSpan& span : seals->not_covered(journal.first.offset, journal.durable.offset))
    TRY(find_in_segments(source, span, question, stop, found));
  std::ranges::sort(found, {}, &Candidate::position);
  return found;
}

// A segment with all its frames.
struct Leaves {
  ReportSegment segment;
  std::vector<store::SealedFrame> frames;

  std::vector<Sha256> hashes() const {
    std::vector<Sha256> result;
    for (const store::SealedFrame& frame : frames) result.push_back(frame.hash);
    return result;
  }
  void cut_at(std::uint64_t limit) {
    std::erase_if(frames, [&](const store::SealedFrame& frame) { return frame.end > limit; });
    store::MerkleRoot root;
    for (const store::SealedFrame& frame : frames) root.add(frame.hash);
    segment.end = limit;
    segment.frames = frames.size();
    segment.root = root.root();
  }
};

Result<Leaves> leaves_at(FileSystem& files, const ProofSource& source, std::uint64_t offset) {
  const auto seals = TRY(store::Seals::open(files, source.directory));
  const std::uint64_t durable = source.journal->report().durable.offset;
  const std::vector<ReportSegment> all = TRY(segment_chain(files, source.directory, *seals, durable));
  const auto found = std::ranges::find_if(
      all, [&](const ReportSegment& segment) { return segment.base <= offset && offset < segment.end; });
  if (found == all.end())
    return Error(ErrorCode::not_found,
                 fmt::format("proving an event at {} of {}: its segment is gone", offset, source.name));
  Leaves leaves{*found, {}};
  if (seals->find(offset) != nullptr) {
    leaves.frames = TRY(seals->frames(found->base));
  } else {
    TRY(store::scan_frames(files, source.directory, found->base, found->end,
                           [&](const store::SealedFrame& frame) { leaves.frames.push_back(frame); }));
  }
  return leaves;
}

const json::value* segment_of(const json::value& report, std::string_view source, std::uint64_t offset) {
  for (const json::value& one : JsonView(report)["sources"].items()) {
    if (JsonView(one)["source"].text() != source) continue;
    for (const json::value& segment : JsonView(one)["segments"].items())
      if (const JsonView view(segment); view["base"].number() <= offset && offset < view["end"].number())
        return &segment;
  }
  return nullptr;
}

// The tree as the report knew it: a segment that was open then had fewer frames.
Result<> follow_report(Leaves& leaves, const std::string& text, const ProofSource& source, std::uint64_t offset) {
  const auto report = parse_canonical(text);
  const json::value* const segment = report ? segment_of(*report, source.name, offset) : nullptr;
  if (segment == nullptr)
    return Error(ErrorCode::not_found,
                 fmt::format("proving an event at {} of {}: the report names no segment that holds it; take the report "
                             "of the day on which the event was saved",
                             offset, source.name));
  const JsonView view(*segment);
  leaves.cut_at(view["end"].number());
  leaves.segment.is_open = view["is_open"].flag();
  if (to_hex(leaves.segment.root) == view["root"].text() && to_hex(leaves.segment.previous) == view["previous"].text())
    return {};
  return Error(ErrorCode::not_verified,
               fmt::format("proving an event of {}: the report's root or previous chain of the segment at {} is not "
                           "that of the journal",
                           source.name, leaves.segment.base));
}

struct InFrame {
  RecordView record;
  std::uint32_t index = 0;
};

std::optional<InFrame> record_at(std::string_view records, std::uint32_t wanted) {
  std::size_t offset = 0;
  for (std::uint32_t index = 0; offset < records.size(); ++index) {
    const auto stored = read_stored(records, offset);
    if (!stored) return {};
    if (index == wanted) return InFrame{stored->record, index};
    offset = stored->end;
  }
  return {};
}

std::string write_proof(const ProofSource& source, const Leaves& leaves, std::size_t leaf,
                        const store::FrameBytes& frame, const InFrame& at) {
  const ReportSegment& of = leaves.segment;
  json::array path;
  for (const Sha256& hash : store::merkle_path(leaves.hashes(), leaf)) path.push_back(json::value(to_hex(hash)));
  return canonical(json::object{{"capstan_proof", proof_version},
                                {"source", source.name},
                                {"feed", at.record.feed},
                                {"id", at.record.id},
                                {"record", {{"index", at.index}, {"sha256", to_hex(sha256(at.record.raw))}}},
                                {"frame", {{"index", leaf}, {"bytes", to_base64(frame.whole())}}},
                                {"path", std::move(path)},
                                {"segment",
                                 {{"base", of.base},
                                  {"end", of.end},
                                  {"frames", of.frames},
                                  {"is_open", of.is_open},
                                  {"root", to_hex(of.root)},
                                  {"previous", to_hex(of.previous)},
                                  {"chain", of.is_open ? json::value(nullptr) : json::value(to_hex(of.chain))}}}}) +
         "\n";
}

// Nothing when the record is another one with the same identity.
Result<std::optional<std::string>> prove(FileSystem& files, const Candidate& candidate, const EventToProve& question) {
  const ProofSource& source = *candidate.source;
  Leaves leaves = TRY(leaves_at(files, source, candidate.position.offset));
  if (question.report) TRY(follow_report(leaves, *question.report, source, candidate.position.offset));
  const auto frame = std::ranges::find(leaves.frames, candidate.position.offset, &store::SealedFrame::offset);
  if (frame == leaves.frames.end()) return std::optional<std::string>{};
  const store::FrameBytes bytes = TRY(store::read_frame(files, source.directory, leaves.segment.base, *frame));
  const auto at = record_at(bytes.records(), candidate.position.index);
  if (!at || !is_wanted(question, at->record)) return std::optional<std::string>{};
  return std::optional(
      write_proof(source, leaves, static_cast<std::size_t>(frame - leaves.frames.begin()), bytes, *at));
}

}  // namespace

Result<std::string> prove_event(FileSystem& files, const std::vector<ProofSource>& sources,
                                const EventToProve& question, const std::stop_token& stop) {
  std::vector<Candidate> candidates;
  for (const ProofSource& source : sources)
    for (const Candidate& candidate : TRY(candidates_of(files, source, question, stop)))
      candidates.push_back(candidate);
  const auto none = [&](std::string_view why) {
    return Error(ErrorCode::not_found, fmt::format("proving the event \"{}\": {}", question.id, why));
  };
  if (candidates.empty()) return none("no journal has it");
  if (question.version > candidates.size())
    return none(fmt::format("the journals know {} versions, not {}", candidates.size(), question.version));
  if (question.version == 0) std::ranges::reverse(candidates);
  std::optional<Error> gone;
  for (std::size_t i = question.version == 0 ? 0 : question.version - 1; i < candidates.size(); ++i) {
    auto proof = prove(files, candidates[i], question);
    if (proof && *proof) return std::move(**proof);
    if (!proof && question.version != 0) return Error(std::move(proof.error()));
    // An older version may still be there.
    if (!proof && !gone) gone = std::move(proof.error());
  }
  if (gone) return Error(std::move(*gone)).during(fmt::format("proving the event \"{}\"", question.id));
  return none("no journal has it");
}

namespace {

// A proof, read without trusting it.
class ProofCheck {
public:
  ProofCheck(const json::value& proof, const json::value& report) : proof_(proof), report_(report) {}

  std::vector<std::string> run(const std::optional<std::string>& event) {
    if (proof_["capstan_proof"].number() != proof_version) return {"the proof is of another version"};
    if (!proof_.has_exactly({"capstan_proof", "feed", "frame", "id", "path", "record", "segment", "source"}) ||
        !proof_["frame"].has_exactly({"bytes", "index"}) || !proof_["record"].has_exactly({"index", "sha256"}) ||
        !proof_["segment"].has_exactly({"base", "chain", "end", "frames", "is_open", "previous", "root"}))
      return {"the proof has other members than a proof has"};
    bytes_ = from_base64(proof_["frame"]["bytes"].text()).value_or("");
    if (bytes_.size() < store::frame_head_size) return {"the proof holds no frame"};
    check_record(event);
    check_path();
    check_segment();
    return std::move(wrong_);
  }

private:
  void check_record(const std::optional<std::string>& event) {
    size_ = bytes_.size();
    bytes_.resize(size_ + raw_padding);
    const std::string_view records =
        std::string_view(bytes_).substr(store::frame_head_size, size_ - store::frame_head_size);
    const JsonView claimed = proof_["record"];
    const auto at = record_at(records, static_cast<std::uint32_t>(claimed["index"].number()));
    if (!at) {
      wrong_.push_back("the frame has no record of the proof's index");
      return;
    }
    if (at->record.id != proof_["id"].text() || at->record.feed != proof_["feed"].text())
      wrong_.push_back(fmt::format("the record in the frame is \"{}\" of {}, not \"{}\" of {}", at->record.id,
                                   at->record.feed, proof_["id"].text(), proof_["feed"].text()));
    if (to_hex(sha256(at->record.raw)) != claimed["sha256"].text())
      wrong_.push_back("the record in the frame does not have the proof's SHA-256");
    if (event && *event != at->record.raw) wrong_.push_back("the event is not the record in the frame");
  }

  void check_path() {
    std::vector<Sha256> path;
    for (const json::value& one : proof_["path"].items())
      path.push_back(parse_sha256(JsonView(one).text()).value_or(Sha256{}));
    const JsonView segment = proof_["segment"];
    const Sha256 frame = sha256(std::string_view(bytes_).substr(0, size_));
    const Sha256 root = store::root_of_path(frame, proof_["frame"]["index"].number(), segment["frames"].number(), path);
    if (to_hex(root) != segment["root"].text())
      wrong_.push_back("the path does not lead from the frame to the segment's root");
  }

  void check_segment() {
    const JsonView claimed = proof_["segment"];
    const json::value* const found = segment_of(report_, proof_["source"].text(), claimed["base"].number());
    if (found == nullptr) {
      wrong_.push_back(
          fmt::format("the report names no segment at {} of {}", claimed["base"].number(), proof_["source"].text()));
      return;
    }
    const JsonView known(*found);
    for (const std::string_view name : {"base", "end", "frames"})
      if (known[name].number() != claimed[name].number())
        wrong_.push_back(fmt::format("\"{}\" of the segment is {} in the proof and {} in the report", name,
                                     claimed[name].number(), known[name].number()));
    for (const std::string_view name : {"root", "previous", "chain"})
      if (known[name].text() != claimed[name].text())
        wrong_.push_back(fmt::format("\"{}\" of the segment is not the same in proof and report", name));
    if (known["is_open"].flag() != claimed["is_open"].flag())
      wrong_.push_back("the segment is open in one of proof and report, and closed in the other");
  }

  JsonView proof_;
  const json::value& report_;
  std::string bytes_;
  std::size_t size_ = 0;
  std::vector<std::string> wrong_;
};

}  // namespace

std::vector<std::string> check_proof(std::string_view proof, std::string_view report,
                                     const std::optional<std::string>& event) {
  const auto known = parse_canonical(report);
  if (!known) return {"the report is not as Capstan writes one"};
  const auto claimed = proof.ends_with('\n') ? parse_canonical(proof.substr(0, proof.size() - 1)) : std::nullopt;
  if (!claimed) return {"the proof is not as Capstan writes one: a byte of it was changed"};
  return ProofCheck(*claimed, *known).run(event);
}

}  // namespace capstan::runtime
