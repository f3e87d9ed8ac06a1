#include "base/progress.h"

#include <gtest/gtest.h>

namespace visavis {
namespace {

TEST(FormatProgress, ShowsShareRateAndTimeLeft) {
  EXPECT_EQ(FormatProgress("embed", 512, 1024, 85.1, ProgressUnit::kItems),
            "embed  [############............]  512/1024  85.1/s  ETA 0:06");
}

TEST(FormatProgress, BytesInMegabytesAndLongTimesInHours) {
  EXPECT_EQ(FormatProgress("r100.onnx", 1'000'000, 261'036'388, 50'000, ProgressUnit::kBytes),
            "r100.onnx  [........................]  1.0 MB/261.0 MB  50 kB/s  ETA 1:26:41");
}

TEST(FormatProgress, WithoutTotalOrRateThereIsNoBarAndNoGuess) {
  EXPECT_EQ(FormatProgress("scan", 7, 0, 0, ProgressUnit::kItems), "scan  7");
}

TEST(FormatProgress, MoreThanTheTotalStillFits) {
  EXPECT_EQ(FormatProgress("x", 5, 4, 1, ProgressUnit::kItems),
            "x  [########################]  5/4  1.00/s");
}

}  // namespace
}  // namespace visavis
