#include <gtest/gtest.h>

#include <string_view>

#include "kernels/kernels.h"

namespace visavis {
namespace {

TEST(FindKernels, ForcedIsaIsTheOneThatRuns) {
  for (const std::string_view isa : KnownIsas()) {
    const KernelTable* kernels = FindKernels(isa);
    if (kernels == nullptr) continue;
    EXPECT_EQ(isa, kernels->isa);
    const KernelTable* scalar = FindKernels("scalar");
    if (kernels == scalar) continue;
    // A table that silently kept the portable kernels would still give right results.
    EXPECT_NE(kernels->conv_f32, scalar->conv_f32) << isa;
    EXPECT_NE(kernels->winograd_output_f32, scalar->winograd_output_f32) << isa;
    EXPECT_NE(kernels->depthwise, scalar->depthwise) << isa;
    EXPECT_NE(kernels->fc_f32, scalar->fc_f32) << isa;
    EXPECT_NE(kernels->quant.conv, scalar->quant.conv) << isa;
    EXPECT_NE(kernels->quant.depthwise, scalar->quant.depthwise) << isa;
    EXPECT_EQ(kernels->fast_bf16, kernels->conv_bf16 != scalar->conv_bf16) << isa;
  }
}

TEST(FindKernels, RefusesUnknownNames) {
  EXPECT_EQ(FindKernels(""), nullptr);
  EXPECT_EQ(FindKernels("AVX2"), nullptr);
  EXPECT_EQ(FindKernels("avx"), nullptr);
}

TEST(FindKernels, BestIsaRunsHere) {
  const KernelTable* best = FindKernels(BestIsa());
  ASSERT_NE(best, nullptr);
  EXPECT_GT(best->peak_f32(1000), 0);
}

}  // namespace
}  // namespace visavis
