// Workspace: the memory one run works in, kept for the next.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "visavis/result.h"

namespace visavis {

/// The arena of one run and the table of its base pointers.
/// Threads: one run at a time.
class Workspace {
 public:
  /// Makes sure of `bytes` in the arena (contents are lost when it grows) and `bases` base
  /// pointers. kLimitExceeded if the system has no such memory.
  Status Prepare(std::size_t bytes, std::size_t bases);

  std::byte* arena() const { return arena_.get(); }
  std::size_t capacity() const { return capacity_; }
  std::byte** bases() { return bases_.data(); }

 private:
  struct Free {
    void operator()(std::byte* p) const;
  };
  std::unique_ptr<std::byte, Free> arena_;
  std::size_t capacity_ = 0;
  std::vector<std::byte*> bases_;
};

/// Workspaces waiting for the next run. As many exist as there ever were runs at once.
/// Threads: safe concurrently.
class WorkspacePool {
 public:
  /// The smallest idle workspace that holds `bytes`, else the largest, else a new one.
  std::unique_ptr<Workspace> Acquire(std::size_t bytes);
  void Release(std::unique_ptr<Workspace> workspace);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> idle_;
};

}  // namespace visavis
