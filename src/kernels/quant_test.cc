#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/test_tensors.h"

namespace visavis {
namespace {

/// A c64 tensor with a border, random everywhere; `pixel` bytes each.
class QuantTensor {
 public:
  QuantTensor(int channels, int rows, int width, int border, Random& random,
              int pixel = kQuantLanes)
      : border_(border),
        pixel_(pixel),
        row_((width + 2 * border) * pixel),
        block_(row_ * (rows + 2 * border)),
        bytes_(static_cast<std::size_t>(block_ * QuantBlocksOf(channels) + kQuantOverread)) {
    for (std::size_t i = 0; i < bytes_.size(); ++i) bytes_[i] = static_cast<std::uint8_t>(random());
  }
  std::ptrdiff_t Index(int c, int y, int x) const {
    return c / kQuantLanes * block_ + (y + border_) * row_ + (x + border_) * pixel_ +
           c % kQuantLanes;
  }
  int Get(int c, int y, int x) const { return bytes_[static_cast<std::size_t>(Index(c, y, x))]; }
  QuantIn In(int y = 0, int x = 0) const { return {bytes_.data() + Index(0, y, x), row_, block_}; }
  QuantOut Out() { return {bytes_.data() + Index(0, 0, 0), row_, block_}; }
  std::ptrdiff_t row() const { return row_; }
  int pixel() const { return pixel_; }
  const Guarded<std::uint8_t>& bytes() const { return bytes_; }

 private:
  int border_;
  int pixel_;
  std::ptrdiff_t row_;
  std::ptrdiff_t block_;
  Guarded<std::uint8_t> bytes_;
};

void ExpectSameBytes(const Guarded<std::uint8_t>& got, const Guarded<std::uint8_t>& want,
                     const std::string& what) {
  EXPECT_TRUE(got.intact()) << what << ": wrote outside its output";
  ASSERT_EQ(got.size(), want.size());
  const auto* differs = std::mismatch(got.data(), got.data() + got.size(), want.data()).first;
  EXPECT_EQ(differs, got.data() + got.size())
      << what << ": byte " << differs - got.data() << " is " << int{*differs} << ", want "
      << int{want[static_cast<std::size_t>(differs - got.data())]};
}

enum class Addend { kNone, kBytes, kFloats, kHalves };

struct Variant {
  Activation activation;
  Addend addend;
  bool before;  ///< the addend
  bool bytes_out;
  Store store;  ///< of floats out
  bool copies;
};

Variant VariantOf(int i) {
  return {static_cast<Activation>(i % 4),
          static_cast<Addend>(i / 4 % 4),
          i / 3 % 2 == 0,
          i / 5 % 3 != 0,
          i / 7 % 2 == 0 ? Store::kF32 : Store::kBf16,
          i / 2 % 3 == 0};
}

/// Everything around a sum: vectors, addends and outputs of channels x rows x width.
class Behind {
 public:
  Behind(const Variant& v, int channels, int rows, int width, float scale, Random& random)
      : variant_(v),
        channels_(channels),
        padded_(static_cast<std::size_t>(QuantBlocksOf(channels) * kQuantLanes)),
        scale_(Padded(random, scale)),
        shift_(Padded(random, 40)),
        slope_(Padded(random, 1.5f)),
        copy_scale_(Padded(random, 1.5f)),
        copy_shift_(Padded(random, 60)),
        byte_addend_(channels, rows, width, 1, random),
        float_addend_(channels, rows, width, 2,
                      v.addend == Addend::kHalves ? Store::kBf16 : Store::kF32),
        out_(channels, rows, width, 1, random),
        copy_(channels, rows, width, 2, random),
        float_out_(channels, rows, width, 1, v.store) {
    float_addend_.FillRandom(random);
    for (int c = 0; c < channels; c += 3) {
      for (int y = 0; y < rows; ++y) float_addend_.Set(c, y, 0, y % 2 == 0 ? 3e12f : -3e12f);
    }
    float_in_ = float_addend_.In();
    float_to_ = float_out_.Out();
    if (v.activation == Activation::kRelu) std::ranges::fill(slope_, 0.0f);
    epilogue_.scale = scale_.data();
    epilogue_.shift = shift_.data();
    epilogue_.activation = v.activation;
    epilogue_.slope = slope_.data();
    epilogue_.lo = -20.5f;
    epilogue_.hi = 30.25f;
    if (v.addend != Addend::kNone) {
      epilogue_.residual = v.before ? Residual::kBeforeActivation : Residual::kAfterActivation;
      if (v.addend == Addend::kBytes) epilogue_.addend = byte_addend_.In();
      epilogue_.addend_scale = 0.37f;
      epilogue_.addend_zero = 77;
      epilogue_.float_addend = &float_in_;
    }
    if (v.bytes_out) epilogue_.out = out_.Out();
    epilogue_.zero = 101;
    epilogue_.float_out = &float_to_;
    if (v.copies) epilogue_.copy = copy_.Out();
    epilogue_.copy_scale = copy_scale_.data();
    epilogue_.copy_shift = copy_shift_.data();
    epilogue_.copy_zero = 140;
  }
  Behind(const Behind&) = delete;

  const QuantEpilogue& epilogue() const { return epilogue_; }

  void ExpectEqual(const Behind& want, const std::string& what) const {
    ExpectSameBytes(out_.bytes(), want.out_.bytes(), what);
    ExpectSameBytes(copy_.bytes(), want.copy_.bytes(), what + " (copy)");
    ExpectNear(float_out_, want.float_out_, 0, what);
  }

  /// The byte results and float results against the definition in long arithmetic.
  void ExpectDefinition(int c, int y, int x, std::int64_t sum, const std::string& what) const {
    const auto at = static_cast<std::size_t>(c);
    float v = std::fma(static_cast<float>(sum), scale_[at], shift_[at]);
    const auto add = [&](float value) {
      if (variant_.addend == Addend::kNone) return value;
      if (variant_.addend == Addend::kBytes) {
        return std::fma(static_cast<float>(byte_addend_.Get(c, y, x) - 77), 0.37f, value);
      }
      return std::fma(float_addend_.Get(c, y, x), 0.37f, value);
    };
    if (variant_.before) v = add(v);
    if (variant_.activation == Activation::kClip) v = std::clamp(v, -20.5f, 30.25f);
    if (variant_.activation == Activation::kRelu) v = std::max(v, 0.0f);
    if (variant_.activation == Activation::kPrelu && v < 0) v *= slope_[at];
    if (!variant_.before) v = add(v);
    if (variant_.bytes_out) {
      const double q = std::clamp(std::nearbyint(double{v}) + 101, 0.0, 255.0);
      ASSERT_EQ(out_.Get(c, y, x), q) << what << " at " << c << " " << y << " " << x;
      v = static_cast<float>(q - 101);
    } else {
      const float stored = variant_.store == Store::kF32 ? v : Bf16ToFloat(FloatToBf16(v));
      ASSERT_EQ(float_out_.Get(c, y, x), stored) << what << " at " << c << " " << y << " " << x;
    }
    if (variant_.copies) {
      const float w = std::fma(v, copy_scale_[at], copy_shift_[at]);
      ASSERT_EQ(copy_.Get(c, y, x), std::clamp(std::nearbyint(double{w}) + 140, 0.0, 255.0))
          << what << " copy at " << c << " " << y << " " << x;
    }
  }

 private:
  std::vector<float> Padded(Random& random, float scale) const {
    std::vector<float> values(padded_, 0.0f);
    for (int c = 0; c < channels_; ++c) {
      values[static_cast<std::size_t>(c)] = scale * Uniform(random);
    }
    return values;
  }

  Variant variant_;
  int channels_;
  std::size_t padded_;
  std::vector<float> scale_, shift_, slope_, copy_scale_, copy_shift_;
  QuantTensor byte_addend_;
  BlockedTensor float_addend_;
  QuantTensor out_;
  QuantTensor copy_;
  BlockedTensor float_out_;
  BlockedIn float_in_;
  BlockedOut float_to_;
  QuantEpilogue epilogue_;
};

struct Case {
  int in_channels;
  int out_channels;
  int rows;
  int width;
  int kernel;
  int stride;
  bool picture = false;
  int variant = 0;

  std::string Name() const {
    return fmt::format("{}->{} {}x{} k{} s{} picture {} variant {}", in_channels, out_channels,
                       rows, width, kernel, stride, picture, variant);
  }
};

std::vector<std::int8_t> RandomWeights(std::size_t count, Random& random) {
  std::vector<std::int8_t> weights(count);
  for (std::int8_t& w : weights) w = static_cast<std::int8_t>(random() % 255 - 127);
  // The extremes, which saturate narrower sums.
  for (std::size_t i = 0; i < count; i += 5) weights[i] = i % 2 == 0 ? -128 : 127;
  return weights;
}

std::vector<std::int32_t> RandomStart(int channels, Random& random) {
  std::vector<std::int32_t> start(static_cast<std::size_t>(QuantBlocksOf(channels) * kQuantLanes),
                                  0);
  for (int c = 0; c < channels; ++c) {
    start[static_cast<std::size_t>(c)] = static_cast<std::int32_t>(random() % 200001) - 100000;
  }
  return start;
}

/// One dense convolution.
class DenseRun {
 public:
  DenseRun(const Case& c, const QuantKernels& kernels)
      : c_(c),
        kernels_(kernels),
        random_(static_cast<unsigned>(c.width * 7 + c.variant)),
        in_(c.in_channels, (c.rows - 1) * c.stride + 1, (c.width - 1) * c.stride + 1, c.kernel / 2,
            random_, c.picture ? kQuantPicturePixel : kQuantLanes),
        weights_(RandomWeights(
            static_cast<std::size_t>(c.in_channels * c.out_channels * c.kernel * c.kernel),
            random_)),
        start_(RandomStart(c.out_channels, random_)),
        behind_(VariantOf(c.variant), c.out_channels, c.rows, c.width,
                2e-2f / static_cast<float>(c.kernel * c.in_channels), random_) {}

  const Behind& Run(int parts) {
    const ConvShape shape{c_.out_channels, c_.in_channels, c_.kernel, c_.kernel};
    Guarded<std::int8_t> packed(c_.picture ? PackedQuantPictureSize(shape)
                                           : PackedQuantConvSize(shape));
    (c_.picture ? PackQuantPicture : PackQuantConv)(weights_.data(), shape, packed.data());
    EXPECT_TRUE(packed.intact());
    QuantConvArgs args;
    args.in = in_.In(-(c_.kernel / 2), -(c_.kernel / 2));
    args.picture = c_.picture;
    args.in_blocks = QuantBlocksOf(c_.in_channels);
    args.last_quads = QuantLastQuads(c_.in_channels);
    args.out_blocks = BlocksOf(c_.out_channels);
    args.out_width = c_.width;
    args.stride = c_.stride;
    args.taps = c_.kernel * c_.kernel;
    std::vector<std::ptrdiff_t> offsets;
    for (int y = 0; y < c_.kernel; ++y) {
      for (int x = 0; x < c_.kernel; ++x) offsets.push_back(y * in_.row() + x * in_.pixel());
    }
    args.tap_offsets = offsets.data();
    args.weights = packed.data();
    args.start = start_.data();
    args.epilogue = behind_.epilogue();
    const int groups = GroupsOf(args.out_blocks, kQuantGroup);
    for (int i = 0; i < parts; ++i) {
      for (int j = 0; j < parts; ++j) {
        (c_.picture ? kernels_.conv_picture : kernels_.conv)(
            args, groups * i / parts, groups * (i + 1) / parts, c_.rows * j / parts,
            c_.rows * (j + 1) / parts);
      }
    }
    return behind_;
  }

  void ExpectDefinition() const {
    for (int o = 0; o < c_.out_channels; ++o) {
      for (int y = 0; y < c_.rows; ++y) {
        for (int x = 0; x < c_.width; ++x) {
          std::int64_t sum = start_[static_cast<std::size_t>(o)];
          const std::int8_t* w = weights_.data() + o * c_.in_channels * c_.kernel * c_.kernel;
          for (int i = 0; i < c_.in_channels; ++i) {
            for (int ky = 0; ky < c_.kernel; ++ky) {
              for (int kx = 0; kx < c_.kernel; ++kx) {
                sum += *w++ * in_.Get(i, y * c_.stride + ky - c_.kernel / 2,
                                      x * c_.stride + kx - c_.kernel / 2);
              }
            }
          }
          behind_.ExpectDefinition(o, y, x, sum, c_.Name());
        }
      }
    }
  }

 private:
  Case c_;
  const QuantKernels& kernels_;
  Random random_;
  QuantTensor in_;
  std::vector<std::int8_t> weights_;
  std::vector<std::int32_t> start_;
  Behind behind_;
};

std::vector<Case> DenseCases() {
  const int channels[] = {64, 7, 40, 33, 128, 3, 200, 16};
  std::vector<Case> cases;
  for (int i = 0; i < 96; ++i) {
    const int width = 1 + i % 37;
    cases.push_back({channels[i % 8], channels[(i / 2 + 3) % 8], 1 + i % 4, width,
                     i % 3 == 0 ? 1 : 3, 1 + i / 3 % 2, false, i});
    if (i % 3 == 0) {
      cases.push_back({1 + i % 4, channels[(i + 5) % 8], 2, width, 3, 1 + i % 2, true, i + 1});
    }
  }
  return cases;
}

TEST(QuantConvScalar, EqualsTheDefinition) {
  for (const Case& c : DenseCases()) {
    DenseRun run(c, FindKernels("scalar")->quant);
    run.Run(1);
    run.ExpectDefinition();
    if (HasFailure()) return;
  }
}

TEST(QuantConvVector, BitsEqualScalarHoweverDivided) {
  for (const Case& c : DenseCases()) {
    DenseRun want(c, FindKernels("scalar")->quant);
    want.Run(1);
    for (const KernelTable* kernels : VectorTables()) {
      DenseRun whole(c, kernels->quant);
      DenseRun parts(c, kernels->quant);
      whole.Run(1).ExpectEqual(want.Run(1), std::string(kernels->isa) + " " + c.Name());
      parts.Run(3).ExpectEqual(want.Run(1), std::string(kernels->isa) + " parts " + c.Name());
      if (HasFailure()) return;
    }
  }
}

/// One depthwise convolution.
class DepthwiseRun {
 public:
  DepthwiseRun(const Case& c, const QuantKernels& kernels)
      : c_(c),
        kernels_(kernels),
        random_(static_cast<unsigned>(c.width * 5 + c.variant)),
        in_(c.in_channels, (c.rows - 1) * c.stride + 1, (c.width - 1) * c.stride + 1, c.kernel / 2,
            random_),
        weights_(
            RandomWeights(static_cast<std::size_t>(c.in_channels * c.kernel * c.kernel), random_)),
        start_(RandomStart(c.in_channels, random_)),
        behind_(VariantOf(c.variant), c.in_channels, c.rows, c.width, 1e-2f, random_) {}

  const Behind& Run(int parts) {
    Guarded<std::int8_t> packed(PackedQuantDepthwiseSize(c_.in_channels, c_.kernel, c_.kernel));
    PackQuantDepthwise(weights_.data(), c_.in_channels, c_.kernel, c_.kernel, packed.data());
    EXPECT_TRUE(packed.intact());
    QuantDepthwiseArgs args;
    args.in = in_.In(-(c_.kernel / 2), -(c_.kernel / 2));
    args.out_blocks = BlocksOf(c_.in_channels);
    args.out_width = c_.width;
    args.stride = c_.stride;
    args.kernel_h = args.kernel_w = c_.kernel;
    args.weights = packed.data();
    args.start = start_.data();
    args.epilogue = behind_.epilogue();
    const int blocks = QuantBlocksOf(c_.in_channels);
    for (int i = 0; i < parts; ++i) {
      for (int j = 0; j < parts; ++j) {
        kernels_.depthwise(args, blocks * i / parts, blocks * (i + 1) / parts, c_.rows * j / parts,
                           c_.rows * (j + 1) / parts);
      }
    }
    return behind_;
  }

  void ExpectDefinition() const {
    for (int c = 0; c < c_.in_channels; ++c) {
      for (int y = 0; y < c_.rows; ++y) {
        for (int x = 0; x < c_.width; ++x) {
          std::int64_t sum = start_[static_cast<std::size_t>(c)];
          const std::int8_t* w = weights_.data() + c * c_.kernel * c_.kernel;
          for (int ky = 0; ky < c_.kernel; ++ky) {
            for (int kx = 0; kx < c_.kernel; ++kx) {
              sum += *w++ * in_.Get(c, y * c_.stride + ky - c_.kernel / 2,
                                    x * c_.stride + kx - c_.kernel / 2);
            }
          }
          behind_.ExpectDefinition(c, y, x, sum, c_.Name());
        }
      }
    }
  }

 private:
  Case c_;
  const QuantKernels& kernels_;
  Random random_;
  QuantTensor in_;
  std::vector<std::int8_t> weights_;
  std::vector<std::int32_t> start_;
  Behind behind_;
};

std::vector<Case> DepthwiseCases() {
  const int channels[] = {64, 7, 40, 128, 33, 200, 16};
  const int kernels[] = {3, 3, 5, 7, 3, 1};
  std::vector<Case> cases;
  for (int i = 0; i < 80; ++i) {
    const int c = channels[i % 7];
    cases.push_back({c, c, 1 + i % 3, 1 + i % 23, kernels[i % 6], 1 + i / 2 % 3, false, i});
  }
  return cases;
}

TEST(QuantDepthwiseScalar, EqualsTheDefinition) {
  for (const Case& c : DepthwiseCases()) {
    DepthwiseRun run(c, FindKernels("scalar")->quant);
    run.Run(1);
    run.ExpectDefinition();
    if (HasFailure()) return;
  }
}

TEST(QuantDepthwiseVector, BitsEqualScalarHoweverDivided) {
  for (const Case& c : DepthwiseCases()) {
    DepthwiseRun want(c, FindKernels("scalar")->quant);
    want.Run(1);
    for (const KernelTable* kernels : VectorTables()) {
      DepthwiseRun whole(c, kernels->quant);
      DepthwiseRun parts(c, kernels->quant);
      whole.Run(1).ExpectEqual(want.Run(1), std::string(kernels->isa) + " " + c.Name());
      parts.Run(2).ExpectEqual(want.Run(1), std::string(kernels->isa) + " parts " + c.Name());
      if (HasFailure()) return;
    }
  }
}

/// A map of bytes or floats.
class MapRun {
 public:
  MapRun(int i, const QuantKernels& kernels)
      : i_(i),
        kernels_(kernels),
        random_(static_cast<unsigned>(i)),
        channels_(1 + i * 13 % 90),
        width_(1 + i % 21),
        bytes_(channels_, 3, width_, 1, random_),
        floats_(channels_, 3, width_, 1, i % 4 < 2 ? Store::kF32 : Store::kBf16),
        behind_(VariantOf(i), channels_, 3, width_, 1.3f, random_) {
    floats_.FillRandom(random_);
  }

  bool from_bytes() const { return i_ % 2 == 0; }
  const Behind& Run(int parts) {
    QuantMapArgs args;
    const BlockedIn floats = floats_.In();
    if (from_bytes()) args.in = bytes_.In();
    args.zero = 99;
    args.float_in = &floats;
    args.blocks = BlocksOf(channels_);
    args.width = width_;
    args.epilogue = behind_.epilogue();
    const int groups = GroupsOf(args.blocks, kQuantGroup);
    for (int i = 0; i < parts; ++i) {
      for (int j = 0; j < parts; ++j) {
        kernels_.map(args, groups * i / parts, groups * (i + 1) / parts, 3 * j / parts,
                     3 * (j + 1) / parts);
      }
    }
    return behind_;
  }

  void ExpectDefinition() const {
    for (int c = 0; c < channels_; ++c) {
      for (int x = 0; x < width_; ++x) {
        behind_.ExpectDefinition(c, 1, x, bytes_.Get(c, 1, x) - 99, fmt::format("map {}", i_));
      }
    }
  }

 private:
  int i_;
  const QuantKernels& kernels_;
  Random random_;
  int channels_;
  int width_;
  QuantTensor bytes_;
  BlockedTensor floats_;
  Behind behind_;
};

TEST(QuantMap, VectorBitsEqualScalarAndTheDefinition) {
  for (int i = 0; i < 120; ++i) {
    MapRun want(i, FindKernels("scalar")->quant);
    want.Run(1);
    if (want.from_bytes()) want.ExpectDefinition();
    for (const KernelTable* kernels : VectorTables()) {
      MapRun whole(i, kernels->quant);
      MapRun parts(i, kernels->quant);
      const std::string name = fmt::format("{} map {}", kernels->isa, i);
      whole.Run(1).ExpectEqual(want.Run(1), name);
      parts.Run(2).ExpectEqual(want.Run(1), name + " parts");
      if (HasFailure()) return;
    }
  }
}

TEST(QuantPicture, VectorBitsEqualScalarAndTheDefinition) {
  Random random(5);
  const float factor[4] = {1, 0.0078125f, 0.5f, 1.25f};
  const float term[4] = {0, -0.99609375f, 3, -100};
  for (int width = 1; width < 70; width += 3) {
    const int channels = 1 + width % 4;
    const std::ptrdiff_t plane = width + 5;
    std::vector<float> in(static_cast<std::size_t>(plane * channels));
    for (float& x : in) x = static_cast<float>(random() % 2560) / 10;
    in[0] = 1e30f;
    const auto run = [&](const KernelTable& kernels) {
      Guarded<std::uint8_t> out(static_cast<std::size_t>(width * kQuantPicturePixel));
      kernels.quant.picture(in.data(), plane, channels, width, factor, term, 0.71f, 37, out.data());
      return out;
    };
    const Guarded<std::uint8_t> want = run(*FindKernels("scalar"));
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < kQuantPicturePixel; ++c) {
        const float v =
            c < channels
                ? std::fma(in[static_cast<std::size_t>(c * plane + x)], factor[c], term[c]) / 0.71f
                : 0;
        ASSERT_EQ(want[static_cast<std::size_t>(x * kQuantPicturePixel + c)],
                  std::clamp(std::nearbyint(double{v}) + 37, 0.0, 255.0));
      }
    }
    for (const KernelTable* kernels : VectorTables()) {
      ExpectSameBytes(run(*kernels), want, fmt::format("{} width {}", kernels->isa, width));
    }
  }
}

}  // namespace
}  // namespace visavis
