#include "runtime/effect.h"

#include <algorithm>

namespace capstan::runtime {

EffectMeter::EffectMeter(std::string route, const RoutePlan* before, const RoutePlan* after) {
  effect_.route = std::move(route);
  before_.plan = before;
  after_.plan = after;
  for (Side* side : {&before_, &after_})
    if (side->plan != nullptr) side->run.emplace(side->plan->transform);
}

bool EffectMeter::takes(const RoutePlan* plan, std::string_view source) {
  return plan != nullptr && std::ranges::find(plan->from, source) != plan->from.end();
}

bool EffectMeter::draws_from(std::string_view source) const {
  return takes(before_.plan, source) || takes(after_.plan, source);
}

// What cannot be encoded makes no message: it would be a dead letter.
void EffectMeter::write(Side& side, const store::Slice::Item& item, const kql::Envelope& envelope) {
  side.messages.clear();
  if (!takes(side.plan, envelope.source)) return;
  const std::vector<std::string>& feeds = side.plan->feeds;
  if (!feeds.empty() && std::ranges::find(feeds, item.record.feed) == feeds.end()) return;
  if (!side.run->append(item.record, envelope, side.messages, [&] { side.messages += '\n'; })) side.messages.clear();
}

void EffectMeter::look(const store::Slice::Item& item, std::string_view source, std::string_view tenant) {
  const kql::Envelope envelope{tenant, source, item.ingest_time};
  write(before_, item, envelope);
  write(after_, item, envelope);
  ++effect_.records;
  if (before_.messages == after_.messages) {
    ++(before_.messages.empty() ? effect_.unsent : effect_.same);
    return;
  }
  if (before_.messages.empty())
    ++effect_.added;
  else if (after_.messages.empty())
    ++effect_.dropped;
  else
    ++effect_.changed;
  if (effect_.examples.size() < examples_max)
    effect_.examples.push_back({std::string(source), std::string(item.record.feed), std::string(item.record.id),
                                before_.messages, after_.messages});
}

}  // namespace capstan::runtime
