#include "visavis/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace visavis {
namespace {

TEST(ThreadPool, CallsEveryIndexOnceAndNeverSharesASlot) {
  ThreadPool pool(4);
  ASSERT_EQ(pool.threads(), 4);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::atomic<int>> calls(97);
    std::vector<std::atomic<int>> in_slot(4);
    std::atomic<bool> shared_slot{false};
    pool.ParallelFor(97, [&](std::int64_t i, int slot) {
      if (in_slot[static_cast<std::size_t>(slot)].fetch_add(1) != 0) shared_slot = true;
      calls[static_cast<std::size_t>(i)].fetch_add(1);
      in_slot[static_cast<std::size_t>(slot)].fetch_sub(1);
    });
    EXPECT_FALSE(shared_slot);
    for (auto& c : calls) EXPECT_EQ(c.load(), 1);
  }
}

TEST(ThreadPool, NestedAndConcurrentCallsFinish) {
  ThreadPool pool(3);
  std::atomic<int> total{0};
  auto use = [&] {
    for (int i = 0; i < 50; ++i) {
      pool.ParallelFor(8, [&](std::int64_t, int) {
        pool.ParallelFor(4, [&](std::int64_t, int) { total.fetch_add(1); });
      });
    }
  };
  std::thread a(use);
  std::thread b(use);
  a.join();
  b.join();
  EXPECT_EQ(total.load(), 2 * 50 * 8 * 4);
}

TEST(ThreadPool, WakesAfterSleep) {
  ThreadPool pool(2);
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::atomic<int> n{0};
    pool.ParallelFor(10, [&](std::int64_t, int) { n.fetch_add(1); });
    EXPECT_EQ(n.load(), 10);
  }
}

// A worker that sleeps or comes late must cost nothing but its help.
TEST(ThreadPool, ManyShortRangesFromManyCallers) {
  ThreadPool pool(4);
  std::atomic<std::int64_t> total{0};
  auto use = [&] {
    for (int i = 0; i < 3000; ++i) {
      // On this stack: nobody may touch it once ParallelFor returns.
      std::atomic<std::int64_t> sum{0};
      pool.ParallelFor(3, [&](std::int64_t index, int) { sum.fetch_add(index + 1); });
      total.fetch_add(sum.load());
      if (i % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  };
  std::vector<std::thread> callers;
  for (int t = 0; t < 3; ++t) callers.emplace_back(use);
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(total.load(), 3 * 3000 * 6);
}

TEST(ParallelFor, WithoutPoolRunsInOrder) {
  std::vector<std::int64_t> order;
  ParallelFor(nullptr, 4, [&](std::int64_t i, int slot) {
    EXPECT_EQ(slot, 0);
    order.push_back(i);
  });
  EXPECT_EQ(order, (std::vector<std::int64_t>{0, 1, 2, 3}));
}

}  // namespace
}  // namespace visavis
