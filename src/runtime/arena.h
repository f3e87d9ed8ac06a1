// ArenaLayout: places blocks in one arena by lifetime.
#pragma once

#include <cstddef>
#include <vector>

namespace visavis {

/// Hands out offsets as a plan walks its steps in order. Best fit: the smallest hole that holds the
/// block, so that recently freed (cached) memory is used again.
class ArenaLayout {
 public:
  static constexpr std::size_t kAlignment = 64;

  /// The offset, a multiple of kAlignment, of a new block of `bytes`.
  std::size_t Allocate(std::size_t bytes);
  /// Returns a block; `bytes` as it was asked for.
  void Free(std::size_t offset, std::size_t bytes);
  /// Bytes of the whole arena.
  std::size_t size() const { return size_; }

 private:
  struct Hole {
    std::size_t offset;
    std::size_t bytes;
  };
  std::vector<Hole> holes_;  // by offset, never touching
  std::size_t size_ = 0;
};

}  // namespace visavis
