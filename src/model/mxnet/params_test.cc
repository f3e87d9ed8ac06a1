#include "model/mxnet/params.h"

#include <gtest/gtest.h>

#include "model/mxnet/test_files.h"

namespace visavis::mxnet {
namespace {

Result<Params> Parse(const Bytes& file, const Limits& limits = {}) {
  return ParseParams(file, "p.params", limits);
}

std::vector<float> Floats(const Params& params, const std::string& name) {
  const auto values = params.at(name)->data<float>();
  return {values.begin(), values.end()};
}

TEST(MxnetParamsTest, ReadsEveryHeaderFormat) {
  for (const ArrayFormat format :
       {ArrayFormat::kV0, ArrayFormat::kV1, ArrayFormat::kV2, ArrayFormat::kV3}) {
    const auto params = Parse(ParamsBuilder()
                                  .Add("arg:w", {2, 3}, {1, 2, 3, 4, 5, 6}, format)
                                  .Add("aux:m", {1}, {-7}, format)
                                  .Build());
    ASSERT_TRUE(params) << params.error().message;
    EXPECT_EQ(params->size(), 2u);
    EXPECT_EQ(params->at("w")->shape(), (Shape{2, 3}));
    EXPECT_EQ(Floats(*params, "w"), (std::vector<float>{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(Floats(*params, "m"), std::vector<float>{-7});
  }
}

TEST(MxnetParamsTest, ShapelessArraysAreEmptyExceptScalarsOfTheThirdFormat) {
  Bytes nothing;
  ParamsBuilder::Put(nothing, std::uint64_t{0x112});
  ParamsBuilder::Put(nothing, std::uint64_t{0});
  ParamsBuilder::Put(nothing, std::uint64_t{1});
  ParamsBuilder::Put(nothing, std::uint32_t{0});  // rank 0 of the first format: nothing follows
  ParamsBuilder::Put(nothing, std::uint64_t{1});
  ParamsBuilder::Put(nothing, std::uint64_t{1});
  nothing.push_back('e');
  const auto empty = Parse(nothing);
  ASSERT_TRUE(empty) << empty.error().message;
  EXPECT_EQ(empty->at("e")->elements(), 0);

  const auto scalar = Parse(ParamsBuilder().Add("s", {}, {4}, ArrayFormat::kV3).Build());
  ASSERT_TRUE(scalar) << scalar.error().message;
  EXPECT_EQ(Floats(*scalar, "s"), std::vector<float>{4});
}

TEST(MxnetParamsTest, FloatingPointTypesBecomeFloat32AndIntegersStay) {
  Bytes half, brain, wide, integers;
  ParamsBuilder::Put(half, std::uint16_t{0x3e00});   // 1.5
  ParamsBuilder::Put(brain, std::uint16_t{0xc020});  // -2.5
  ParamsBuilder::Put(wide, 0.1);
  ParamsBuilder::Put(integers, std::int64_t{1} << 40);
  const auto params = Parse(ParamsBuilder()
                                .AddRaw("half", {1}, 2, half)
                                .AddRaw("brain", {1}, 12, brain)
                                .AddRaw("wide", {1}, 1, wide)
                                .AddRaw("integer", {1}, 6, integers)
                                .Build());
  ASSERT_TRUE(params) << params.error().message;
  EXPECT_EQ(Floats(*params, "half"), std::vector<float>{1.5f});
  EXPECT_EQ(Floats(*params, "brain"), std::vector<float>{-2.5f});
  EXPECT_EQ(Floats(*params, "wide"), std::vector<float>{0.1f});
  EXPECT_EQ(params->at("integer")->data<std::int64_t>()[0], std::int64_t{1} << 40);
}

TEST(MxnetParamsTest, RefusesSparseArraysAndUnknownTypes) {
  const auto sparse =
      Parse(ParamsBuilder().AddRaw("w", {1}, 0, Bytes(4), ArrayFormat::kV2, 1).Build());
  ASSERT_FALSE(sparse);
  EXPECT_EQ(sparse.error().code, ErrorCode::kUnsupported);
  EXPECT_EQ(sparse.error().message, "p.params: array 0: sparse storage 1, want dense (0)");
  const auto unknown = Parse(ParamsBuilder().AddRaw("w", {1}, 99, Bytes(4)).Build());
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kUnsupported);
}

TEST(MxnetParamsTest, AbsurdSizesAreErrorsBeforeAnyAllocation) {
  const std::int64_t huge = std::int64_t{1} << 60;
  const auto overflow = Parse(ParamsBuilder().AddRaw("w", {huge, huge}, 0, Bytes(4)).Build());
  ASSERT_FALSE(overflow);
  EXPECT_EQ(overflow.error().code, ErrorCode::kLimitExceeded);
  // Within the limit, but the file does not hold it.
  const auto claimed = Parse(ParamsBuilder().AddRaw("w", {1 << 29}, 0, Bytes(4)).Build());
  ASSERT_FALSE(claimed);
  EXPECT_EQ(claimed.error().code, ErrorCode::kCorruptData);
  const auto negative = Parse(ParamsBuilder().AddRaw("w", {-1}, 0, Bytes(4)).Build());
  ASSERT_FALSE(negative);
  EXPECT_EQ(negative.error().code, ErrorCode::kCorruptData);
  Limits small;
  small.tensor_elements = 2;
  const auto limited = Parse(ParamsBuilder().Add("w", {3}, {1, 2, 3}).Build(), small);
  ASSERT_FALSE(limited);
  EXPECT_EQ(limited.error().code, ErrorCode::kLimitExceeded);

  Bytes many = ParamsBuilder().Add("w", {1}, {1}).Build();
  std::memset(many.data() + 16, 0xff, 8);  // the count of arrays
  const auto counted = Parse(many);
  ASSERT_FALSE(counted);
  EXPECT_EQ(counted.error().code, ErrorCode::kCorruptData);
}

TEST(MxnetParamsTest, EveryCutIsAnError) {
  const Bytes whole =
      ParamsBuilder().Add("arg:w", {2}, {1, 2}).Add("b", {1}, {3}, ArrayFormat::kV0).Build();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(Parse(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))))
        << size;
  }
  Bytes longer = whole;
  longer.push_back(0);
  EXPECT_FALSE(Parse(longer));
}

TEST(MxnetParamsTest, RefusesTwoArraysOfOneName) {
  const auto twice = Parse(ParamsBuilder().Add("arg:w", {1}, {1}).Add("w", {1}, {2}).Build());
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().message, "p.params: two arrays are named 'w'");
}

}  // namespace
}  // namespace visavis::mxnet
