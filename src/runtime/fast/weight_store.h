// WeightStore: the memory of a session's packed weights.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace visavis {

/// Hands out memory that lives as long as the store, one piece behind the other in large chunks, so
/// that a kernel that prefetches past the end of its weights touches the next layer's.
/// Threads: safe concurrently.
class WeightStore {
 public:
  /// `bytes` of memory, 64-byte aligned, contents arbitrary. Ends the program if there is none, as
  /// operator new would.
  void* Allocate(std::size_t bytes);
  std::size_t allocated_bytes() const;

 private:
  struct Free {
    void operator()(std::byte* chunk) const;
  };
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<std::byte, Free>> chunks_;
  std::byte* next_ = nullptr;
  std::size_t left_ = 0;
  std::size_t allocated_ = 0;
};

}  // namespace visavis
