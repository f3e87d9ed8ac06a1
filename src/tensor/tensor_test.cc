#include "visavis/tensor.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace visavis {
namespace {

TEST(Tensor, StartsZeroedAndAligned) {
  const Tensor t(DType::kF32, {2, 3});
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(t.raw()) % 64, 0u);
  for (const float v : t.data<float>()) EXPECT_EQ(v, 0.0f);
  EXPECT_EQ(t.size_bytes(), 24u);
  EXPECT_EQ(t.shape().ToString(), "[2,3]");
}

TEST(Tensor, ScalarHasOneElement) { EXPECT_EQ(Tensor(DType::kI64, Shape{}).elements(), 1); }

TEST(CheckedElements, RefusesWhatCannotBeAllocated) {
  constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(CheckedElements({2, 3}, 6).value(), 6);
  EXPECT_EQ(CheckedElements({2, 3}, 5).error().code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(CheckedElements({kHuge, kHuge}, 1 << 30).error().code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(CheckedElements({kHuge, kHuge, 0}, 1 << 30).value(), 0);
  EXPECT_EQ(CheckedElements({2, -1}, 6).error().code, ErrorCode::kCorruptData);
}

}  // namespace
}  // namespace visavis
