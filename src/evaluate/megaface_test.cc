#include "evaluate/megaface.h"

#include <gtest/gtest.h>

namespace visavis {
namespace {

std::vector<std::uint8_t> File(std::vector<std::uint32_t> words) {
  std::vector<std::uint8_t> bytes;
  for (const std::uint32_t word : words) {
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<std::uint8_t>(word >> (8 * i)));
  }
  return bytes;
}

TEST(MegaFace, ReadsAFeature) {
  const auto values = ParseMegaFaceFeature(File({2, 1, 4, 5, 0x3f800000, 0xc0000000}), "f");
  ASSERT_TRUE(values) << values.error().message;
  EXPECT_EQ(*values, (std::vector<float>{1, -2}));
  EXPECT_FALSE(ParseMegaFaceFeature(File({2, 1, 4, 5, 0}), "f"));
  EXPECT_FALSE(ParseMegaFaceFeature(File({2, 1, 4, 6, 0, 0}), "f"));
  EXPECT_FALSE(ParseMegaFaceFeature(File({0xffffffff, 1, 4, 5}), "f"));
  EXPECT_FALSE(ParseMegaFaceFeature({}, "f"));
}

TEST(MegaFace, RankOneAmongDistractors) {
  // Two images of person 0 at 0 and 10 degrees, of person 1 at 90 and 130; a distractor at 100.
  const std::vector<float> rows = {1, 0,        0.9848f, 0.1736f,  0,
                                   1, -0.6428f, 0.7660f, -0.1736f, 0.9848f};
  const std::vector<std::int32_t> people = {0, 0, 1, 1, -1};
  const auto report = MeasureMegaFace({rows, 2}, people, nullptr);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->mated, 4);
  EXPECT_DOUBLE_EQ(report->rank1.value, 0.5);  // person 1's mates are behind the distractor
  EXPECT_FALSE(MeasureMegaFace({rows, 2}, std::vector<std::int32_t>{0, 1, 2, 3, -1}, nullptr));
  EXPECT_FALSE(MeasureMegaFace({rows, 2}, std::vector<std::int32_t>{0, 0, 1, 1, 1}, nullptr));
}

}  // namespace
}  // namespace visavis
