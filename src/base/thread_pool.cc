#include "visavis/thread_pool.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace visavis {
namespace {

// A worker that has just finished polls this often before it sleeps: layers of a network follow
// each other within microseconds, and waking a sleeping thread costs about 50.
constexpr int kSpins = 4000;

inline void Pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace

struct ThreadPool::State {
  std::vector<std::thread> workers;
  std::atomic_flag busy = ATOMIC_FLAG_INIT;  // set while the workers run some caller's range

  // The current job, published by the increment of `epoch`.
  Body body = nullptr;
  void* context = nullptr;
  std::int64_t count = 0;
  alignas(64) std::atomic<std::int64_t> next{0};
  alignas(64) std::atomic<int> working{0};
  alignas(64) std::atomic<std::uint64_t> epoch{0};
  std::atomic<bool> stop{false};

  std::mutex sleep_mutex;
  std::condition_variable wake;
  int sleepers = 0;  // guarded by sleep_mutex

  void Work(int slot) {
    for (std::int64_t i = next.fetch_add(1, std::memory_order_relaxed); i < count;
         i = next.fetch_add(1, std::memory_order_relaxed)) {
      body(context, i, slot);
    }
  }

  void WorkerLoop(int slot) {
    std::uint64_t seen = 0;
    for (;;) {
      int spins = 0;
      while (epoch.load(std::memory_order_acquire) == seen &&
             !stop.load(std::memory_order_relaxed)) {
        if (++spins < kSpins) {
          Pause();
          continue;
        }
        std::unique_lock lock(sleep_mutex);
        ++sleepers;
        wake.wait(lock,
                  [&] { return epoch.load(std::memory_order_acquire) != seen || stop.load(); });
        --sleepers;
      }
      if (stop.load(std::memory_order_relaxed)) return;
      ++seen;
      Work(slot);
      working.fetch_sub(1, std::memory_order_release);
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  if (threads <= 0) threads = static_cast<int>(std::thread::hardware_concurrency());
  for (int slot = 1; slot < threads; ++slot) {
    state_->workers.emplace_back([this, slot] { state_->WorkerLoop(slot); });
  }
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(state_->sleep_mutex);
    state_->stop.store(true);
  }
  state_->wake.notify_all();
  for (std::thread& worker : state_->workers) worker.join();
}

int ThreadPool::threads() const { return static_cast<int>(state_->workers.size()) + 1; }

void ThreadPool::Run(std::int64_t count, Body body, void* context) {
  State& state = *state_;
  if (state.workers.empty() || count <= 1 || state.busy.test_and_set(std::memory_order_acquire)) {
    for (std::int64_t i = 0; i < count; ++i) body(context, i, 0);
    return;
  }
  state.body = body;
  state.context = context;
  state.count = count;
  state.next.store(0, std::memory_order_relaxed);
  state.working.store(static_cast<int>(state.workers.size()), std::memory_order_relaxed);
  {
    // Under the mutex so that a worker between its last poll and its wait cannot miss the new
    // epoch.
    std::lock_guard sleep_lock(state.sleep_mutex);
    state.epoch.fetch_add(1, std::memory_order_release);
    if (state.sleepers > 0) state.wake.notify_all();
  }
  state.Work(0);
  // The job's closure lives on this stack: wait until no worker can still touch it.
  while (state.working.load(std::memory_order_acquire) != 0) Pause();
  state.busy.clear(std::memory_order_release);
}

}  // namespace visavis
