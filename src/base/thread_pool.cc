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
  // `job` tells workers all they need in one word: the number of the job, whether it still takes
  // workers, and how many are in it. A caller waits only for workers that joined; one that is
  // asleep or descheduled misses the job and costs nothing.
  static constexpr std::uint64_t kMembers = 0xffff;
  static constexpr std::uint64_t kOpen = 0x10000;
  static constexpr std::uint64_t kNumber = 0x20000;

  std::vector<std::thread> workers;
  std::atomic_flag busy = ATOMIC_FLAG_INIT;  // set while the workers run some caller's range

  // The current job: written while `job` is closed and has no members.
  Body body = nullptr;
  void* context = nullptr;
  std::int64_t count = 0;
  alignas(64) std::atomic<std::int64_t> next{0};
  alignas(64) std::atomic<std::uint64_t> job{0};
  alignas(64) std::atomic<int> sleepers{0};
  std::atomic<bool> stop{false};

  std::mutex sleep_mutex;
  std::condition_variable wake;

  void Work(int slot) {
    for (std::int64_t i = next.fetch_add(1, std::memory_order_relaxed); i < count;
         i = next.fetch_add(1, std::memory_order_relaxed)) {
      body(context, i, slot);
    }
  }

  // A job other than number `seen` that takes workers.
  bool Wanted(std::uint64_t seen) const {
    const std::uint64_t now = job.load(std::memory_order_seq_cst);
    return (now & kOpen) != 0 && now / kNumber != seen;
  }

  // Joins the current job, if it is still open. Returns its number, or `seen`.
  std::uint64_t Join(std::uint64_t seen) {
    std::uint64_t now = job.load(std::memory_order_acquire);
    while ((now & kOpen) != 0 && now / kNumber != seen) {
      if (job.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel)) return now / kNumber;
    }
    return seen;
  }

  void WorkerLoop(int slot) {
    std::uint64_t seen = 0;
    for (;;) {
      for (int spins = 0; !Wanted(seen) && !stop.load(std::memory_order_relaxed); ++spins) {
        if (spins < kSpins) {
          Pause();
        } else {
          Sleep(seen);
        }
      }
      if (stop.load(std::memory_order_relaxed)) return;
      const std::uint64_t joined = Join(seen);
      if (joined == seen) continue;
      seen = joined;
      Work(slot);
      job.fetch_sub(1, std::memory_order_release);
    }
  }

  // Until there is a job. `sleepers` is raised before the last look at `job`, and a caller looks at
  // `sleepers` after it has opened one, so one of the two sees the other.
  void Sleep(std::uint64_t seen) {
    std::unique_lock lock(sleep_mutex);
    sleepers.fetch_add(1, std::memory_order_seq_cst);
    wake.wait(lock, [&] { return Wanted(seen) || stop.load(); });
    sleepers.fetch_sub(1, std::memory_order_relaxed);
  }

  void Open(std::int64_t range, Body fn, void* fn_context) {
    body = fn;
    context = fn_context;
    count = range;
    next.store(0, std::memory_order_relaxed);
    const std::uint64_t number = job.load(std::memory_order_relaxed) / kNumber + 1;
    job.store(number * kNumber + kOpen, std::memory_order_seq_cst);
    if (sleepers.load(std::memory_order_seq_cst) > 0) {
      { std::lock_guard lock(sleep_mutex); }
      wake.notify_all();
    }
  }

  // Turns away workers that come late and waits for those inside: the closure lives on the
  // caller's stack.
  void Close() {
    job.fetch_and(~kOpen, std::memory_order_acq_rel);
    for (int spins = 0; (job.load(std::memory_order_acquire) & kMembers) != 0; ++spins) {
      if (spins < kSpins) {
        Pause();
      } else {
        std::this_thread::yield();  // a member may be waiting for this core
      }
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
  state.Open(count, body, context);
  state.Work(0);
  state.Close();
  state.busy.clear(std::memory_order_release);
}

}  // namespace visavis
