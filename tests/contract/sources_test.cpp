// Every source asks by the checkpoint it is given and by nothing else.
#include <gtest/gtest.h>

#include "contract.h"

namespace capstan::contract {
namespace {

struct Bench {
  explicit Bench(const Kind<Source>& kind) : workshop(files) {
    source = workshop.make(kind, variations(kind).front().options);
    EXPECT_NE(source, nullptr) << text(workshop.findings);
    // What a source knows of the service besides its position (its time, its health) is learned from the first answers.
    for (int i = 0; i < 3; ++i) (void)questions({});
  }
  // What it asks for from this checkpoint.
  std::vector<PoliteService::Asked> questions(const Checkpoint& from) {
    workshop.service.take();
    const auto poll = source->poll(from, {});
    EXPECT_TRUE(poll.has_value()) << poll.error().text();
    if (poll) next = poll->next;
    return workshop.service.take();
  }

  WatchedFiles files;
  Workshop workshop;
  std::unique_ptr<Source> source;
  Checkpoint next;
};

template <class Use>
void for_every_source(Use use) {
  ASSERT_FALSE(app::builtin_components().sources.all().empty());
  for (const auto& kind : app::builtin_components().sources.all()) {
    SCOPED_TRACE(kind.name);
    use(kind);
  }
}

TEST(Sources, ask_the_same_for_the_same_checkpoint) {
  for_every_source([](const Kind<Source>& kind) {
    Bench bench(kind);
    const auto first = bench.questions({});
    EXPECT_FALSE(first.empty()) << "an empty checkpoint has to lead to a question";
    EXPECT_EQ(bench.questions({}), first);
  });
}

TEST(Sources, keep_no_position_of_their_own) {
  for_every_source([](const Kind<Source>& kind) {
    Bench bench(kind);
    const auto first = bench.questions({});
    // Twenty steps on, each from where the last one ended, and then back to the beginning.
    Checkpoint at = bench.next;
    for (int step = 0; step < 20; ++step) {
      (void)bench.questions(at);
      at = bench.next;
    }
    EXPECT_EQ(bench.questions({}), first);
    Bench another(kind);
    EXPECT_EQ(another.questions({}), first);
  });
}

TEST(Sources, another_instance_goes_on_from_a_checkpoint) {
  for_every_source([](const Kind<Source>& kind) {
    Bench bench(kind);
    Checkpoint at;
    for (int step = 0; step < 5; ++step) {
      (void)bench.questions(at);
      at = bench.next;
    }
    // A new instance may ask once more than one that has just asked, so that "drained" is news; then both wait from the
    // same checkpoint.
    Bench another(kind);
    Checkpoint there = at;
    for (int step = 0; step < 5 && another.questions(there) != bench.questions(there); ++step) there = another.next;
    EXPECT_EQ(another.questions(there), bench.questions(there));
    EXPECT_LT(at.text.size(), 64U << 10) << "a checkpoint is stored with every batch";
  });
}

TEST(Sources, report_feeds_that_they_declare) {
  for_every_source([](const Kind<Source>& kind) {
    Bench bench(kind);
    std::vector<std::string> declared;
    for (const auto& traits : bench.source->feeds()) declared.push_back(traits.feed);
    ASSERT_FALSE(declared.empty());
    std::ranges::sort(declared);
    EXPECT_EQ(std::ranges::adjacent_find(declared), declared.end()) << "a feed twice";
    Checkpoint at;
    for (int step = 0; step < 10; ++step) {
      const auto poll = bench.source->poll(at, {});
      ASSERT_TRUE(poll.has_value());
      for (const auto& report : poll->feeds)
        EXPECT_TRUE(std::ranges::binary_search(declared, report.feed)) << report.feed;
      for (std::size_t i = 0; i < poll->batch.size(); ++i)
        EXPECT_TRUE(std::ranges::binary_search(declared, std::string(poll->batch[i].feed)));
      at = poll->next;
    }
  });
}

TEST(Sources, drain_when_the_service_has_nothing_and_then_wait) {
  for_every_source([](const Kind<Source>& kind) {
    Bench bench(kind);
    Checkpoint at;
    bool is_drained = false;
    for (int step = 0; step < 200 && !is_drained; ++step) {
      const auto poll = bench.source->poll(at, {});
      ASSERT_TRUE(poll.has_value()) << poll.error().text();
      at = poll->next;
      is_drained = poll->is_drained;
      if (is_drained) {
        EXPECT_GT(poll->wait, Duration::zero()) << "a drained source must not be asked without a pause";
      }
      bench.workshop.clock.passed += poll->wait;
    }
    EXPECT_TRUE(is_drained);
  });
}

TEST(Sources, a_window_ends_and_leaves_the_own_checkpoint_alone) {
  for_every_source([](const Kind<Source>& kind) {
    Bench bench(kind);
    const Timestamp to = bench.workshop.clock.now();
    for (const auto& traits : bench.source->feeds()) {
      SCOPED_TRACE(traits.feed);
      auto at = bench.source->window({traits.feed, to - std::chrono::hours(3), to});
      if (!at) continue;  // a feed that cannot be asked by time
      const std::string begin = at->text;
      EXPECT_FALSE(begin.empty());
      bool is_drained = false;
      for (int step = 0; step < 200 && !is_drained; ++step) {
        const auto poll = bench.source->poll(*at, {});
        ASSERT_TRUE(poll.has_value()) << poll.error().text();
        for (const auto& report : poll->feeds) EXPECT_EQ(report.feed, traits.feed);
        *at = poll->next;
        is_drained = poll->is_drained;
        bench.workshop.clock.passed += std::max(poll->wait, Duration(1));
      }
      EXPECT_TRUE(is_drained) << "a window never ended";
      bench.workshop.clock.passed = {};
      EXPECT_EQ(bench.source->window({traits.feed, to - std::chrono::hours(3), to})->text, begin);
    }
  });
}

TEST(Sources, a_stopped_call_comes_back_and_a_strange_checkpoint_is_an_error) {
  for_every_source([](const Kind<Source>& kind) {
    Bench bench(kind);
    std::stop_source stop;
    stop.request_stop();
    const auto stopped = bench.source->poll({}, {.timeout = std::chrono::seconds(1), .stop = stop.get_token()});
    if (!stopped) {
      EXPECT_EQ(stopped.error().code(), ErrorCode::interrupted) << stopped.error().text();
    }
    for (const char* strange : {"{", "[]", "\xff\xfe", R"({"v":999999})", "17"}) {
      const auto poll = bench.source->poll({strange}, {});
      if (poll) continue;
      EXPECT_NE(poll.error().code(), ErrorCode::internal) << strange;
      EXPECT_GE(poll.error().sentence().size(), 10U) << strange;
    }
  });
}

}  // namespace
}  // namespace capstan::contract
