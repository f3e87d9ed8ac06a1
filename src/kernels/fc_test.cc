#include <fmt/format.h>
#include <gtest/gtest.h>

#include "kernels/test_tensors.h"

namespace visavis {
namespace {

struct FcCase {
  int batch;
  int depth;
  int out_channels;
  Activation activation;
};

std::vector<FcCase> AllCases() {
  std::vector<FcCase> cases;
  const int depths[] = {2, 64, 1024, 1026, 3000, 578};
  const int outs[] = {1, 2, 10, 64, 65, 128, 130, 200};
  for (int i = 0; i < 16; ++i) {
    cases.push_back({1 + i % 9, depths[i % 6], outs[i % 8], static_cast<Activation>(i % 4)});
  }
  return cases;
}

std::vector<float> RunFc(const KernelTable& kernels, const FcCase& c, bool bf16, int batch) {
  Random random(static_cast<unsigned>(c.depth));
  const auto depth = static_cast<std::size_t>(c.depth);
  const auto outs = static_cast<std::size_t>(c.out_channels);
  std::vector<float> weights = RandomFloats(outs * depth, random);
  for (float& w : weights) w /= std::sqrt(static_cast<float>(c.depth));
  const std::vector<float> in = RandomFloats(9 * depth, random);
  const std::vector<float> bias = RandomFloats(outs, random);
  const std::vector<float> slope = RandomFloats(outs, random);
  Guarded<float> packed(bf16 ? 0 : PackedFcSize(c.out_channels, c.depth));
  Guarded<std::uint16_t> packed_half(bf16 ? PackedFcSize(c.out_channels, c.depth) : 0);
  Guarded<std::uint16_t> in_half(in.size());
  for (std::size_t i = 0; i < in.size(); ++i) in_half[i] = FloatToBf16(in[i]);
  Guarded<float> out(outs * static_cast<std::size_t>(batch));
  FcArgs a;
  a.in_row = c.depth;
  a.batch = batch;
  a.depth = c.depth;
  a.out_channels = c.out_channels;
  a.out = out.data();
  a.out_row = c.out_channels;
  a.epilogue = {bias.data(), c.activation, slope.data(), -0.25f, 0.5f, Residual::kNone, {}};
  if (bf16) {
    PackFcBf16(weights.data(), c.out_channels, c.depth, packed_half.data());
    a.weights = packed_half.data();
    a.in = in_half.data();
  } else {
    PackFc(weights.data(), c.out_channels, c.depth, packed.data());
    a.weights = packed.data();
    a.in = in.data();
  }
  const int groups = FcGroupsOf(c.out_channels);
  const auto fc = bf16 ? kernels.fc_bf16 : kernels.fc_f32;
  fc(a, 0, groups / 2);
  fc(a, groups / 2, groups);
  EXPECT_TRUE(out.intact() && packed.intact() && packed_half.intact());
  return {out.data(), out.data() + out.size()};
}

// 3000 products of magnitude 1 / sqrt(3000), summed in pieces of 1024.
constexpr double kTolerance = 3e-6;

TEST(FcVector, EqualsScalar) {
  for (const KernelTable* kernels : VectorTables()) {
    for (const FcCase& c : AllCases()) {
      for (const bool bf16 : {false, true}) {
        const std::vector<float> want = RunFc(*FindKernels("scalar"), c, bf16, c.batch);
        const std::vector<float> got = RunFc(*kernels, c, bf16, c.batch);
        for (std::size_t i = 0; i < want.size(); ++i) {
          ASSERT_NEAR(got[i], want[i], kTolerance) << fmt::format(
              "{} {}->{} batch {} bf16 {}", kernels->isa, c.depth, c.out_channels, c.batch, bf16);
        }
      }
    }
  }
}

TEST(FcScalar, EqualsTheDefinition) {
  // Weight (o, k) = o + 1 where k = o, else 0: the output is the scaled input.
  constexpr int kDepth = 70;
  std::vector<float> weights(kDepth * kDepth);
  std::vector<float> in(kDepth);
  for (int o = 0; o < kDepth; ++o) {
    weights[static_cast<std::size_t>(o * kDepth + o)] = static_cast<float>(o + 1);
    in[static_cast<std::size_t>(o)] = static_cast<float>(o % 7 - 3);
  }
  std::vector<float> packed(PackedFcSize(kDepth, kDepth));
  PackFc(weights.data(), kDepth, kDepth, packed.data());
  std::vector<float> out(kDepth);
  FcArgs a;
  a.in = in.data();
  a.depth = kDepth;
  a.weights = packed.data();
  a.out_channels = kDepth;
  a.out = out.data();
  FindKernels("scalar")->fc_f32(a, 0, FcGroupsOf(kDepth));
  for (int o = 0; o < kDepth; ++o) {
    EXPECT_EQ(out[static_cast<std::size_t>(o)], static_cast<float>((o + 1) * (o % 7 - 3)));
  }
}

TEST(FcEveryIsa, BatchDoesNotChangeBits) {
  for (const std::string_view isa : KnownIsas()) {
    const KernelTable* kernels = FindKernels(isa);
    if (kernels == nullptr) continue;
    for (const FcCase& c : AllCases()) {
      const std::vector<float> all = RunFc(*kernels, c, false, 9);
      const std::vector<float> one = RunFc(*kernels, c, false, 1);
      for (std::size_t i = 0; i < one.size(); ++i) ASSERT_EQ(one[i], all[i]) << isa;
    }
  }
}

}  // namespace
}  // namespace visavis
