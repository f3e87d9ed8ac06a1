#include "runtime/fast/cost.h"

#include <gtest/gtest.h>

namespace visavis {
namespace {

KernelTable WideTable() {
  KernelTable table;
  table.vector_registers = 32;
  return table;
}

CostModel LargeNetwork(bool low_memory = false) {
  return MakeCostModel(WideTable(), Precision::kFp32, low_memory, 260e6);
}

int WinogradOf(int in, int out, int side, const CostModel& model) {
  return ChooseAlgorithm(ConvWork{in, out, 9, side, side, true}, model).winograd_m;
}

// The layers of LResNet100E-IR, where these were the fastest by measurement.
TEST(Cost, ChoosesWhatWasMeasuredFastest) {
  const CostModel model = LargeNetwork();
  EXPECT_EQ(WinogradOf(64, 64, 112, model), 4);
  EXPECT_EQ(WinogradOf(64, 64, 56, model), 4);
  EXPECT_EQ(WinogradOf(128, 128, 28, model), 4);
  EXPECT_EQ(WinogradOf(256, 256, 14, model), 3);
  EXPECT_EQ(WinogradOf(256, 512, 14, model), 3);
  EXPECT_EQ(WinogradOf(512, 512, 7, model), 2);
}

TEST(Cost, StridedAndPointwiseLayersAreDirect) {
  const ConvWork strided{64, 64, 9, 56, 56, false};
  EXPECT_EQ(ChooseAlgorithm(strided, LargeNetwork()), (ConvAlgorithm{0, false, false}));
}

// The estimate for a layer is within a fifth of its time on the machine of the constants.
TEST(Cost, EstimatesMeasuredTimes) {
  const CostModel model = LargeNetwork();
  const auto estimate_ms = [&](int channels, int side, int m) {
    return 1e3 * EstimateSeconds(ConvWork{channels, channels, 9, side, side, true},
                                 ConvAlgorithm{m, false, false}, model);
  };
  EXPECT_NEAR(estimate_ms(64, 112, 0), 3.45, 0.35);
  EXPECT_NEAR(estimate_ms(128, 28, 4), 0.252, 0.05);
  EXPECT_NEAR(estimate_ms(256, 14, 3), 0.343, 0.06);
}

TEST(Cost, LowMemoryTransformsOnTheFly) {
  const CostModel model = LargeNetwork(true);
  const ConvAlgorithm chosen = ChooseAlgorithm(ConvWork{256, 256, 9, 14, 14, true}, model);
  EXPECT_TRUE(chosen.raw);
  EXPECT_NE(chosen.winograd_m, 0);
}

TEST(Cost, MatrixTilesTakeWhatTheyAreFasterAt) {
  KernelTable table = WideTable();
  table.fast_tiles = true;
  const CostModel bf16 = MakeCostModel(table, Precision::kBf16, false, 260e6);
  const ConvAlgorithm tiles{.bf16 = true, .tiles = true};
  EXPECT_EQ(ChooseAlgorithm(ConvWork{256, 256, 9, 14, 14, true, true}, bf16), tiles);
  EXPECT_EQ(ChooseAlgorithm(ConvWork{64, 128, 1, 28, 28, false, true}, bf16), tiles);
  EXPECT_FALSE(ChooseAlgorithm(ConvWork{64, 64, 9, 28, 28, false, false}, bf16).tiles);
  const CostModel high = MakeCostModel(table, Precision::kFp32High, false, 260e6);
  const ConvAlgorithm split{.tiles = true};
  EXPECT_EQ(ChooseAlgorithm(ConvWork{256, 256, 9, 14, 14, true, true}, high), split);
  // Gathering and finishing a few channels of many pixels take longer than multiplying them.
  EXPECT_FALSE(ChooseAlgorithm(ConvWork{16, 16, 1, 240, 320, false, true}, high).tiles);
  const CostModel fp32 = MakeCostModel(table, Precision::kFp32, false, 260e6);
  EXPECT_FALSE(ChooseAlgorithm(ConvWork{256, 256, 9, 14, 14, true, true}, fp32).tiles);
}

// The vector kernels of a processor with tiles have constants of their own.
TEST(Cost, EstimatesMeasuredTimesBesideTiles) {
  KernelTable table = WideTable();
  table.fast_tiles = true;
  const CostModel model = MakeCostModel(table, Precision::kFp32, false, 260e6);
  const auto estimate_ms = [&](int channels, int side, int m) {
    return 1e3 * EstimateSeconds(ConvWork{channels, channels, 9, side, side, true},
                                 ConvAlgorithm{m, false, false}, model);
  };
  EXPECT_NEAR(estimate_ms(128, 28, 4), 0.45, 0.09);
  EXPECT_NEAR(estimate_ms(256, 14, 3), 0.67, 0.09);
  EXPECT_NEAR(estimate_ms(512, 7, 2), 1.40, 0.2);
  EXPECT_EQ(WinogradOf(64, 64, 112, model), 4);
  EXPECT_EQ(WinogradOf(256, 256, 14, model), 3);
  EXPECT_EQ(WinogradOf(512, 512, 7, model), 2);
  const CostModel low = MakeCostModel(table, Precision::kFp32, true, 260e6);
  EXPECT_EQ(WinogradOf(128, 128, 28, low), 4);
  EXPECT_EQ(WinogradOf(256, 256, 14, low), 3);
  EXPECT_EQ(WinogradOf(512, 512, 7, low), 0);
}

KernelTable TableOfBf16(bool tiles) {
  KernelTable table = WideTable();
  table.fast_bf16 = true;
  table.fast_tiles = tiles;
  return table;
}

ConvWork Square(int in, int out, int side, int stride, int kernel = 3) {
  const bool winograd = kernel == 3 && stride == 1;
  return ConvWork{in, out, kernel * kernel, side, side, winograd, true};
}

// In milliseconds, of a convolution in bf16 and in int8, measured on the machine of the constants.
TEST(Cost, EstimatesMeasuredTimesOfBf16AndInt8) {
  const CostModel model = MakeCostModel(TableOfBf16(false), Precision::kBf16, false, 260e6);
  struct Measured {
    ConvWork work;
    double bf16, int8;
  };
  for (const Measured& m :
       {Measured{Square(64, 64, 112, 1), 0.66, 0.92}, Measured{Square(64, 64, 56, 1), 0.178, 0.229},
        Measured{Square(128, 128, 28, 1), 0.140, 0.224},
        Measured{Square(256, 256, 14, 1), 0.173, 0.223},
        Measured{Square(128, 128, 28, 2), 0.45, 0.224},
        Measured{Square(512, 512, 7, 1), 0.31, 0.227}}) {
    const ConvAlgorithm best = ChooseAlgorithm(m.work, model);
    const double bf16 = 1e3 * EstimateSeconds(m.work, best, model);
    const double int8 = 1e3 * EstimateInt8Seconds(m.work, model);
    EXPECT_NEAR(bf16 / m.bf16, 1, 0.35) << m.work.in_channels << " " << m.work.out_height;
    EXPECT_NEAR(int8 / m.int8, 1, 0.1) << m.work.in_channels << " " << m.work.out_height;
    EXPECT_EQ(bf16 < int8, m.bf16 < m.int8) << m.work.in_channels << " " << m.work.out_height;
  }
}

TEST(Cost, TilesMultiplyBytesFasterThanBf16) {
  const CostModel model = MakeCostModel(TableOfBf16(true), Precision::kBf16, false, 260e6);
  for (const ConvWork& work :
       {Square(64, 64, 112, 1), Square(64, 64, 56, 2), Square(256, 256, 14, 1),
        Square(512, 512, 7, 1), Square(24, 24, 80, 1), Square(64, 128, 28, 1, 1)}) {
    const ConvAlgorithm best = ChooseAlgorithm(work, model);
    EXPECT_LT(EstimateInt8Seconds(work, model), EstimateSeconds(work, best, model))
        << work.in_channels << " " << work.out_height;
  }
}

TEST(Cost, NamesTellTheAlgorithm) {
  EXPECT_EQ(Name(ConvAlgorithm{0, false, false}), "direct");
  EXPECT_EQ(Name(ConvAlgorithm{4, true, false}), "winograd F(4x4) raw");
  EXPECT_EQ(Name(ConvAlgorithm{3, false, true}), "winograd F(3x3) bf16");
  EXPECT_EQ(Name(ConvAlgorithm{.bf16 = true, .tiles = true}), "tiles bf16");
  EXPECT_EQ(Name(ConvAlgorithm{.tiles = true}), "tiles split");
}

}  // namespace
}  // namespace visavis
