// Memory in pages: large ones where much is touched once, and pages given back early.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

namespace visavis {

inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

/// Asks the system to back the whole large pages inside [memory, memory + size) as such: filling a
/// model's weights then takes a fault per 2 MB and not per 4 KB. Only advice: nothing depends on
/// it.
inline void AdviseHugePages(void* memory, std::size_t size) {
  const auto begin = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t first = (begin + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
  const std::uintptr_t last = (begin + size) / kHugePageBytes * kHugePageBytes;
  if (last <= first) return;
  ::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
}

/// Gives the whole pages inside [memory, memory + size) of the heap back to the system, contents
/// and all. The memory stays allocated, but nothing may be read from it before it is written again.
inline void DiscardPages(void* memory, std::size_t size) {
  constexpr std::uintptr_t kPage = 4096;
  const auto begin = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t first = (begin + kPage - 1) / kPage * kPage;
  const std::uintptr_t last = (begin + size) / kPage * kPage;
  if (last <= first) return;
  ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace visavis
