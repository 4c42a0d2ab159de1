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

TEST(Sources, a_window_asked_in_another_way_ends_and_asks_other_questions) {
  for_every_source([](const Kind<Source>& kind) {
    Bench bench(kind);
    const Timestamp to = bench.workshop.clock.now();
    for (const auto& traits : bench.source->feeds()) {
      SCOPED_TRACE(traits.feed);
      std::vector<std::vector<PoliteService::Asked>> asked;
      for (const Manner manner : {Manner::usual, Manner::otherwise}) {
        auto at = bench.source->window({traits.feed, to - std::chrono::hours(3), to, manner});
        if (!at) continue;
        bench.workshop.service.take();
        bool is_drained = false;
        for (int step = 0; step < 200 && !is_drained; ++step) {
          const auto poll = bench.source->poll(*at, {});
          ASSERT_TRUE(poll.has_value()) << poll.error().text();
          *at = poll->next;
          is_drained = poll->is_drained;
          bench.workshop.clock.passed += std::max(poll->wait, Duration(1));
        }
        EXPECT_TRUE(is_drained) << "a window never ended";
        asked.push_back(bench.workshop.service.take());
      }
      ASSERT_EQ(asked.size(), 2U);
      EXPECT_NE(asked[0], asked[1]) << "a fault of the service would be shared by collector and verifier";
    }
  });
}

TEST(Sources, every_poll_says_the_services_time_once_it_is_known) {
  for_every_source([](const Kind<Source>& kind) {
    Bench bench(kind);
    Checkpoint at;
    for (int step = 0; step < 20; ++step) {
      const auto poll = bench.source->poll(at, {});
      ASSERT_TRUE(poll.has_value()) << poll.error().text();
      EXPECT_TRUE(poll->service_time.has_value()) << step;
      at = poll->next;
      bench.workshop.clock.passed += std::chrono::seconds(5);
    }
  });
}

TEST(Sources, ask_within_bounds_whatever_the_service_answers) {
  const std::vector<std::pair<int, std::string>> rude{
      {200, R"({"data":[],"hasNext":true,"total":9999})"},
      {200, R"({"data":[],"hasNext":true,"nextQueryFilters":{"created":{"gte":1}}})"},
      {200, R"({"data":[{"_id":"a","created":1764000000000,"timestamp":1764000000000}],"hasNext":true,"total":5000})"},
      {200, R"({"data":[{"_id":"a"},{"_id":"a"},{"_id":"b"}],"hasNext":true})"},
      {200, R"({"data":null,"hasNext":true})"},
      {200, R"({"hasNext":true})"},
      {200, R"({"data":[{"_id":"a)"},
      {200, "<html><body>Sign in</body></html>"},
      {200, ""},
      {204, ""},
      {400, R"({"error":true})"},
      {401, R"({"detail":"Invalid token"})"},
      {403, R"({"detail":"Insufficient role based permissions"})"},
      {404, R"({"detail":"Not found."})"},
      {429, R"({"detail":"Request was throttled."})"},
      {500, ""},
  };
  for_every_source([&rude](const Kind<Source>& kind) {
    for (const auto& [status, answer] : rude) {
      SCOPED_TRACE(answer.empty() ? std::to_string(status) : answer);
      Bench bench(kind);
      bench.workshop.service.take();
      bench.workshop.service.status = status;
      bench.workshop.service.answer = answer;
      Checkpoint at;
      std::size_t polls = 0;
      const auto end = bench.workshop.clock.passed + std::chrono::hours(1);
      while (bench.workshop.clock.passed < end && ++polls < 100'000) {
        const auto poll = bench.source->poll(at, {});
        Duration wait(100);
        if (poll) {
          at = poll->next;
          wait = std::max(wait, poll->wait);
        } else {
          wait = std::max(wait, poll.error().pause().value_or(std::chrono::seconds(1)));
        }
        bench.workshop.clock.passed += wait;
      }
      EXPECT_GE(bench.workshop.clock.passed, end) << "it asks without a pause";
      EXPECT_LE(bench.workshop.service.take().size(), 60U * 30) << "more than the service allows in an hour";
      EXPECT_LT(at.text.size(), 64U << 10);
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
