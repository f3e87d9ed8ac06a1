#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "kernels/test_tensors.h"

namespace visavis {
namespace {

/// Calls check(table) for every instruction set of this machine, the portable one included.
template <typename Check>
void ForEachTable(const Check& check) {
  check(*FindKernels("scalar"));
  for (const KernelTable* kernels : VectorTables()) check(*kernels);
}

TEST(Affine, ScalesShiftsActivatesAndAdds) {
  ForEachTable([](const KernelTable& kernels) {
    Random random(1);
    for (int width = 1; width <= 19; ++width) {
      BlockedTensor in(33, 3, width, 1, Store::kF32);
      BlockedTensor out(33, 3, width, 1, Store::kF32);
      in.FillRandom(random);
      BlockedTensor want = out;
      TestEpilogue e(out, static_cast<Activation>(width % 4), static_cast<Residual>(width % 3),
                     Store::kF32, random);
      const std::vector<float> scale = RandomFloats(48, random);
      kernels.affine(in.In(), out.Out(), in.blocks(), 3, width, scale.data(), e.epilogue);
      FindKernels("scalar")->affine(in.In(), want.Out(), in.blocks(), 3, width, scale.data(),
                                    e.epilogue);
      ExpectNear(out, want, 1e-6, kernels.isa);  // a fused multiply-add rounds once
    }
  });
}

TEST(Upsample2, RepeatsPixelsAndAdds) {
  ForEachTable([](const KernelTable& kernels) {
    Random random(2);
    for (int width = 1; width <= 21; ++width) {
      BlockedTensor in(20, 3, (width + 1) / 2, 0, Store::kF32);
      BlockedTensor out(20, 5, width, 1, Store::kF32);
      BlockedTensor addend(20, 5, width, 0, Store::kF32);
      in.FillRandom(random);
      addend.FillRandom(random);
      Epilogue e;
      e.residual = Residual::kBeforeActivation;
      e.addend = addend.In();
      BlockedTensor want = out;
      for (int c = 0; c < 32; ++c) {
        for (int y = 0; y < 5; ++y) {
          for (int x = 0; x < width; ++x) {
            want.Set(c, y, x, in.Get(c, y / 2, x / 2) + addend.Get(c, y, x));
          }
        }
      }
      kernels.upsample2(in.In(), out.Out(), 2, 5, width, e);
      ExpectNear(out, want, 0, kernels.isa);
    }
  });
}

TEST(MaxPoolBlocked, TakesTheLargestOfTheWindow) {
  ForEachTable([](const KernelTable& kernels) {
    Random random(3);
    for (const Store store : {Store::kF32, Store::kBf16}) {
      for (int width = 2; width <= 17; ++width) {
        const int out_width = (width + 1) / 2;  // 3x3 stride 2 pad 1
        BlockedTensor in(17, 6, width, 0, store);
        BlockedTensor out(17, 3, out_width, 1, store);
        in.FillRandom(random);
        BlockedTensor want = out;
        for (int c = 0; c < 32; ++c) {
          for (int y = 0; y < 3; ++y) {
            for (int x = 0; x < out_width; ++x) {
              float best = -2;
              for (int iy = std::max(2 * y - 1, 0); iy < std::min(2 * y + 2, 6); ++iy) {
                for (int ix = std::max(2 * x - 1, 0); ix < std::min(2 * x + 2, width); ++ix) {
                  best = std::max(best, in.Get(c, iy, ix));
                }
              }
              want.Set(c, y, x, best);
            }
          }
        }
        PoolArgs a{6, width, out_width, 3, 3, 2, 1, 1};
        kernels.max_pool_blocked(a, in.In(), out.Out(), 2, 0, 2);
        kernels.max_pool_blocked(a, in.In(), out.Out(), 2, 2, 3);
        ExpectNear(out, want, 0, kernels.isa);
      }
    }
  });
}

TEST(AveragePoolBlocked, EqualsScalar) {
  const KernelTable& scalar = *FindKernels("scalar");
  ForEachTable([&](const KernelTable& kernels) {
    Random random(5);
    for (const Store store : {Store::kF32, Store::kBf16}) {
      for (int width = 2; width <= 23; ++width) {
        for (const PoolArgs& a : {PoolArgs{6, width, width / 2, 2, 2, 2},
                                  PoolArgs{6, width, (width + 1) / 2, 3, 3, 2, 1, 1, 1, 1, true},
                                  PoolArgs{6, width, (width + 1) / 2, 3, 3, 2, 1, 1, 1, 1, false},
                                  PoolArgs{6, width, (width + 1) / 2, 2, 2, 2, 0, 0, 0, 1, true},
                                  PoolArgs{6, width, (width + 1) / 2, 3, 3, 2, 0, 0, 0, 0, true}}) {
          BlockedTensor in(17, 6, width, 0, store);
          BlockedTensor out(17, 3, a.out_width, 1, store);
          in.FillRandom(random);
          BlockedTensor want = out;
          scalar.average_pool_blocked(a, in.In(), want.Out(), 2, 0, 3);
          kernels.average_pool_blocked(a, in.In(), out.Out(), 2, 0, 2);
          kernels.average_pool_blocked(a, in.In(), out.Out(), 2, 2, 3);
          ExpectNear(out, want, 0, kernels.isa);
        }
      }
    }
  });
}

TEST(AveragePoolBlocked, DividesByWhatIsCounted) {
  BlockedTensor in(16, 2, 2, 0, Store::kF32);
  BlockedTensor out(16, 1, 1, 0, Store::kF32);
  for (int y = 0; y < 2; ++y) {
    for (int x = 0; x < 2; ++x) in.Set(0, y, x, 3);
  }
  PoolArgs a{2, 2, 1, 3, 3, 2, 1, 1, 0, 0, false};
  const auto mean = [&] {
    FindKernels("scalar")->average_pool_blocked(a, in.In(), out.Out(), 1, 0, 1);
    return out.Get(0, 0, 0);
  };
  EXPECT_FLOAT_EQ(mean(), 3);
  a.count_padding = true;  // 4 of 9 positions are in the picture
  EXPECT_FLOAT_EQ(mean(), 12.0f / 9);
  a.pad_top = a.pad_left = 0;  // what lies behind picture and padding never counts
  EXPECT_FLOAT_EQ(mean(), 3);
}

TEST(Layout, PlanarToBlockedAndBackIsTheSame) {
  ForEachTable([](const KernelTable& kernels) {
    Random random(4);
    for (const int channels : {1, 3, 16, 20, 48}) {
      for (int width = 1; width <= 18; ++width) {
        Guarded<float> planar(static_cast<std::size_t>(channels * 2 * width));
        for (std::size_t i = 0; i < planar.size(); ++i) planar[i] = Uniform(random);
        Guarded<float> back(planar.size());
        BlockedTensor blocked(channels, 2, width, 1, Store::kF32);
        BlockedTensor want = blocked;
        for (int c = 0; c < want.blocks() * kLanes; ++c) {
          for (int y = 0; y < 2; ++y) {
            for (int x = 0; x < width; ++x) {
              const auto at = static_cast<std::size_t>((c * 2 + y) * width + x);
              want.Set(c, y, x, c < channels ? planar[at] : 0);
            }
          }
        }
        kernels.planar_to_blocked({planar.data(), width, 2 * width}, blocked.Out(), channels, 2,
                                  width);
        ExpectNear(blocked, want, 0, kernels.isa);
        kernels.blocked_to_planar(blocked.In(), {back.data(), width, 2 * width}, channels, 2,
                                  width);
        for (std::size_t i = 0; i < planar.size(); ++i) ASSERT_EQ(back[i], planar[i]);
        EXPECT_TRUE(back.intact());
      }
    }
  });
}

TEST(Layout, FillBorderTouchesOnlyTheBorder) {
  ForEachTable([](const KernelTable& kernels) {
    for (const Store store : {Store::kF32, Store::kBf16}) {
      BlockedTensor tensor(20, 3, 4, 2, store);
      std::vector<float> values(32);
      for (std::size_t c = 0; c < 32; ++c) values[c] = static_cast<float>(c);
      BlockedTensor want = tensor;
      for (int c = 0; c < 32; ++c) {
        for (int y = -1; y < 5; ++y) {
          for (int x = -2; x < 5; ++x) {
            const bool inside = y >= 0 && y < 3 && x >= 0 && x < 4;
            if (!inside) want.Set(c, y, x, static_cast<float>(c));
          }
        }
      }
      kernels.fill_border_blocked(tensor.Out(), 2, 3, 4, {1, 2, 2, 1}, values.data());
      ExpectNear(tensor, want, 0, kernels.isa);
    }
  });
}

TEST(RgbToPlanar, EqualsTheFormulaBitForBit) {
  ForEachTable([](const KernelTable& kernels) {
    Random random(6);
    const float mean[] = {127.5f, 100.25f, 3};
    const float scale[] = {1 / 128.0f, 0.017f, 1};
    for (int width = 1; width <= 50; ++width) {
      Guarded<std::uint8_t> rgb(static_cast<std::size_t>(2 * 3 * width));
      for (std::size_t i = 0; i < rgb.size(); ++i) rgb[i] = static_cast<std::uint8_t>(random());
      for (const bool reversed : {false, true}) {
        const int order[] = {reversed ? 2 : 0, 1, reversed ? 0 : 2};
        Guarded<float> out(rgb.size());
        kernels.rgb_to_planar(rgb.data(), 3 * width, {out.data(), width, 2 * width}, 2, width,
                              order, mean, scale);
        for (int c = 0; c < 3; ++c) {
          for (int i = 0; i < 2 * width; ++i) {
            const float byte = rgb[static_cast<std::size_t>(3 * i + order[c])];
            ASSERT_EQ(out[static_cast<std::size_t>(c * 2 * width + i)], (byte - mean[c]) * scale[c])
                << kernels.isa << " width " << width;
          }
        }
        EXPECT_TRUE(out.intact());
      }
    }
  });
}

TEST(Sigmoid, EqualsTheFormula) {
  ForEachTable([](const KernelTable& kernels) {
    for (std::size_t count = 1; count <= 40; ++count) {
      Guarded<float> in(count);
      Guarded<float> out(count);
      for (std::size_t i = 0; i < count; ++i) in[i] = static_cast<float>(i * 7 % 41) - 20;
      in[0] = count % 2 == 0 ? 1000.0f : -1000.0f;
      kernels.sigmoid(in.data(), out.data(), count);
      for (std::size_t i = 0; i < count; ++i) {
        // The polynomial's stated error is 2 units in the last place.
        ASSERT_NEAR(double{out[i]}, 1 / (1 + std::exp(-double{in[i]})), 3e-7) << kernels.isa;
      }
      EXPECT_TRUE(out.intact());
    }
  });
}

TEST(Bf16, ConvertsToNearestEvenAndBack) {
  ForEachTable([](const KernelTable& kernels) {
    Random random(7);
    for (std::size_t count = 1; count <= 40; ++count) {
      Guarded<float> in(count);
      Guarded<std::uint16_t> half(count);
      Guarded<float> back(count);
      for (std::size_t i = 0; i < count; ++i) in[i] = Uniform(random) * 1000;
      in[0] = 1 + 1.0f / 256;  // halfway between two bf16; the even one is 1
      if (count > 1) in[1] = 1 + 3.0f / 256;
      if (count > 2) in[2] = -std::numeric_limits<float>::infinity();
      if (count > 3) in[3] = std::numeric_limits<float>::quiet_NaN();
      kernels.f32_to_bf16(in.data(), half.data(), count);
      kernels.bf16_to_f32(half.data(), back.data(), count);
      EXPECT_EQ(back[0], 1.0f) << kernels.isa;
      if (count > 1) {
        EXPECT_EQ(back[1], 1 + 4.0f / 256) << kernels.isa;
      }
      for (std::size_t i = 0; i < count; ++i) {
        if (std::isnan(in[i])) {
          EXPECT_TRUE(std::isnan(back[i])) << kernels.isa;
        } else {
          ASSERT_EQ(half[i], FloatToBf16(in[i])) << kernels.isa << " " << in[i];
        }
      }
      EXPECT_TRUE(half.intact() && back.intact());
    }
  });
}

}  // namespace
}  // namespace visavis
