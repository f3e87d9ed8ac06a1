#include <fmt/format.h>
#include <gtest/gtest.h>

#include "kernels/test_tensors.h"

namespace visavis {
namespace {

struct WinogradCase {
  int m;
  int in_channels;
  int out_channels;
  int rows;
  int width;
  int images;
  Activation activation;
  Residual residual;

  std::string Name() const {
    return fmt::format("F{} {}->{} {}x{} n{}", m, in_channels, out_channels, rows, width, images);
  }
};

std::vector<WinogradCase> AllCases() {
  std::vector<WinogradCase> cases;
  const int channels[] = {16, 40, 64, 33, 7, 128};
  for (int m = 2; m <= 4; ++m) {
    for (int width = 1; width <= 19; ++width) {
      cases.push_back({m, channels[(width + m) % 6], channels[width % 5], 1 + width % 9, width,
                       1 + width % 3, static_cast<Activation>(width % 4),
                       static_cast<Residual>(width % 3)});
    }
  }
  return cases;
}

enum class Weights { kPacked, kRaw, kBf16 };

/// One Winograd convolution of `images` images stacked in one tensor of images * (rows + 2) rows.
class WinogradRun {
 public:
  WinogradRun(const WinogradCase& c, const KernelTable& kernels, Store store, Weights weights)
      : c_(c),
        kernels_(kernels),
        kind_(weights),
        random_(static_cast<unsigned>(c.width * 5 + c.m)),
        shape_{c.out_channels, c.in_channels, 3, 3},
        in_(c.in_channels, c.images * (c.rows + 2), c.width + 2, 0, store),
        out_(c.out_channels, c.images * c.rows, c.width, 1, store),
        epilogue_(out_, c.activation, c.residual, store, random_) {
    in_.FillRandom(random_);
    weights_ = RandomFloats(static_cast<std::size_t>(c.out_channels * c.in_channels * 9), random_);
    for (float& w : weights_) w /= std::sqrt(static_cast<float>(c.in_channels * 9));
  }

  /// In passes of `most` tiles, each in `parts` ranges of blocks and of groups.
  const BlockedTensor& Run(int most, int parts) {
    const GroupUse use = c_.m == 2   ? GroupUse::kWinograd2
                         : c_.m == 3 ? GroupUse::kWinograd3
                                     : GroupUse::kWinograd4;
    WinogradArgs a;
    a.m = c_.m;
    a.in = in_.In();
    a.out = out_.Out();
    a.in_image = a.in.row * (c_.rows + 2);
    a.out_image = a.out.row * c_.rows;
    a.addend_image = epilogue_.epilogue.addend.row * c_.rows;
    a.in_blocks = in_.blocks();
    a.last_lanes = LastLanesOf(c_.in_channels);
    a.out_blocks = out_.blocks();
    a.height = c_.rows;
    a.width = c_.width;
    a.vectors = GroupVectors(kernels_, use, out_.blocks());
    a.epilogue = epilogue_.epilogue;
    const std::size_t size = PackedWinogradSize(shape_, c_.m, a.vectors);
    Guarded<float> packed(kind_ == Weights::kPacked ? size : 0);
    Guarded<float> raw(kind_ == Weights::kRaw ? PackedConvSize(shape_, a.vectors) : 0);
    Guarded<std::uint16_t> halves(kind_ == Weights::kBf16 ? size : 0);
    a.weights = packed.data();
    a.raw_weights = raw.data();
    if (kind_ == Weights::kPacked) {
      PackWinograd(weights_.data(), shape_, c_.m, a.vectors, packed.data());
    } else if (kind_ == Weights::kRaw) {
      PackConv(weights_.data(), shape_, a.vectors, raw.data());
    } else {
      PackWinogradBf16(weights_.data(), shape_, c_.m, a.vectors, halves.data());
      a.weights = halves.data();
    }
    const int all = WinogradTileCount(c_.m, c_.rows, c_.width) * c_.images;
    for (int begin = 0; begin < all; begin += most)
      RunPass(a, begin, std::min(most, all - begin), parts);
    EXPECT_TRUE(packed.intact() && raw.intact() && halves.intact());
    return out_;
  }

  double Naive(int o, int row, int x) const {
    const int image = row / c_.rows;
    const int y = row % c_.rows + image * (c_.rows + 2);
    double sum = 0;
    const float* w = weights_.data() + o * c_.in_channels * 9;
    for (int i = 0; i < c_.in_channels; ++i) {
      for (int tap = 0; tap < 9; ++tap, ++w) {
        sum += double{*w} * double{in_.Get(i, y + tap / 3, x + tap % 3)};
      }
    }
    return sum;
  }

 private:
  void RunPass(const WinogradArgs& a, int begin, int count, int parts) {
    Guarded<float> v(WinogradInputSize(c_.m, a.in_blocks, count));
    Guarded<float> products(WinogradProductSize(c_.m, a.vectors, count));
    Guarded<float> u(WinogradRawSize(c_.m, a.vectors));
    const WinogradTiles tiles{begin, count, v.data(), products.data(), u.data()};
    const auto input =
        kind_ == Weights::kBf16 ? kernels_.winograd_input_bf16 : kernels_.winograd_input_f32;
    const auto output = kind_ == Weights::kBf16  ? kernels_.winograd_output_bf16
                        : kind_ == Weights::kRaw ? kernels_.winograd_output_raw
                                                 : kernels_.winograd_output_f32;
    const int groups = GroupsOf(a.out_blocks, a.vectors);
    for (int i = 0; i < parts; ++i) {
      input(a, tiles, a.in_blocks * i / parts, a.in_blocks * (i + 1) / parts);
    }
    for (int i = 0; i < parts; ++i) {
      output(a, tiles, groups * i / parts, groups * (i + 1) / parts);
    }
    EXPECT_TRUE(v.intact() && products.intact() && u.intact()) << c_.Name();
  }

  WinogradCase c_;
  const KernelTable& kernels_;
  Weights kind_;
  Random random_;
  ConvShape shape_;
  BlockedTensor in_;
  BlockedTensor out_;
  TestEpilogue epilogue_;
  std::vector<float> weights_;
};

// Winograd's rounding error is up to 40 times the direct one: README.md measured a largest error of
// 2.0e-5 of the root mean square (here about 0.6).
constexpr double kTolerance = 1.5e-5;
// One bf16 rounding of V may fall the other way when its float differs in the last bit; the
// transforms multiply that by up to 30, the store adds one unit in the last place of values
// below 4.
constexpr double kBf16Tolerance = 0.04;

TEST(WinogradScalar, EqualsTheDefinition) {
  for (WinogradCase c : AllCases()) {
    c.activation = Activation::kNone;
    c.residual = Residual::kNone;
    for (const Weights kind : {Weights::kPacked, Weights::kRaw}) {
      WinogradRun run(c, *FindKernels("scalar"), Store::kF32, kind);
      const BlockedTensor& got = run.Run(28, 1);
      // The random bias is the only other term; differences between two pixels cancel it.
      for (int o = 0; o < c.out_channels; ++o) {
        const double bias = double{got.Get(o, 0, 0)} - run.Naive(o, 0, 0);
        EXPECT_LE(std::fabs(bias), 1 + kTolerance) << c.Name();
        for (int y = 0; y < got.rows(); ++y) {
          for (int x = 0; x < c.width; ++x) {
            ASSERT_NEAR(double{got.Get(o, y, x)} - bias, run.Naive(o, y, x), 2 * kTolerance)
                << c.Name() << " channel " << o << " pixel " << y << ", " << x;
          }
        }
      }
    }
  }
}

TEST(WinogradVector, EqualsScalar) {
  for (const KernelTable* kernels : VectorTables()) {
    for (const WinogradCase& c : AllCases()) {
      for (const Weights kind : {Weights::kPacked, Weights::kRaw}) {
        WinogradRun want(c, *FindKernels("scalar"), Store::kF32, kind);
        WinogradRun got(c, *kernels, Store::kF32, kind);
        ExpectNear(got.Run(28, 1), want.Run(28, 1), kTolerance,
                   std::string(kernels->isa) + " " + c.Name());
      }
    }
  }
}

TEST(WinogradVector, Bf16EqualsScalar) {
  for (const KernelTable* kernels : VectorTables()) {
    for (const WinogradCase& c : AllCases()) {
      for (const Store store : {Store::kF32, Store::kBf16}) {
        WinogradRun want(c, *FindKernels("scalar"), store, Weights::kBf16);
        WinogradRun got(c, *kernels, store, Weights::kBf16);
        ExpectNear(got.Run(28, 1), want.Run(28, 1), kBf16Tolerance,
                   std::string(kernels->isa) + " " + c.Name());
      }
    }
  }
}

TEST(WinogradEveryIsa, PartsDoNotChangeBits) {
  for (const std::string_view isa : KnownIsas()) {
    if (FindKernels(isa) == nullptr) continue;
    for (const WinogradCase& c : AllCases()) {
      if (c.width % 4 != 2) continue;
      WinogradRun whole(c, *FindKernels(isa), Store::kF32, Weights::kPacked);
      WinogradRun parts(c, *FindKernels(isa), Store::kF32, Weights::kPacked);
      ExpectNear(parts.Run(5, 3), whole.Run(28, 1), 0, std::string(isa) + " " + c.Name());
    }
  }
}

}  // namespace
}  // namespace visavis
