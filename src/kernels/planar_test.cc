#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/test_tensors.h"

namespace visavis {
namespace {

struct PlanarCase {
  int in_channels;
  int out_channels;
  int rows;
  int width;
  int kernel;
  int stride;
  Activation activation;

  std::string Name() const {
    return fmt::format("{}->{} {}x{} k{} s{}", in_channels, out_channels, rows, width, kernel,
                       stride);
  }
};

std::vector<PlanarCase> AllCases() {
  const int outs[] = {10, 16, 32, 4, 64, 33, 1};
  std::vector<PlanarCase> cases;
  for (int width = 1; width <= 40; ++width) {
    cases.push_back({1 + width % 4, outs[width % 7], 1 + width % 3, width, 1 + width % 3,
                     1 + width % 2, static_cast<Activation>(width % 4)});
  }
  cases.push_back({3, 10, 2, 200, 3, 1, Activation::kPrelu});
  cases.push_back({3, 16, 2, 113, 3, 2, Activation::kRelu});
  cases.push_back({3, 64, 5, 112, 3, 1, Activation::kPrelu});
  cases.push_back({3, 64, 5, 56, 3, 2, Activation::kPrelu});
  return cases;
}

/// A planar-input convolution without padding, to blocked or to planar output.
class PlanarRun {
 public:
  explicit PlanarRun(const PlanarCase& c)
      : c_(c),
        random_(static_cast<unsigned>(c.width)),
        in_rows_((c.rows - 1) * c.stride + c.kernel),
        in_width_((c.width - 1) * c.stride + c.kernel),
        in_(static_cast<std::size_t>(c.in_channels * in_rows_ * in_width_)),
        blocked_(c.out_channels, c.rows, c.width, 1, Store::kF32),
        planar_(static_cast<std::size_t>(c.out_channels * c.rows * c.width)),
        epilogue_(blocked_, c.activation, Residual::kNone, Store::kF32, random_),
        depth_(c.in_channels * c.kernel * c.kernel),
        weights_(RandomFloats(static_cast<std::size_t>(c.out_channels * depth_), random_)) {
    for (std::size_t i = 0; i < in_.size(); ++i) in_[i] = Uniform(random_);
    for (int channel = 0; channel < c.in_channels; ++channel) {
      for (int tap = 0; tap < c.kernel * c.kernel; ++tap) {
        offsets_.push_back((channel * in_rows_ + tap / c.kernel) * in_width_ + tap % c.kernel);
      }
    }
  }

  const BlockedTensor& Stem(const KernelTable& kernels) {
    PlanarConvArgs a = Args();
    a.vectors = GroupVectors(kernels, GroupUse::kStem, blocked_.blocks());
    Guarded<float> packed(PackedStemSize(Shape(), a.vectors));
    PackStem(weights_.data(), Shape(), a.vectors, packed.data());
    a.weights = packed.data();
    a.blocked_out = blocked_.Out();
    const int groups = GroupsOf(blocked_.blocks(), a.vectors);
    kernels.conv_stem(a, 0, groups, 0, c_.rows / 2);
    kernels.conv_stem(a, 0, groups, c_.rows / 2, c_.rows);
    EXPECT_TRUE(packed.intact());
    return blocked_;
  }

  const Guarded<float>& Planar(const KernelTable& kernels) {
    PlanarConvArgs a = Args();
    Guarded<float> packed(PackedPlanarSize(Shape()));
    PackPlanar(weights_.data(), Shape(), packed.data());
    a.weights = packed.data();
    a.planar_out = {planar_.data(), c_.width, std::ptrdiff_t{c_.width} * c_.rows};
    const int groups = PlanarGroupsOf(c_.out_channels);
    kernels.conv_planar(a, 0, groups / 2, 0, c_.rows);
    kernels.conv_planar(a, groups / 2, groups, 0, c_.rows);
    EXPECT_TRUE(packed.intact() && planar_.intact()) << c_.Name();
    return planar_;
  }

  double Naive(int o, int y, int x) const {
    double sum = double{epilogue_.bias[static_cast<std::size_t>(o)]};
    for (int k = 0; k < depth_; ++k) {
      const std::ptrdiff_t at =
          y * c_.stride * in_width_ + x * c_.stride + offsets_[static_cast<std::size_t>(k)];
      sum += double{weights_[static_cast<std::size_t>(o * depth_ + k)]} *
             double{in_[static_cast<std::size_t>(at)]};
    }
    return sum;
  }

 private:
  ConvShape Shape() const { return {c_.out_channels, c_.in_channels, c_.kernel, c_.kernel}; }
  PlanarConvArgs Args() const {
    PlanarConvArgs a;
    a.in = in_.data();
    a.in_row = in_width_;
    a.stride = c_.stride;
    a.depth = depth_;
    a.offsets = offsets_.data();
    a.out_width = c_.width;
    a.out_channels = c_.out_channels;
    a.epilogue = epilogue_.epilogue;
    return a;
  }

  PlanarCase c_;
  Random random_;
  int in_rows_;
  int in_width_;
  Guarded<float> in_;
  BlockedTensor blocked_;
  Guarded<float> planar_;
  TestEpilogue epilogue_;
  int depth_;
  std::vector<float> weights_;
  std::vector<std::ptrdiff_t> offsets_;
};

// At most 36 products of magnitude below 1 in float.
constexpr double kTolerance = 4e-6;

void ExpectNear(const Guarded<float>& got, const Guarded<float>& want, double tolerance,
                const std::string& what) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], want[i], tolerance) << what << " element " << i;
  }
}

TEST(PlanarScalar, EqualsTheDefinition) {
  for (PlanarCase c : AllCases()) {
    c.activation = Activation::kNone;
    PlanarRun run(c);
    const BlockedTensor& stem = run.Stem(*FindKernels("scalar"));
    const Guarded<float>& planar = run.Planar(*FindKernels("scalar"));
    for (int o = 0; o < c.out_channels; ++o) {
      for (int y = 0; y < c.rows; ++y) {
        for (int x = 0; x < c.width; ++x) {
          const double want = run.Naive(o, y, x);
          ASSERT_NEAR(double{stem.Get(o, y, x)}, want, kTolerance) << c.Name();
          ASSERT_NEAR(double{planar[static_cast<std::size_t>((o * c.rows + y) * c.width + x)]},
                      want, kTolerance)
              << c.Name();
        }
      }
    }
  }
}

TEST(PlanarVector, EqualsScalar) {
  for (const KernelTable* kernels : VectorTables()) {
    for (const PlanarCase& c : AllCases()) {
      const std::string name = std::string(kernels->isa) + " " + c.Name();
      PlanarRun want(c);
      PlanarRun got(c);
      ExpectNear(got.Stem(*kernels), want.Stem(*FindKernels("scalar")), kTolerance, name);
      ExpectNear(got.Planar(*kernels), want.Planar(*FindKernels("scalar")), kTolerance, name);
    }
  }
}

struct PoolCase {
  int height;
  int width;
  int kernel;
  int stride;
  int pad;
};

TEST(PlanarVector, MaxPoolEqualsScalar) {
  Random random(5);
  for (const KernelTable* kernels : VectorTables()) {
    for (int width = 2; width <= 60; ++width) {
      for (const PoolCase p :
           {PoolCase{5, width, 2, 2, 0}, PoolCase{7, width, 3, 2, 0}, PoolCase{6, width, 3, 2, 1},
            PoolCase{4, width, 2, 1, 0}, PoolCase{9, width, 3, 3, 1}}) {
        PoolArgs a;
        a.in_height = p.height;
        a.in_width = p.width;
        a.kernel_h = a.kernel_w = p.kernel;
        a.stride = p.stride;
        a.pad_top = a.pad_left = p.pad;
        const auto out_extent = [&](int extent) {  // ceil mode
          return std::max((extent + 2 * p.pad - p.kernel + p.stride - 1) / p.stride + 1, 1);
        };
        int rows = out_extent(p.height);
        a.out_width = out_extent(p.width);
        if ((rows - 1) * p.stride - p.pad >= p.height) --rows;
        if ((a.out_width - 1) * p.stride - p.pad >= p.width) --a.out_width;
        Guarded<float> in(static_cast<std::size_t>(2 * p.height * p.width));
        for (std::size_t i = 0; i < in.size(); ++i) in[i] = Uniform(random);
        Guarded<float> want(static_cast<std::size_t>(2 * rows * a.out_width));
        Guarded<float> got(want.size());
        const PlanarIn view{in.data(), p.width, std::ptrdiff_t{p.width} * p.height};
        const std::ptrdiff_t plane = std::ptrdiff_t{a.out_width} * rows;
        FindKernels("scalar")->max_pool_planar(a, view, {want.data(), a.out_width, plane}, 2, 0,
                                               rows);
        kernels->max_pool_planar(a, view, {got.data(), a.out_width, plane}, 2, 0, rows);
        ExpectNear(got, want, 0,
                   fmt::format("{} pool width {} k{}", kernels->isa, width, p.kernel));
        EXPECT_TRUE(got.intact() && want.intact());
      }
    }
  }
}

}  // namespace
}  // namespace visavis
