// Laying out weights the way the kernels stream them.
#include <algorithm>

#include "kernels/bf16.h"
#include "kernels/kernels.h"
#include "kernels/winograd_matrices.h"

namespace visavis {
namespace {

using std::size_t;

size_t Size(int extent) { return static_cast<size_t>(extent); }

/// One group of output channels: [first, first + lanes), of which those under `real` exist.
struct Group {
  int first = 0;
  int lanes = 0;
  int real = 0;
};

template <typename Visit>
void ForEachGroup(int out_channels, int vectors, const Visit& visit) {
  const int blocks = BlocksOf(out_channels);
  for (int block = 0; block < blocks; block += vectors) {
    const int first = block * kLanes;
    const int lanes = std::min(vectors, blocks - block) * kLanes;
    visit(Group{first, lanes, std::min(lanes, out_channels - first)});
  }
}

int RoundUp(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

/// Visits the weight of (tap, in, out) in packed order (in block, tap, lane, out); absent ones as
/// 0.
template <typename Write>
void ForEachConvWeight(const float* weights, const ConvShape& s, const Group& group,
                       const Write& write) {
  const int taps = s.kernel_h * s.kernel_w;
  for (int block = 0; block < BlocksOf(s.in_channels); ++block) {
    for (int tap = 0; tap < taps; ++tap) {
      for (int lane = 0; lane < kLanes; ++lane) {
        const int in = block * kLanes + lane;
        const int real = in < s.in_channels ? group.real : 0;
        const float* w =
            weights + (Size(group.first) * Size(s.in_channels) + Size(in)) * Size(taps) + Size(tap);
        const size_t step = Size(s.in_channels) * Size(taps);
        for (int o = 0; o < group.lanes; ++o) {
          write((block * taps + tap) * kLanes + lane, o, o < real ? w[Size(o) * step] : 0.0f);
        }
      }
    }
  }
}

/// Where the element (k, o) of a [pairs of k][lanes][2] matrix lies.
size_t PairIndex(int k, int o, int lanes) {
  return (Size(k / 2) * Size(lanes) + Size(o)) * 2 + Size(k % 2);
}

}  // namespace

int GroupVectors(const KernelTable& kernels, GroupUse use, int out_blocks) {
  int vectors = 1;
  if (kernels.vector_registers >= 32) {
    // Widths measured in README.md: two blocks balance loads against multiply-adds in long sums,
    // four give a stem's short sums more independent tiles, one halves the cold stream of F(2x2).
    vectors = use == GroupUse::kStem ? 4 : use == GroupUse::kWinograd2 ? 1 : 2;
  }
  return std::min(vectors, out_blocks);
}

size_t PackedConvSize(const ConvShape& s, int /*vectors*/) {
  return Size(BlocksOf(s.out_channels)) * Size(BlocksOf(s.in_channels)) * kLanes * kLanes *
         Size(s.kernel_h) * Size(s.kernel_w);
}

void PackConv(const float* weights, const ConvShape& s, int vectors, float* packed) {
  const size_t depth = Size(BlocksOf(s.in_channels)) * kLanes * Size(s.kernel_h * s.kernel_w);
  ForEachGroup(s.out_channels, vectors, [&](const Group& group) {
    float* out = packed + Size(group.first) * depth;
    ForEachConvWeight(weights, s, group, [&](int k, int o, float w) {
      out[Size(k) * Size(group.lanes) + Size(o)] = w;
    });
  });
}

void PackConvBf16(const float* weights, const ConvShape& s, int vectors, std::uint16_t* packed) {
  const size_t depth = Size(BlocksOf(s.in_channels)) * kLanes * Size(s.kernel_h * s.kernel_w);
  ForEachGroup(s.out_channels, vectors, [&](const Group& group) {
    std::uint16_t* out = packed + Size(group.first) * depth;
    ForEachConvWeight(weights, s, group, [&](int k, int o, float w) {
      out[PairIndex(k, o, group.lanes)] = FloatToBf16(w);
    });
  });
}

size_t PackedConvTilesSize(const ConvShape& s) {
  return Size(BlocksOf(s.out_channels)) * kLanes * Size(TilePairsOf(s.in_channels)) * kTileDepth *
         Size(s.kernel_h * s.kernel_w);
}

void PackConvTiles(const float* weights, const ConvShape& s, std::uint16_t* packed) {
  const int taps = s.kernel_h * s.kernel_w;
  const int blocks = BlocksOf(s.out_channels);
  for (int first = 0; first < blocks; first += kTileVectors) {
    const int end = std::min(first + kTileVectors, blocks);
    for (int pair = 0; pair < TilePairsOf(s.in_channels); ++pair) {
      for (int tap = 0; tap < taps; ++tap) {
        for (int block = first; block < end; ++block, packed += kTileDepth * kLanes) {
          for (int k = 0; k < kTileDepth; ++k) {
            const int in = pair * kTileDepth + k;
            for (int o = 0; o < kLanes; ++o) {
              const int out = block * kLanes + o;
              const bool real = in < s.in_channels && out < s.out_channels;
              const size_t at =
                  (Size(out) * Size(s.in_channels) + Size(in)) * Size(taps) + Size(tap);
              packed[PairIndex(k, o, kLanes)] = real ? FloatToBf16(weights[at]) : std::uint16_t{0};
            }
          }
        }
      }
    }
  }
}

size_t PackedStemSize(const ConvShape& s, int /*vectors*/) {
  return Size(BlocksOf(s.out_channels)) * kLanes * Size(s.in_channels) * Size(s.kernel_h) *
         Size(s.kernel_w);
}

void PackStem(const float* weights, const ConvShape& s, int vectors, float* packed) {
  const size_t depth = Size(s.in_channels) * Size(s.kernel_h) * Size(s.kernel_w);
  ForEachGroup(s.out_channels, vectors, [&](const Group& group) {
    for (size_t k = 0; k < depth; ++k) {
      for (int o = 0; o < group.lanes; ++o) {
        *packed++ = o < group.real ? weights[Size(group.first + o) * depth + k] : 0.0f;
      }
    }
  });
}

size_t PackedPlanarSize(const ConvShape& s) {
  return Size(PlanarGroupsOf(s.out_channels)) * kPlanarGroup * Size(s.in_channels) *
         Size(s.kernel_h) * Size(s.kernel_w);
}

void PackPlanar(const float* weights, const ConvShape& s, float* packed) {
  const size_t depth = Size(s.in_channels) * Size(s.kernel_h) * Size(s.kernel_w);
  for (int first = 0; first < s.out_channels; first += kPlanarGroup) {
    for (size_t k = 0; k < depth; ++k) {
      for (int o = first; o < first + kPlanarGroup; ++o) {
        *packed++ = o < s.out_channels ? weights[Size(o) * depth + k] : 0.0f;
      }
    }
  }
}

size_t PackedDepthwiseSize(int channels, int taps) {
  return Size(BlocksOf(channels)) * kLanes * Size(taps);
}

void PackDepthwise(const float* weights, int channels, int taps, float* packed) {
  for (int block = 0; block < BlocksOf(channels); ++block) {
    for (int tap = 0; tap < taps; ++tap) {
      for (int c = block * kLanes; c < (block + 1) * kLanes; ++c) {
        *packed++ = c < channels ? weights[Size(c) * Size(taps) + Size(tap)] : 0.0f;
      }
    }
  }
}

size_t PackedFcSize(int out_channels, int depth) {
  return Size(FcGroupsOf(out_channels)) * kFcGroup * Size(RoundUp(depth, 2));
}

void PackFc(const float* weights, int out_channels, int depth, float* packed) {
  for (int first = 0; first < out_channels; first += kFcGroup) {
    const int real = std::min(kFcGroup, out_channels - first);
    const float* rows = weights + Size(first) * Size(depth);
    for (size_t k = 0; k < Size(depth); ++k, packed += kFcGroup) {
      for (int o = 0; o < real; ++o) packed[o] = rows[Size(o) * Size(depth) + k];
      std::fill(packed + real, packed + kFcGroup, 0.0f);
    }
  }
}

void PackFcBf16(const float* weights, int out_channels, int depth, std::uint16_t* packed) {
  const int even = RoundUp(depth, 2);
  for (int first = 0; first < out_channels; first += kFcGroup, packed += Size(even) * kFcGroup) {
    for (int k = 0; k < even; ++k) {
      for (int o = 0; o < kFcGroup; ++o) {
        const bool real = k < depth && first + o < out_channels;
        packed[PairIndex(k, o, kFcGroup)] =
            real ? FloatToBf16(weights[Size(first + o) * Size(depth) + Size(k)]) : std::uint16_t{0};
      }
    }
  }
}

}  // namespace visavis
