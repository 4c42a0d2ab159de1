#include "demo_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/bytes.h"
#include "table.h"

namespace capstan::app {

namespace {

constexpr int bar_width = 40;
// A rate over one picture would jump; this much of it is new each time.
constexpr double rate_share = 0.3;

std::string bar(double share) {
  const int full = static_cast<int>(std::clamp(share, 0.0, 1.0) * bar_width);
  std::string text;
  for (int i = 0; i < bar_width; ++i) text += i < full ? "█" : "░";
  return text;
}

double share_of(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

Duration DemoView::interval() const {
  return streams_.out_is_terminal ? std::chrono::milliseconds(200) : std::chrono::milliseconds(1000);
}

void DemoView::show(const DemoFigures& figures, Duration elapsed) {
  if (elapsed > elapsed_before_) {
    const double now = static_cast<double>(figures.arrived - std::min(arrived_before_, figures.arrived)) /
                       std::chrono::duration<double>(elapsed - elapsed_before_).count();
    rate_ = rate_ == 0 ? now : rate_ + rate_share * (now - rate_);
  }
  arrived_before_ = figures.arrived;
  elapsed_before_ = elapsed;
  if (streams_.out_is_terminal) {
    redraw(figures, elapsed, rate_);
    return;
  }
  streams_.out << fmt::format("{:>4} s  collected {:>9}  delivered {:>9}  arrived {:>9}  {:>9}/s  {}\n",
                              std::chrono::duration_cast<std::chrono::seconds>(elapsed).count(),
                              grouped(figures.collected), grouped(figures.delivered), grouped(figures.arrived),
                              grouped(static_cast<std::uint64_t>(rate_)), figures.trouble)
               << std::flush;
}

void DemoView::redraw(const DemoFigures& figures, Duration elapsed, double rate) {
  const std::uint64_t whole = std::max({figures.shown_about, figures.collected, figures.arrived});
  std::string picture;
  // Back to the first line of the picture before, and each line wiped before it is written.
  if (lines_ > 0) picture += fmt::format("\x1b[{}A", lines_);
  const auto line = [&](const std::string& text) { picture += "\x1b[K" + text + "\n"; };
  line(fmt::format("collected  {} {:>10}", bar(share_of(figures.collected, whole)), grouped(figures.collected)));
  line(fmt::format("delivered  {} {:>10}", bar(share_of(figures.delivered, whole)), grouped(figures.delivered)));
  line(fmt::format("arrived    {} {:>10}  {}/s", bar(share_of(figures.arrived, whole)), grouped(figures.arrived),
                   grouped(static_cast<std::uint64_t>(rate))));
  line(fmt::format("{} of {}, backlog {}, memory {}", roughly(elapsed), roughly(length_), grouped(figures.backlog),
                   to_human(Bytes{figures.resident_bytes})));
  line(figures.trouble.empty() ? "" : figures.trouble.substr(0, 110));
  lines_ = 5;
  streams_.out << picture << std::flush;
}

std::vector<std::string> ids_of_truth(std::string_view ndjson) {
  std::vector<std::string> ids;
  while (!ndjson.empty()) {
    const std::size_t end = ndjson.find('\n');
    const std::string_view line = ndjson.substr(0, end);
    ndjson = end == std::string_view::npos ? std::string_view{} : ndjson.substr(end + 1);
    boost::system::error_code failure;
    const boost::json::value value = boost::json::parse({line.data(), line.size()}, failure);
    if (failure || !value.is_object()) continue;
    const boost::json::value* id = value.get_object().if_contains("id");
    if (id != nullptr && id->is_string()) ids.emplace_back(id->as_string());
  }
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace capstan::app
