#include "runtime/day_report.h"

#include "day_walk.h"

namespace capstan::runtime {

Result<DayReport> make_day_report(FileSystem& files, const ReportQuestion& question, ReportFacts facts,
                                  const std::vector<ReportSource>& sources, const std::stop_token& stop) {
  const TimeZone::Day day = question.zone.day(question.day);
  DayReport report;
  report.question = question;
  report.from = day.begin;
  report.to = day.end;
  report.is_over = facts.now >= day.end;
  report.facts = std::move(facts);
  for (const ReportSource& source : sources)
    report.sources.push_back(
        TRY(DayWalk(files, source, day.begin, day.end, stop).run().during("reporting of source " + source.name)));
  return report;
}

}  // namespace capstan::runtime
