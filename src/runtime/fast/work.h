// Dividing a step's work among the threads lent to it.
#pragma once

#include <algorithm>
#include <cstdint>

#include "visavis/thread_pool.h"

namespace visavis {

inline int ThreadsOf(const ThreadPool* pool) { return pool == nullptr ? 1 : pool->threads(); }

/// Below this many operations (about 4 us of one core) waking other threads costs more than it
/// saves.
inline constexpr double kWorthSharing = 1e6;

/// The bounds of piece `index` of [0, count) cut into `pieces` as evenly as possible.
struct Piece {
  int begin = 0;
  int end = 0;
};
inline Piece PieceOf(int count, int pieces, int index) {
  return {static_cast<int>(std::int64_t{count} * index / pieces),
          static_cast<int>(std::int64_t{count} * (index + 1) / pieces)};
}

/// How many pieces of `count` units keep `threads` busy: one each if that comes out even, else a
/// few each so that none waits long.
inline int PiecesFor(int count, int threads) {
  if (threads <= 1 || count <= 1) return 1;
  return count % threads == 0 ? threads : std::min(count, 4 * threads);
}

/// Calls fn(begin, end, slot) for [0, count) cut into `pieces`.
template <typename Fn>
void ParallelPieces(ThreadPool* pool, int count, int pieces, Fn&& fn) {
  ParallelFor(pool, pieces, [&](std::int64_t index, int slot) {
    const Piece piece = PieceOf(count, pieces, static_cast<int>(index));
    if (piece.begin < piece.end) fn(piece.begin, piece.end, slot);
  });
}

}  // namespace visavis
