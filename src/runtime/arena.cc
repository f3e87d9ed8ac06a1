#include "runtime/arena.h"

#include <algorithm>

namespace visavis {
namespace {

// An empty block still gets a place of its own, so that no two values share an address.
std::size_t Rounded(std::size_t bytes) {
  const std::size_t a = ArenaLayout::kAlignment;
  return bytes == 0 ? a : (bytes + a - 1) / a * a;
}

}  // namespace

std::size_t ArenaLayout::Allocate(std::size_t bytes) {
  const std::size_t need = Rounded(bytes);
  auto best = holes_.end();
  for (auto hole = holes_.begin(); hole != holes_.end(); ++hole) {
    if (hole->bytes >= need && (best == holes_.end() || hole->bytes < best->bytes)) best = hole;
  }
  if (best != holes_.end()) {
    const std::size_t offset = best->offset;
    best->offset += need;
    best->bytes -= need;
    if (best->bytes == 0) holes_.erase(best);
    return offset;
  }
  // Grow the arena, starting inside the hole at its end if there is one.
  const bool hole_at_end = !holes_.empty() && holes_.back().offset + holes_.back().bytes == size_;
  const std::size_t offset = hole_at_end ? holes_.back().offset : size_;
  if (hole_at_end) holes_.pop_back();
  size_ = offset + need;
  return offset;
}

void ArenaLayout::Free(std::size_t offset, std::size_t bytes) {
  auto next = std::lower_bound(holes_.begin(), holes_.end(), offset,
                               [](const Hole& hole, std::size_t at) { return hole.offset < at; });
  next = holes_.insert(next, Hole{offset, Rounded(bytes)});
  if (next + 1 != holes_.end() && next->offset + next->bytes == (next + 1)->offset) {
    next->bytes += (next + 1)->bytes;
    holes_.erase(next + 1);
  }
  if (next != holes_.begin() && (next - 1)->offset + (next - 1)->bytes == next->offset) {
    (next - 1)->bytes += next->bytes;
    holes_.erase(next);
  }
}

}  // namespace visavis
