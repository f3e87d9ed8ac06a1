#include <fmt/format.h>
#include <gtest/gtest.h>

#include "kernels/test_tensors.h"

namespace visavis {
namespace {

struct DepthwiseCase {
  int channels;
  int rows;
  int width;
  int kernel;
  int stride;
  Activation activation;
  Residual residual;
  Store in;
  Store out;

  std::string Name() const {
    return fmt::format("{} channels {}x{} k{} s{} stores {} {}", channels, rows, width, kernel,
                       stride, static_cast<int>(in), static_cast<int>(out));
  }
};

std::vector<DepthwiseCase> AllCases() {
  const int kernels[] = {3, 3, 5, 7};
  const Store stores[] = {Store::kF32, Store::kBf16};
  std::vector<DepthwiseCase> cases;
  for (int width = 1; width <= 40; ++width) {
    for (int stride = 1; stride <= 3; ++stride) {
      cases.push_back({7 + width % 3 * 16, 1 + width % 3, width, kernels[(width + stride) % 4],
                       stride, static_cast<Activation>(width % 4), static_cast<Residual>(width % 3),
                       stores[width / 2 % 2], stores[width / 3 % 2]});
    }
  }
  return cases;
}

class DepthwiseRun {
 public:
  explicit DepthwiseRun(const DepthwiseCase& c)
      : c_(c),
        random_(static_cast<unsigned>(c.width * 3 + c.stride)),
        in_(c.channels, (c.rows - 1) * c.stride + 1, (c.width - 1) * c.stride + 1, c.kernel / 2,
            c.in),
        out_(c.channels, c.rows, c.width, 1, c.out),
        epilogue_(out_, c.activation, c.residual, c.out, random_),
        weights_(RandomFloats(static_cast<std::size_t>(c.channels * c.kernel * c.kernel), random_)),
        packed_(PackedDepthwiseSize(c.channels, c.kernel * c.kernel)) {
    in_.FillRandom(random_);
    PackDepthwise(weights_.data(), c.channels, c.kernel * c.kernel, packed_.data());
  }

  const BlockedTensor& Run(const KernelTable& kernels, int parts) {
    DepthwiseArgs a;
    a.in = in_.In(-(c_.kernel / 2), -(c_.kernel / 2));
    a.out = out_.Out();
    a.out_width = c_.width;
    a.stride = c_.stride;
    a.kernel_h = a.kernel_w = c_.kernel;
    a.weights = packed_.data();
    a.epilogue = epilogue_.epilogue;
    for (int i = 0; i < parts; ++i) {
      for (int j = 0; j < parts; ++j) {
        kernels.depthwise(a, out_.blocks() * i / parts, out_.blocks() * (i + 1) / parts,
                          c_.rows * j / parts, c_.rows * (j + 1) / parts);
      }
    }
    return out_;
  }

  double Naive(int channel, int y, int x) const {
    double sum = 0;
    for (int tap = 0; tap < c_.kernel * c_.kernel; ++tap) {
      sum += double{weights_[static_cast<std::size_t>(channel * c_.kernel * c_.kernel + tap)]} *
             double{in_.Get(channel, y * c_.stride + tap / c_.kernel - c_.kernel / 2,
                            x * c_.stride + tap % c_.kernel - c_.kernel / 2)};
    }
    return sum;
  }
  double Bias(int channel) const {
    return double{epilogue_.bias[static_cast<std::size_t>(channel)]};
  }

 private:
  DepthwiseCase c_;
  Random random_;
  BlockedTensor in_;
  BlockedTensor out_;
  TestEpilogue epilogue_;
  std::vector<float> weights_;
  Guarded<float> packed_;
};

// 49 products of magnitude below 1: float sums stay within 49 units of 2^-24 of a sum below 16.
constexpr double kTolerance = 1e-5;
// One unit in the last place of a bf16 below 16.
constexpr double kBf16StoreTolerance = 1.0 / 16;

TEST(DepthwiseScalar, EqualsTheDefinition) {
  for (DepthwiseCase c : AllCases()) {
    c.activation = Activation::kNone;
    c.residual = Residual::kNone;
    c.out = Store::kF32;
    DepthwiseRun run(c);
    const BlockedTensor& got = run.Run(*FindKernels("scalar"), 1);
    for (int channel = 0; channel < c.channels; ++channel) {
      for (int y = 0; y < c.rows; ++y) {
        for (int x = 0; x < c.width; ++x) {
          ASSERT_NEAR(double{got.Get(channel, y, x)}, run.Naive(channel, y, x) + run.Bias(channel),
                      kTolerance)
              << c.Name();
        }
      }
    }
  }
}

TEST(DepthwiseVector, EqualsScalar) {
  for (const KernelTable* kernels : VectorTables()) {
    for (const DepthwiseCase& c : AllCases()) {
      DepthwiseRun want(c);
      DepthwiseRun got(c);
      ExpectNear(got.Run(*kernels, 1), want.Run(*FindKernels("scalar"), 1),
                 c.out == Store::kF32 ? kTolerance : kBf16StoreTolerance,
                 std::string(kernels->isa) + " " + c.Name());
    }
  }
}

TEST(DepthwiseEveryIsa, PartsDoNotChangeBits) {
  for (const std::string_view isa : KnownIsas()) {
    if (FindKernels(isa) == nullptr) continue;
    for (const DepthwiseCase& c : AllCases()) {
      if (c.width % 5 != 0) continue;
      DepthwiseRun whole(c);
      DepthwiseRun parts(c);
      ExpectNear(parts.Run(*FindKernels(isa), 3), whole.Run(*FindKernels(isa), 1), 0,
                 std::string(isa) + " " + c.Name());
    }
  }
}

}  // namespace
}  // namespace visavis
