// A fixed set of worker threads that the caller owns and lends to sessions and pipelines.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace visavis {

/// Workers that share index ranges. No hidden global pool: whoever wants threads makes one and
/// lends it. Threads: ParallelFor may be called from any thread. While one call has the workers,
/// another caller's range runs on that caller's own thread, so nested and concurrent calls never
/// deadlock.
class ThreadPool {
 public:
  /// `threads` counts the calling thread: 1 starts no worker. 0 means one per available core.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const;

  /// Calls fn(index, slot) once for every index in [0, count), in no fixed order, and returns when
  /// all are done. `slot` in [0, threads()) is never used by two calls at once, so it can pick
  /// scratch memory. Allocates nothing. fn must not throw.
  template <typename Fn>
  void ParallelFor(std::int64_t count, Fn&& fn) {
    using Plain = std::remove_reference_t<Fn>;
    Run(
        count,
        [](void* context, std::int64_t index, int slot) {
          (*static_cast<Plain*>(context))(index, slot);
        },
        const_cast<void*>(static_cast<const void*>(&fn)));
  }

 private:
  using Body = void (*)(void* context, std::int64_t index, int slot);
  void Run(std::int64_t count, Body body, void* context);

  struct State;
  std::unique_ptr<State> state_;
};

/// ParallelFor on `pool`, or in order on this thread with slot 0 when `pool` is null.
template <typename Fn>
void ParallelFor(ThreadPool* pool, std::int64_t count, Fn&& fn) {
  if (pool != nullptr && count > 1) {
    pool->ParallelFor(count, fn);
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) fn(i, 0);
}

}  // namespace visavis
