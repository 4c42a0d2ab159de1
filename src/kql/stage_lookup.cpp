// lookup and ipv4_lookup: a record's keys, the table's rows.
#include <array>

#include "address.h"
#include "live_table.h"
#include "stage.h"

namespace capstan::kql {

namespace {

class Lookup final : public Stage {
public:
  explicit Lookup(LookupPlan plan) : plan_(std::move(plan)) {}

  void run(Frame& frame, const Next& next) const override {
    const TableSnapshot& held = *frame.work.tables[plan_.table].snapshot;
    const TableIndex& index = *held.indexes[plan_.index];
    std::array<Datum, lookup_keys_max> keys;
    bool has_null = false;
    for (std::size_t i = 0; i < plan_.keys.size(); ++i) {
      keys[i] = plan_.keys[i]->evaluate(frame);
      has_null = has_null || keys[i].is_null;
    }
    bool is_found = false;
    const auto pass_on = [&](std::size_t row) {
      is_found = true;
      if (frame.work.is_full) return;
      const auto values = held.table->row(row);
      for (const LookupTarget& target : plan_.targets) frame.slots[target.slot] = values[target.column];
      next();
    };
    if (!has_null) find(frame, index, std::span(keys).first(plan_.keys.size()), pass_on);
    if (is_found || plan_.drops_unmatched) return;
    for (const LookupTarget& target : plan_.targets) frame.slots[target.slot] = Datum::null(target.type);
    next();
  }

private:
  template <class PassOn>
  void find(Frame& frame, const TableIndex& index, std::span<const Datum> keys, const PassOn& pass_on) const {
    if (!plan_.address) return index.each_equal(keys, pass_on);
    if (const auto address = parse_ipv4(plan_.address->evaluate(frame).text))
      index.each_nearest(keys, *address, pass_on);
  }

  LookupPlan plan_;
};

}  // namespace

StagePtr make_lookup(LookupPlan plan) { return std::make_unique<Lookup>(std::move(plan)); }

}  // namespace capstan::kql
