// Proof of one event that needs nothing of us: the frame of the journal that holds it, and the path from that frame to
// the Merkle root that a signed report names. docs/formats/report.md is the specification; examples/check-proof.py
// checks it without our code.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "store/journal.h"

namespace capstan::runtime {

struct ProofSource {
  std::string name;
  std::string directory;  // of its journal
  std::shared_ptr<const store::Journal> journal;
};

struct EventToProve {
  std::string id;
  std::string feed;                     // empty: any
  std::uint64_t version = 0;            // 1: the oldest that the journal still has; 0: the newest
  std::optional<std::string> report{};  // canonical JSON: the proof is for the roots that it names
};

// Canonical JSON with a line end. not_found when no journal has the event, or only its seal is left; not_verified when
// the report's root is not that of the journal.
Result<std::string> prove_event(FileSystem& files, const std::vector<ProofSource>& sources,
                                const EventToProve& question, const std::stop_token& stop);

// What does not fit between a proof and a report (canonical JSON both, the proof with a line end); empty: all fits.
// `event`: the record as the service sent it, when there is one to compare.
std::vector<std::string> check_proof(std::string_view proof, std::string_view report,
                                     const std::optional<std::string>& event);

}  // namespace capstan::runtime
