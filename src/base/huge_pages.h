// Asking for large pages where much memory is touched once.
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

}  // namespace visavis
