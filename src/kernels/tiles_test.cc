#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/test_tensors.h"

namespace visavis {
namespace {

struct TileCase {
  int in_channels;
  int out_channels;
  int rows;  ///< of the output
  int width;
  int kernel_h;
  int kernel_w;
  int stride;
  Activation activation;
  Residual residual;

  std::string Name() const {
    return fmt::format("{}->{} {}x{} k{}x{} s{} activation {} residual {}", in_channels,
                       out_channels, rows, width, kernel_h, kernel_w, stride,
                       static_cast<int>(activation), static_cast<int>(residual));
  }
};

std::vector<TileCase> AllCases() {
  const int channels[] = {16, 7, 40, 33, 64, 3, 80};
  std::vector<TileCase> cases;
  for (int width = 1; width <= 36; ++width) {
    cases.push_back({channels[width % 7], channels[(width + 2) % 7], 1 + width % 5, width,
                     1 + width % 3, 1 + width / 2 % 3, 1 + width / 3 % 2,
                     static_cast<Activation>(width % 4), static_cast<Residual>(width / 4 % 3)});
    cases.push_back({channels[width % 6], channels[(width + 3) % 7], 3, width, 3, 3,
                     1 + width / 2 % 2, static_cast<Activation>(width / 3 % 4),
                     static_cast<Residual>(width % 3)});
  }
  return cases;
}

/// One convolution with everything it needs, its input border filled with values.
class TileRun {
 public:
  TileRun(const TileCase& c, Store out_store)
      : c_(c),
        random_(static_cast<unsigned>(c.width)),
        shape_{c.out_channels, c.in_channels, c.kernel_h, c.kernel_w},
        in_(c.in_channels, (c.rows - 1) * c.stride + 1, (c.width - 1) * c.stride + 1, 2,
            Store::kBf16),
        out_(c.out_channels, c.rows, c.width, 1, out_store),
        epilogue_(out_, c.activation, c.residual, out_store, random_) {
    in_.FillRandom(random_);
    weights_ = RandomFloats(
        static_cast<std::size_t>(c.out_channels * c.in_channels * c.kernel_h * c.kernel_w),
        random_);
    for (float& w : weights_) {
      w /= std::sqrt(static_cast<float>(c.in_channels * c.kernel_h * c.kernel_w));
    }
  }

  /// By gather_tiles and conv_tiles, the work cut into `parts` ranges of every kind.
  const BlockedTensor& Tiles(const KernelTable& kernels, int parts) {
    const TileGeometry geometry = MakeTileGeometry(shape_, c_.stride, c_.rows, c_.width);
    const int pairs = TilePairsOf(c_.in_channels);
    // What no output needs may be anything: not-a-number bits show if it is used.
    Guarded<std::uint16_t> planes(static_cast<std::size_t>(pairs * geometry.pair));
    std::fill(planes.data(), planes.data() + planes.size(), std::uint16_t{0x7fc0});
    TileGatherArgs gather;
    gather.in = in_.In(-1, -1);
    gather.in_blocks = in_.blocks();
    gather.geometry = geometry;
    gather.planes = planes.data();
    for (int i = 0; i < parts; ++i) {
      kernels.gather_tiles(gather, pairs * i / parts, pairs * (i + 1) / parts);
    }
    EXPECT_TRUE(planes.intact()) << c_.Name();

    Guarded<std::uint16_t> packed(PackedConvTilesSize(shape_));
    PackConvTiles(weights_.data(), shape_, packed.data());
    EXPECT_TRUE(packed.intact()) << c_.Name();
    const std::vector<std::ptrdiff_t> offsets = TileTapOffsets(geometry);
    TileConvArgs args;
    args.planes = planes.data();
    args.in_pairs = pairs;
    args.geometry = geometry;
    args.tap_offsets = offsets.data();
    args.out = out_.Out();
    args.out_blocks = out_.blocks();
    args.weights = packed.data();
    args.epilogue = epilogue_.epilogue;
    const int groups = GroupsOf(args.out_blocks, kTileVectors);
    for (int i = 0; i < parts; ++i) {
      for (int j = 0; j < parts; ++j) {
        kernels.conv_tiles(args, groups * i / parts, groups * (i + 1) / parts,
                           geometry.tiles * j / parts, geometry.tiles * (j + 1) / parts);
      }
    }
    return out_;
  }

  /// By the portable direct convolution.
  const BlockedTensor& Direct() {
    const KernelTable& kernels = *FindKernels("scalar");
    std::vector<std::ptrdiff_t> offsets;
    const BlockedIn view = in_.In(-1, -1);
    for (int ky = 0; ky < c_.kernel_h; ++ky) {
      for (int kx = 0; kx < c_.kernel_w; ++kx) offsets.push_back(ky * view.row + kx * kLanes);
    }
    ConvArgs args;
    args.in = view;
    args.out = out_.Out();
    args.in_blocks = in_.blocks();
    args.last_lanes = LastLanesOf(c_.in_channels);
    args.out_blocks = out_.blocks();
    args.out_width = c_.width;
    args.stride = c_.stride;
    args.taps = c_.kernel_h * c_.kernel_w;
    args.tap_offsets = offsets.data();
    args.vectors = 1;
    args.epilogue = epilogue_.epilogue;
    std::vector<std::uint16_t> packed(PackedConvSize(shape_, 1));
    PackConvBf16(weights_.data(), shape_, 1, packed.data());
    args.weights = packed.data();
    kernels.conv_bf16(args, 0, args.out_blocks, 0, c_.rows);
    return out_;
  }

 private:
  TileCase c_;
  Random random_;
  ConvShape shape_;
  BlockedTensor in_;
  BlockedTensor out_;
  TestEpilogue epilogue_;
  std::vector<float> weights_;
};

// Sums of at most 720 products of magnitude about 1 / sqrt(depth) in another order.
constexpr double kTolerance = 2e-6;
// One unit in the last place of bf16 values below 4.
constexpr double kBf16StoreTolerance = 1.0 / 64;

TEST(TilesScalar, EqualDirectConvolution) {
  for (const TileCase& c : AllCases()) {
    TileRun want(c, Store::kF32);
    TileRun got(c, Store::kF32);
    ExpectNear(got.Tiles(*FindKernels("scalar"), 1), want.Direct(), kTolerance, c.Name());
  }
}

TEST(TilesVector, EqualScalar) {
  const KernelTable* kernels = FindKernels("amx");
  if (kernels == nullptr) GTEST_SKIP() << "SKIPPED: no AMX here";
  ASSERT_NE(kernels->conv_tiles, FindKernels("scalar")->conv_tiles);
  for (const TileCase& c : AllCases()) {
    for (const Store store : {Store::kF32, Store::kBf16}) {
      TileRun want(c, store);
      TileRun got(c, store);
      ExpectNear(got.Tiles(*kernels, 1), want.Tiles(*FindKernels("scalar"), 1),
                 store == Store::kF32 ? kTolerance : kBf16StoreTolerance, c.Name());
    }
  }
}

TEST(TilesEveryIsa, PartsDoNotChangeBits) {
  for (const std::string_view isa : {"scalar", "amx"}) {
    if (FindKernels(isa) == nullptr) continue;
    for (const TileCase& c : AllCases()) {
      TileRun whole(c, Store::kF32);
      TileRun parts(c, Store::kF32);
      ExpectNear(parts.Tiles(*FindKernels(isa), 3), whole.Tiles(*FindKernels(isa), 1), 0,
                 std::string(isa) + " " + c.Name());
    }
  }
}

}  // namespace
}  // namespace visavis
