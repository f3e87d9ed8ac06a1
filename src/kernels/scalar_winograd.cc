// Portable Winograd convolution: the matrices of winograd_matrices.h applied as plain products.
#include "kernels/scalar.h"
#include "kernels/winograd_matrices.h"

namespace visavis {
namespace {

constexpr WinogradMatrices kMatrices[3] = {MakeWinogradMatrices(2), MakeWinogradMatrices(3),
                                           MakeWinogradMatrices(4)};

/// Where one tile lies.
struct TilePlace {
  std::ptrdiff_t image = 0;
  int y = 0;
  int x = 0;
};

TilePlace PlaceOf(const WinogradArgs& a, int tile) {
  const int across = (a.width + a.m - 1) / a.m;
  const int per_image = across * ((a.height + a.m - 1) / a.m);
  const int within = tile % per_image;
  return {tile / per_image, within / across * a.m, within % across * a.m};
}

/// Y = L X L^T for one lane's square matrices: `rows` x n from n x n.
void Sandwich(const double (*left)[6], int rows, int n, const float* x, std::ptrdiff_t x_step,
              float* y, std::ptrdiff_t y_step) {
  float half[6][6] = {};
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < n; ++j) {
      float sum = 0;
      for (int k = 0; k < n; ++k) sum += static_cast<float>(left[i][k]) * x[(k * n + j) * x_step];
      half[i][j] = sum;
    }
  }
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < rows; ++j) {
      float sum = 0;
      for (int k = 0; k < n; ++k) sum += half[i][k] * static_cast<float>(left[j][k]);
      y[(i * rows + j) * y_step] = sum;
    }
  }
}

template <typename Element, typename Convert>
void Input(const WinogradArgs& a, const WinogradTiles& tiles, int block_begin, int block_end,
           const Convert& convert) {
  const WinogradMatrices& matrices = kMatrices[a.m - 2];
  const int n = matrices.n;
  const std::ptrdiff_t plane = WinogradPlane(static_cast<long>(a.in_blocks) * tiles.count * kLanes);
  for (int block = block_begin; block < block_end; ++block) {
    for (int t = 0; t < tiles.count; ++t) {
      const TilePlace place = PlaceOf(a, tiles.begin + t);
      Pixel patch[36];
      for (int i = 0; i < n && place.y + i < a.height + 2; ++i) {
        for (int j = 0; j < n && place.x + j < a.width + 2; ++j) {
          patch[i * n + j] = LoadPixel(a.in, place.image * a.in_image + block * a.in.block +
                                                 (place.y + i) * a.in.row + (place.x + j) * kLanes);
        }
      }
      Pixel transformed[36];
      for (int lane = 0; lane < kLanes; ++lane) {
        Sandwich(matrices.bt, n, n, &patch[0].lane[lane], kLanes, &transformed[0].lane[lane],
                 kLanes);
      }
      for (int point = 0; point < n * n; ++point) {
        Element* v = static_cast<Element*>(tiles.v) + point * plane +
                     (static_cast<std::ptrdiff_t>(block) * tiles.count + t) * kLanes;
        for (int lane = 0; lane < kLanes; ++lane) v[lane] = convert(transformed[point].lane[lane]);
      }
    }
  }
}

/// `product(group, width, v, point, t)` is the sum over all input channels of one pixel.
template <typename Product>
void Output(const WinogradArgs& a, const WinogradTiles& tiles, int group_begin, int group_end,
            const Product& product) {
  const WinogradMatrices& matrices = kMatrices[a.m - 2];
  const int n = matrices.n;
  for (int group = group_begin; group < group_end; ++group) {
    const int width = BlocksInGroup(group, a.vectors, a.out_blocks);
    for (int v = 0; v < width; ++v) {
      const int block = group * a.vectors + v;
      for (int t = 0; t < tiles.count; ++t) {
        Pixel sums[36];
        for (int point = 0; point < n * n; ++point)
          sums[point] = product(group, width, v, point, t);
        Pixel result[16];
        for (int lane = 0; lane < kLanes; ++lane) {
          Sandwich(matrices.at, a.m, n, &sums[0].lane[lane], kLanes, &result[0].lane[lane], kLanes);
        }
        const TilePlace place = PlaceOf(a, tiles.begin + t);
        const BlockedIn& addend = a.epilogue.addend;
        for (int i = 0; i < a.m && place.y + i < a.height; ++i) {
          for (int j = 0; j < a.m && place.x + j < a.width; ++j) {
            Pixel& pixel = result[i * a.m + j];
            Finish(a.epilogue, block,
                   place.image * a.addend_image + block * addend.block +
                       (place.y + i) * addend.row + (place.x + j) * kLanes,
                   pixel);
            StorePixel(a.out,
                       place.image * a.out_image + block * a.out.block + (place.y + i) * a.out.row +
                           (place.x + j) * kLanes,
                       pixel);
          }
        }
      }
    }
  }
}

void InputF32(const WinogradArgs& a, const WinogradTiles& tiles, int block_begin, int block_end) {
  Input<float>(a, tiles, block_begin, block_end, [](float x) { return x; });
}

void InputBf16(const WinogradArgs& a, const WinogradTiles& tiles, int block_begin, int block_end) {
  Input<std::uint16_t>(a, tiles, block_begin, block_end, FloatToBf16);
}

void OutputF32(const WinogradArgs& a, const WinogradTiles& tiles, int group_begin, int group_end) {
  const int points = (a.m + 2) * (a.m + 2);
  const std::ptrdiff_t depth = static_cast<std::ptrdiff_t>(a.in_blocks) * kLanes;
  const std::ptrdiff_t plane = WinogradPlane(depth * tiles.count);
  Output(a, tiles, group_begin, group_end, [&](int group, int width, int v, int point, int t) {
    const float* w =
        static_cast<const float*>(a.weights) +
        (static_cast<std::ptrdiff_t>(group) * a.vectors * points + point * width) * kLanes * depth +
        v * kLanes;
    Pixel sum;
    for (int block = 0; block < a.in_blocks; ++block) {
      const float* in = static_cast<const float*>(tiles.v) + point * plane +
                        (static_cast<std::ptrdiff_t>(block) * tiles.count + t) * kLanes;
      for (int i = 0; i < kLanes; ++i, w += width * kLanes) {
        for (int o = 0; o < kLanes; ++o) sum.lane[o] += in[i] * w[o];
      }
    }
    return sum;
  });
}

void OutputBf16(const WinogradArgs& a, const WinogradTiles& tiles, int group_begin, int group_end) {
  const int points = (a.m + 2) * (a.m + 2);
  const std::ptrdiff_t depth = static_cast<std::ptrdiff_t>(a.in_blocks) * kLanes;
  const std::ptrdiff_t plane = WinogradPlane(depth * tiles.count);
  Output(a, tiles, group_begin, group_end, [&](int group, int width, int v, int point, int t) {
    const std::uint16_t* w =
        static_cast<const std::uint16_t*>(a.weights) +
        (static_cast<std::ptrdiff_t>(group) * a.vectors * points + point * width) * kLanes * depth +
        2 * v * kLanes;
    Pixel sum;
    for (int block = 0; block < a.in_blocks; ++block) {
      const std::uint16_t* in = static_cast<const std::uint16_t*>(tiles.v) + point * plane +
                                (static_cast<std::ptrdiff_t>(block) * tiles.count + t) * kLanes;
      for (int i = 0; i < kLanes; i += 2, w += 2 * width * kLanes) {
        for (int o = 0; o < kLanes; ++o) {
          sum.lane[o] += Bf16ToFloat(in[i + 1]) * Bf16ToFloat(w[2 * o + 1]);
          sum.lane[o] += Bf16ToFloat(in[i]) * Bf16ToFloat(w[2 * o]);
        }
      }
    }
    return sum;
  });
}

void OutputRaw(const WinogradArgs& a, const WinogradTiles& tiles, int group_begin, int group_end) {
  const WinogradMatrices& matrices = kMatrices[a.m - 2];
  const std::ptrdiff_t depth = static_cast<std::ptrdiff_t>(a.in_blocks) * kLanes;
  const std::ptrdiff_t plane = WinogradPlane(depth * tiles.count);
  const int n = matrices.n;
  Output(a, tiles, group_begin, group_end, [&](int group, int width, int v, int point, int t) {
    const float* raw = a.raw_weights +
                       static_cast<std::ptrdiff_t>(group) * a.vectors * kLanes * depth * 9 +
                       v * kLanes;
    const double* left = matrices.g[point / n];
    const double* right = matrices.g[point % n];
    Pixel sum;
    for (int block = 0; block < a.in_blocks; ++block) {
      const float* in = static_cast<const float*>(tiles.v) + point * plane +
                        (static_cast<std::ptrdiff_t>(block) * tiles.count + t) * kLanes;
      for (int i = 0; i < kLanes; ++i) {
        for (int o = 0; o < kLanes; ++o) {
          double u = 0;
          for (int tap = 0; tap < 9; ++tap) {
            const float w = raw[((block * 9 + tap) * kLanes + i) * width * kLanes + o];
            u += left[tap / 3] * right[tap % 3] * double{w};
          }
          sum.lane[o] += in[i] * static_cast<float>(u);
        }
      }
    }
    return sum;
  });
}

}  // namespace

void AddScalarWinograd(KernelTable& table) {
  table.winograd_input_f32 = InputF32;
  table.winograd_input_bf16 = InputBf16;
  table.winograd_output_f32 = OutputF32;
  table.winograd_output_bf16 = OutputBf16;
  table.winograd_output_raw = OutputRaw;
}

}  // namespace visavis
