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

// Tables are copies of each other; what distinguishes them must not be lost on the way.
TEST(FindKernels, EachInt8TableHasItsOwnProducts) {
  const char* lower[][2] = {
      {"avx_vnni", "avx2"}, {"avx512_vnni", "avx512"}, {"amx", "avx512_bf16"}};
  for (const auto& [isa, below] : lower) {
    const KernelTable* kernels = FindKernels(isa);
    if (kernels == nullptr) continue;
    EXPECT_NE(kernels->quant.conv, FindKernels(below)->quant.conv) << isa;
    EXPECT_NE(kernels->peak_int8, FindKernels(below)->peak_int8) << isa;
  }
}

TEST(FindKernels, RefusesUnknownNames) {
  EXPECT_EQ(FindKernels(""), nullptr);
  EXPECT_EQ(FindKernels("AVX2"), nullptr);
  EXPECT_EQ(FindKernels("avx"), nullptr);
}

TEST(FindKernels, BestIsaRunsHere) { EXPECT_NE(FindKernels(BestIsa()), nullptr); }

TEST(FindKernels, PeakLoopsRunOrAreNull) {
  for (const std::string_view isa : KnownIsas()) {
    const KernelTable* kernels = FindKernels(isa);
    if (kernels == nullptr) continue;
    EXPECT_GT(kernels->peak_f32(1000), 0) << isa;
    for (const auto loop : {kernels->peak_bf16, kernels->peak_int8}) {
      if (loop != nullptr) {
        EXPECT_GT(loop(1000), 0) << isa;
      }
    }
    EXPECT_EQ(kernels->peak_bf16 != nullptr, kernels->fast_bf16) << isa;
    EXPECT_EQ(kernels->peak_int8 != nullptr, isa != "scalar") << isa;
  }
}

}  // namespace
}  // namespace visavis
