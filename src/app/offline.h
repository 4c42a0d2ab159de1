// Work on a data directory whose Capstan does not run, or beside the one that does.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/engine.h"
#include "runtime/explain.h"
#include "runtime/plan.h"
#include "runtime/status.h"
#include "session.h"

namespace capstan::app {

struct JournalOfSource {
  std::string source;
  std::shared_ptr<const store::Journal> journal;
};

// Read only, so also beside a running Capstan. A source that has no journal yet is left out.
Result<std::vector<JournalOfSource>> open_journals(Session& session, const std::string& data_dir,
                                                   const std::vector<std::string>& sources);
std::vector<std::string> source_names(const runtime::Plan& plan);

// What the journals say of tables that the plan's rules look up in: for rules that are only tried.
void fill_tables(Session& session, const runtime::Plan& plan, const std::vector<JournalOfSource>& journals);

Result<std::vector<runtime::ExplainSource>> explain_sources(Session& session, const runtime::Plan& plan,
                                                            const std::vector<JournalOfSource>& journals);
// What the journals alone tell: nothing is connected, figures since the start are zero.
runtime::Status status_of(Session& session, const runtime::Plan& plan, const std::vector<JournalOfSource>& journals);

// The engine, standing still: it has the lock of the data directory, asks its sources nothing by itself and delivers
// nothing. For verify, repair and replay while no Capstan runs. The session must outlive it.
Result<std::unique_ptr<runtime::Engine>> start_still_engine(Session& session, runtime::Plan plan);

}  // namespace capstan::app
