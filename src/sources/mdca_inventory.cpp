// Inventories: entities, subnets and files are read whole every `inventory_interval`; what changed is told apart behind
// the source, by content.
#include <algorithm>

#include "mdca_feed.h"

namespace capstan::mdca {

namespace {

struct InventoryKind {
  std::string_view feed;
  std::string_view path;
  std::string_view sort_field;  // a stable order, so that pages do not shift while they are read
  std::string_view time_field;
  std::vector<std::vector<std::string>> levels;  // how a list beyond the reach of `skip` is cut (mdca-api 2.9, 2.11)
};

const InventoryKind& kind_of(std::string_view feed) {
  static const std::vector<InventoryKind> kinds{
      {"entities",
       "entities/",
       "username",
       "",
       {{R"("type":{"eq":[1]})", R"("type":{"eq":[2]})", R"("type":{"neq":[1,2]})"},
        {R"("status":{"eq":[0]})", R"("status":{"eq":[1]})", R"("status":{"eq":[2]})", R"("status":{"eq":[3]})",
         R"("status":{"eq":[4]})", R"("status":{"neq":[0,1,2,3,4]})"},
        {R"("isExternal":{"eq":true})", R"("isExternal":{"eq":false})", R"("isExternal":{"eq":null})"},
        {R"("isAdmin":{"eq":true})", R"("isAdmin":{"eq":false})"}}},
      {"subnets",
       "subnet/",
       "name",
       "",
       {{R"("category":{"eq":[1]})", R"("category":{"eq":[2]})", R"("category":{"eq":[3]})", R"("category":{"eq":[4]})",
         R"("category":{"eq":[5]})", R"("category":{"eq":[6]})", R"("category":{"neq":[1,2,3,4,5,6]})"},
        {R"("builtIn":{"eq":true})", R"("builtIn":{"eq":false})"}}},
      {"files", "files/", "modifiedDate", "modifiedDate", {}},
  };
  for (const auto& kind : kinds)
    if (kind.feed == feed) return kind;
  return kinds.front();
}

constexpr std::uint32_t refuses_sorting = 1;

class InventoryFeed final : public Feed {
public:
  InventoryFeed(const std::string& name, const Options& options, std::string filters)
      : Feed(name, options, std::move(filters)) {}

  bool is_inventory() const override { return true; }
  std::vector<JobKind> jobs() const override { return {{main_job, net::Urgency::inventory}}; }

  FeedTraits traits() const override {
    return {name(), options().inventory == Inventory::whole ? Repetition::none : Repetition::by_content, std::nullopt};
  }

  std::int64_t due_at(const FeedState& state, const std::string& job) const override {
    const auto done = state.jobs.find(job);
    if (done == state.jobs.end() || done->second.done_at == 0) return 0;
    return done->second.done_at + options().inventory_interval.count();
  }

  Walk plan(FeedState&, const std::string&, ServerTime now) const override { return whole(now); }
  Walk plan_window(const FeedState&, const Window& window, ServerTime now) const override {
    Walk walk = whole(now);
    walk.pieces.front().descending = window.manner == Manner::otherwise;
    return walk;
  }

  WalkShape shape(const FeedState& state, const std::string&) const override {
    const InventoryKind& kind = kind_of(name());
    WalkShape shape;
    shape.path = kind.path;
    shape.by_event_time = true;
    shape.filters = filters();
    if (state.dialect != refuses_sorting) {
      shape.sort_field = kind.sort_field;
      shape.time_field = kind.time_field;
    }
    // A person's filter of the same name decides already; two of one name would contradict each other.
    for (const auto& level : kind.levels)
      if (const auto name_of_level = level.front().substr(1, level.front().find('"', 1) - 1);
          !has_filter(filters(), name_of_level))
        shape.levels.push_back(level);
    return shape;
  }

  void finished(FeedState&, const std::string&, std::int64_t) const override {}

  bool take_refusal(FeedState& state, const std::string&) const override {
    if (state.dialect == refuses_sorting) {
      state.dialect = 0;
      return false;
    }
    state.dialect = refuses_sorting;
    return true;
  }

  std::string note(const FeedState& state) const override {
    return state.dialect == refuses_sorting ? "the tenant refuses to sort this list; it is read in its own order" : "";
  }

private:
  static Walk whole(ServerTime now) {
    Walk walk;
    walk.started = now.ms;
    walk.pieces.emplace_back();
    return walk;
  }
};

}  // namespace

std::unique_ptr<Feed> make_inventory(const std::string& name, const Options& options, std::string filters) {
  return std::make_unique<InventoryFeed>(name, options, std::move(filters));
}

}  // namespace capstan::mdca
