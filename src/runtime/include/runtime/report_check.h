// Checks a day's report: its signature, its sums, its hash chain, and, where the journals are at hand, every Merkle
// root against the bytes on disk.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ed25519.h"
#include "base/file_system.h"

namespace capstan::runtime {

struct ReportCheck {
  std::vector<std::string> fits;         // what was checked and is right
  std::vector<std::string> wrong;        // each thing that does not fit, with its place
  std::vector<std::string> not_checked;  // and why
  std::string report;                    // canonical JSON; empty: the file is no report
  bool is_good() const { return wrong.empty(); }
};

// `file`: JSON or HTML, as `capstan report` writes them. `key`: of whom the signature has to be; nothing: it is not
// checked.
ReportCheck check_report(std::string_view file, const VerifyingKey* key);

// Goes on with the journals below data_dir: adds to `check` what their segments and seals say. An Error only when it
// was stopped or the disk fails.
Result<> check_against_journals(ReportCheck& check, FileSystem& files, const std::string& data_dir);

// One line each: "fits: …", "does not fit: …", "not checked: …".
std::string to_text(const ReportCheck& check);
std::string to_json(const ReportCheck& check);  // one object, one line

}  // namespace capstan::runtime
