#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/test_tensors.h"

namespace visavis {
namespace {

struct ConvCase {
  int in_channels;
  int out_channels;
  int rows;  ///< of the output
  int width;
  int kernel;
  int stride;
  Activation activation;
  Residual residual;

  std::string Name() const {
    return fmt::format("{}->{} {}x{} k{} s{} activation {} residual {}", in_channels, out_channels,
                       rows, width, kernel, stride, static_cast<int>(activation),
                       static_cast<int>(residual));
  }
};

/// Every width 1..40 with kernels, strides, activations and residual orders rotating; squares.
std::vector<ConvCase> AllCases() {
  const int kernels[] = {1, 3, 5};
  const int channels[] = {16, 7, 40, 33, 64, 3};
  std::vector<ConvCase> cases;
  for (int width = 1; width <= 40; ++width) {
    cases.push_back({channels[width % 6], channels[(width + 2) % 6], 1 + width % 4, width,
                     kernels[width % 3], 1 + width % 2, static_cast<Activation>(width % 4),
                     static_cast<Residual>(width / 4 % 3)});
    cases.push_back({channels[width % 5], channels[(width + 3) % 6], 2, width, 3, 1 + width / 2 % 2,
                     static_cast<Activation>(width / 3 % 4), static_cast<Residual>(width % 3)});
  }
  // Tiles that run over the ends of rows.
  for (int width = 3; width <= 15; ++width) {
    for (const int stride : {1, 2}) {
      cases.push_back({17, 24, width, width, 3, stride, static_cast<Activation>(width % 4),
                       static_cast<Residual>((width + stride) % 3)});
    }
  }
  return cases;
}

float NaiveActivate(const Epilogue& e, int channel, float x) {
  if (e.activation == Activation::kRelu) return std::max(x, 0.0f);
  if (e.activation == Activation::kPrelu) return x < 0 ? x * e.slope[channel] : x;
  if (e.activation == Activation::kClip) return std::clamp(x, e.lo, e.hi);
  return x;
}

float NaiveFinish(const TestEpilogue& t, int c, int y, int x, double sum) {
  const Epilogue& e = t.epilogue;
  float value = static_cast<float>(sum) + e.bias[c];
  const float addend = t.addend.Get(c, y, x);
  if (e.residual == Residual::kBeforeActivation) value += addend;
  value = NaiveActivate(e, c, value);
  if (e.residual == Residual::kAfterActivation) value += addend;
  return value;
}

/// One dense convolution with everything it needs.
class ConvRun {
 public:
  ConvRun(const ConvCase& c, const KernelTable& kernels, Store in_store, Store out_store,
          bool bf16_products)
      : c_(c),
        kernels_(kernels),
        bf16_(bf16_products),
        random_(static_cast<unsigned>(c.width)),
        shape_{c.out_channels, c.in_channels, c.kernel, c.kernel},
        in_(c.in_channels, (c.rows - 1) * c.stride + 1, (c.width - 1) * c.stride + 1, c.kernel / 2,
            in_store),
        out_(c.out_channels, c.rows, c.width, 1, out_store),
        epilogue_(out_, c.activation, c.residual, out_store, random_) {
    in_.FillRandom(random_);
    const std::size_t count =
        static_cast<std::size_t>(c.out_channels * c.in_channels * c.kernel * c.kernel);
    weights_ = RandomFloats(count, random_);
    for (float& w : weights_)
      w /= std::sqrt(static_cast<float>(c.in_channels * c.kernel * c.kernel));
    vectors_ = GroupVectors(kernels, GroupUse::kConv, out_.blocks());
    const BlockedIn view = in_.In(-(c.kernel / 2), -(c.kernel / 2));
    for (int ky = 0; ky < c.kernel; ++ky) {
      for (int kx = 0; kx < c.kernel; ++kx) offsets_.push_back(ky * view.row + kx * kLanes);
    }
  }

  /// Computes in `parts` ranges of rows and of groups.
  const BlockedTensor& Run(int parts) {
    ConvArgs args;
    args.in = in_.In(-(c_.kernel / 2), -(c_.kernel / 2));
    args.out = out_.Out();
    args.in_blocks = in_.blocks();
    args.last_lanes = LastLanesOf(c_.in_channels);
    args.out_blocks = out_.blocks();
    args.out_width = c_.width;
    args.stride = c_.stride;
    args.taps = c_.kernel * c_.kernel;
    args.tap_offsets = offsets_.data();
    args.vectors = vectors_;
    args.epilogue = epilogue_.epilogue;
    const std::size_t size = PackedConvSize(shape_, vectors_);
    Guarded<float> floats(bf16_ ? 0 : size);
    Guarded<std::uint16_t> halves(bf16_ ? size : 0);
    if (bf16_) {
      PackConvBf16(weights_.data(), shape_, vectors_, halves.data());
      args.weights = halves.data();
    } else {
      PackConv(weights_.data(), shape_, vectors_, floats.data());
      args.weights = floats.data();
    }
    EXPECT_TRUE(floats.intact() && halves.intact());
    const auto conv = bf16_ ? kernels_.conv_bf16 : kernels_.conv_f32;
    const int groups = GroupsOf(out_.blocks(), vectors_);
    for (int i = 0; i < parts; ++i) {
      for (int j = 0; j < parts; ++j) {
        conv(args, groups * i / parts, groups * (i + 1) / parts, c_.rows * j / parts,
             c_.rows * (j + 1) / parts);
      }
    }
    return out_;
  }

  /// The definition, in double.
  BlockedTensor Naive() {
    BlockedTensor want = out_;
    for (int o = 0; o < c_.out_channels; ++o) {
      for (int y = 0; y < c_.rows; ++y) {
        for (int x = 0; x < c_.width; ++x) {
          double sum = 0;
          const float* w = weights_.data() + o * c_.in_channels * c_.kernel * c_.kernel;
          for (int i = 0; i < c_.in_channels; ++i) {
            for (int ky = 0; ky < c_.kernel; ++ky) {
              for (int kx = 0; kx < c_.kernel; ++kx, ++w) {
                const double weight = bf16_ ? double{Bf16ToFloat(FloatToBf16(*w))} : double{*w};
                sum += weight * double{in_.Get(i, y * c_.stride + ky - c_.kernel / 2,
                                               x * c_.stride + kx - c_.kernel / 2)};
              }
            }
          }
          want.Set(o, y, x, NaiveFinish(epilogue_, o, y, x, sum));
        }
      }
    }
    for (int o = c_.out_channels; o < want.blocks() * kLanes; ++o) {
      for (int y = 0; y < c_.rows; ++y) {
        for (int x = 0; x < c_.width; ++x) {
          want.Set(o, y, x, NaiveFinish(epilogue_, o, y, x, 0));
        }
      }
    }
    return want;
  }

 private:
  ConvCase c_;
  const KernelTable& kernels_;
  bool bf16_;
  Random random_;
  ConvShape shape_;
  BlockedTensor in_;
  BlockedTensor out_;
  TestEpilogue epilogue_;
  std::vector<float> weights_;
  std::vector<std::ptrdiff_t> offsets_;
  int vectors_ = 1;
};

// Sums of at most 1600 products of magnitude about 1 / sqrt(depth): the float sum is within a few
// units of 2^-24 * sqrt(depth) of the exact one; 2e-6 is four times the largest seen.
constexpr double kTolerance = 2e-6;
// A bf16 result may round the other way when its float differs in the last bit: one unit in the
// last place of values below 4.
constexpr double kBf16StoreTolerance = 1.0 / 64;

TEST(ConvScalar, EqualsTheDefinition) {
  const KernelTable& kernels = *FindKernels("scalar");
  for (const ConvCase& c : AllCases()) {
    ConvRun run(c, kernels, Store::kF32, Store::kF32, false);
    const BlockedTensor want = run.Naive();
    ExpectNear(run.Run(1), want, kTolerance, c.Name());
    ConvRun bf16(c, kernels, Store::kBf16, Store::kF32, true);
    const BlockedTensor bf16_want = bf16.Naive();
    ExpectNear(bf16.Run(1), bf16_want, kTolerance, c.Name() + " bf16");
  }
}

TEST(ConvVector, EqualsScalar) {
  for (const KernelTable* kernels : VectorTables()) {
    for (const ConvCase& c : AllCases()) {
      ConvRun want(c, *FindKernels("scalar"), Store::kF32, Store::kF32, false);
      ConvRun got(c, *kernels, Store::kF32, Store::kF32, false);
      ExpectNear(got.Run(1), want.Run(1), kTolerance, std::string(kernels->isa) + " " + c.Name());
    }
  }
}

TEST(ConvVector, Bf16EqualsScalar) {
  for (const KernelTable* kernels : VectorTables()) {
    for (const ConvCase& c : AllCases()) {
      const std::string name = std::string(kernels->isa) + " " + c.Name();
      ConvRun want(c, *FindKernels("scalar"), Store::kBf16, Store::kF32, true);
      ConvRun got(c, *kernels, Store::kBf16, Store::kF32, true);
      ExpectNear(got.Run(1), want.Run(1), kTolerance, name);
      ConvRun want_half(c, *FindKernels("scalar"), Store::kBf16, Store::kBf16, true);
      ConvRun got_half(c, *kernels, Store::kBf16, Store::kBf16, true);
      ExpectNear(got_half.Run(1), want_half.Run(1), kBf16StoreTolerance, name + " stored as bf16");
    }
  }
}

TEST(ConvEveryIsa, PartsDoNotChangeBits) {
  for (const std::string_view isa : KnownIsas()) {
    if (FindKernels(isa) == nullptr) continue;
    for (const ConvCase& c : AllCases()) {
      if (c.width % 7 != 0) continue;
      ConvRun whole(c, *FindKernels(isa), Store::kF32, Store::kF32, false);
      ConvRun parts(c, *FindKernels(isa), Store::kF32, Store::kF32, false);
      ExpectNear(parts.Run(3), whole.Run(1), 0, std::string(isa) + " " + c.Name());
    }
  }
}

}  // namespace
}  // namespace visavis
