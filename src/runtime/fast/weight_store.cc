#include "runtime/fast/weight_store.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace visavis {
namespace {

// Chunks are whole huge pages: weights streamed through 2 MB pages come 2 to 4 % faster.
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::align_val_t kChunkAlignment{kHugePage};
constexpr std::size_t kLargeChunk = std::size_t{64} << 20;
constexpr std::size_t kSmallChunk = std::size_t{256} << 10;

std::size_t RoundUp(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

void WeightStore::Free::operator()(std::byte* chunk) const {
  ::operator delete(chunk, kChunkAlignment);
}

void* WeightStore::Allocate(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  bytes = RoundUp(bytes, 64);
  if (bytes > left_) {
    // Small networks get small chunks; the more a network has taken, the larger the next one.
    const std::size_t wanted = std::max(bytes, std::clamp(allocated_, kSmallChunk, kLargeChunk));
    const bool huge = wanted >= kHugePage;
    const std::size_t size = RoundUp(wanted, huge ? kHugePage : std::size_t{4096});
    auto* chunk = static_cast<std::byte*>(::operator new(size, kChunkAlignment));
    if (huge) madvise(chunk, size, MADV_HUGEPAGE);
    chunks_.emplace_back(chunk);
    next_ = chunk;
    left_ = size;
  }
  std::byte* piece = next_;
  next_ += bytes;
  left_ -= bytes;
  allocated_ += bytes;
  return piece;
}

std::size_t WeightStore::allocated_bytes() const {
  const std::lock_guard lock(mutex_);
  return allocated_;
}

}  // namespace visavis
