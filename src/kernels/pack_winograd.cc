// Winograd weights: G g G^T in double, rounded once.
#include <algorithm>

#include "kernels/bf16.h"
#include "kernels/kernels.h"
#include "kernels/winograd_matrices.h"

namespace visavis {
namespace {

using std::size_t;

size_t Size(int extent) { return static_cast<size_t>(extent); }

constexpr int kMaxPoints = 36;

/// G g G^T of `kLanes` output channels at once. `taps` is [9][kLanes], `u` [points][kLanes].
void TransformLanes(const WinogradMatrices& w, const double (*taps)[kLanes], double (*u)[kLanes]) {
  for (int i = 0; i < w.n; ++i) {
    double half[3][kLanes];
    for (int x = 0; x < 3; ++x) {
      for (int o = 0; o < kLanes; ++o) {
        half[x][o] =
            w.g[i][0] * taps[x][o] + w.g[i][1] * taps[3 + x][o] + w.g[i][2] * taps[6 + x][o];
      }
    }
    for (int j = 0; j < w.n; ++j) {
      for (int o = 0; o < kLanes; ++o) {
        u[i * w.n + j][o] =
            w.g[j][0] * half[0][o] + w.g[j][1] * half[1][o] + w.g[j][2] * half[2][o];
      }
    }
  }
}

/// Calls write(offset of the group, lanes of the group, point, in, out within the group, u) for
/// kLanes consecutive outputs at a time.
template <typename Write>
void TransformAll(const float* weights, const ConvShape& s, int m, int vectors,
                  const Write& write) {
  const WinogradMatrices matrices = MakeWinogradMatrices(m);
  const int points = matrices.n * matrices.n;
  const int out_blocks = BlocksOf(s.out_channels);
  const int in_rounded = BlocksOf(s.in_channels) * kLanes;
  for (int block = 0; block < out_blocks; ++block) {
    const int group_block = block / vectors * vectors;
    const int lanes = std::min(vectors, out_blocks - group_block) * kLanes;
    const size_t group_offset = Size(group_block * kLanes) * Size(in_rounded) * Size(points);
    const int real = std::min(kLanes, s.out_channels - block * kLanes);
    for (int in = 0; in < in_rounded; ++in) {
      double taps[9][kLanes] = {};
      for (int o = 0; o < real && in < s.in_channels; ++o) {
        const float* g = weights + (Size(block * kLanes + o) * Size(s.in_channels) + Size(in)) * 9;
        for (int tap = 0; tap < 9; ++tap) taps[tap][o] = double{g[tap]};
      }
      double u[kMaxPoints][kLanes];
      TransformLanes(matrices, taps, u);
      for (int point = 0; point < points; ++point) {
        write(group_offset + Size(point) * Size(in_rounded) * Size(lanes), lanes, in,
              (block - group_block) * kLanes, u[point]);
      }
    }
  }
}

}  // namespace

size_t PackedWinogradSize(const ConvShape& s, int m, int /*vectors*/) {
  return Size(BlocksOf(s.out_channels)) * Size(BlocksOf(s.in_channels)) * kLanes * kLanes *
         Size((m + 2) * (m + 2));
}

void PackWinograd(const float* weights, const ConvShape& s, int m, int vectors, float* packed) {
  TransformAll(weights, s, m, vectors,
               [packed](size_t base, int lanes, int in, int first, const double* u) {
                 float* out = packed + base + Size(in) * Size(lanes) + Size(first);
                 for (int o = 0; o < kLanes; ++o) out[o] = static_cast<float>(u[o]);
               });
}

void PackWinogradBf16(const float* weights, const ConvShape& s, int m, int vectors,
                      std::uint16_t* packed) {
  TransformAll(weights, s, m, vectors,
               [packed](size_t base, int lanes, int in, int first, const double* u) {
                 std::uint16_t* out =
                     packed + base + (Size(in / 2) * Size(lanes) + Size(first)) * 2 + Size(in % 2);
                 for (int o = 0; o < kLanes; ++o)
                   out[2 * o] = FloatToBf16(static_cast<float>(u[o]));
               });
}

int WinogradTileCount(int m, int height, int width) {
  return ((height + m - 1) / m) * ((width + m - 1) / m);
}

int WinogradTilesPerPass(int tiles, int threads) {
  // 28 tiles of 14 (the widest register tile) keep V of 256 channels and the products in L2.
  constexpr int kMost = 28;
  int passes = (tiles + kMost - 1) / kMost;
  if (passes >= threads) passes = (passes + threads - 1) / threads * threads;
  return passes > 0 ? (tiles + passes - 1) / passes : 0;
}

size_t WinogradInputSize(int m, int in_blocks, int tiles) {
  return Size((m + 2) * (m + 2)) *
         static_cast<size_t>(WinogradPlane(static_cast<long>(in_blocks) * tiles * kLanes));
}

size_t WinogradProductSize(int m, int vectors, int tiles) {
  return Size((m + 2) * (m + 2)) *
         static_cast<size_t>(WinogradPlane(static_cast<long>(vectors) * tiles * kLanes));
}

size_t WinogradRawSize(int m, int vectors) {
  return Size((m + 2) * (m + 2)) * static_cast<size_t>(WinogradPlane(
                                       static_cast<long>(kWinogradRawDepth) * vectors * kLanes));
}

}  // namespace visavis
