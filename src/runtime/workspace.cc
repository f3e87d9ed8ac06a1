#include "runtime/workspace.h"

#include <sys/mman.h>

#include <cstdlib>
#include <utility>

#include "base/error.h"

namespace visavis {
namespace {

// Arenas of several megabytes are walked from end to end: huge pages save translations.
constexpr std::size_t kHugePage = 2u << 20;
constexpr std::size_t kCacheLine = 64;

constexpr std::size_t RoundUp(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

std::byte* Allocate(std::size_t bytes) {
  const std::size_t alignment = bytes >= 2 * kHugePage ? kHugePage : kCacheLine;
  void* p = std::aligned_alloc(alignment, RoundUp(bytes, alignment));
  if (p != nullptr && alignment == kHugePage) {
    madvise(p, RoundUp(bytes, alignment), MADV_HUGEPAGE);  // advice only: failure changes nothing
  }
  return static_cast<std::byte*>(p);
}

}  // namespace

void Workspace::Free::operator()(std::byte* p) const { std::free(p); }

Status Workspace::Prepare(std::size_t bytes, std::size_t bases) {
  if (bytes > capacity_ || arena_ == nullptr) {
    const std::size_t wanted = RoundUp(bytes == 0 ? 1 : bytes, kCacheLine);
    arena_.reset();
    capacity_ = 0;
    arena_.reset(Allocate(wanted));
    if (arena_ == nullptr) {
      return MakeError(ErrorCode::kLimitExceeded, "no memory for {} bytes of activations", wanted);
    }
    capacity_ = wanted;
  }
  if (bases_.size() < bases) bases_.resize(bases);
  return {};
}

std::unique_ptr<Workspace> WorkspacePool::Acquire(std::size_t bytes) {
  std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<Workspace>();
  std::size_t best = 0;
  for (std::size_t i = 1; i < idle_.size(); ++i) {
    const std::size_t have = idle_[i]->capacity();
    const std::size_t best_have = idle_[best]->capacity();
    const bool better = best_have < bytes ? have > best_have : have >= bytes && have < best_have;
    if (better) best = i;
  }
  std::swap(idle_[best], idle_.back());
  std::unique_ptr<Workspace> workspace = std::move(idle_.back());
  idle_.pop_back();
  return workspace;
}

void WorkspacePool::Release(std::unique_ptr<Workspace> workspace) {
  std::lock_guard lock(mutex_);
  idle_.push_back(std::move(workspace));
}

}  // namespace visavis
