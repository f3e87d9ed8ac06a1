#include "decode/orientation.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "image/test_picture.h"

namespace visavis {
namespace {

using Bytes = std::vector<std::uint8_t>;

// A TIFF header and a directory with one filler entry and the orientation tag.
Bytes MakeExif(bool big_endian, std::uint32_t value, std::uint32_t type = 3,
               std::uint32_t count = 1, std::uint32_t directory = 8) {
  Bytes bytes = big_endian ? Bytes{'M', 'M', 0, 42} : Bytes{'I', 'I', 42, 0};
  const auto put = [&](std::uint32_t number, int size) {
    for (int i = 0; i < size; ++i) {
      const int shift = 8 * (big_endian ? size - 1 - i : i);
      bytes.push_back(static_cast<std::uint8_t>(number >> shift));
    }
  };
  put(directory, 4);
  put(2, 2);  // entries
  put(0x010F, 2), put(2, 2), put(4, 4), put(0x41424344, 4);
  put(0x0112, 2), put(type, 2), put(count, 4), put(value, 2), put(0, 2);
  put(0, 4);  // no next directory
  return bytes;
}

TEST(ReadExifOrientation, ReadsBothByteOrders) {
  for (const bool big_endian : {false, true}) {
    for (std::uint32_t value = 1; value <= 8; ++value) {
      Bytes exif = MakeExif(big_endian, value);
      EXPECT_EQ(ReadExifOrientation(exif), static_cast<Orientation>(value));
      const std::string marker("Exif\0\0", 6);
      exif.insert(exif.begin(), marker.begin(), marker.end());
      EXPECT_EQ(ReadExifOrientation(exif), static_cast<Orientation>(value));
    }
  }
}

TEST(ReadExifOrientation, IgnoresWhatIsBroken) {
  EXPECT_EQ(ReadExifOrientation({}), Orientation::kUpright);
  for (const std::uint32_t value : {0u, 9u, 65535u}) {
    EXPECT_EQ(ReadExifOrientation(MakeExif(true, value)), Orientation::kUpright);
  }
  EXPECT_EQ(ReadExifOrientation(MakeExif(true, 6, 4)), Orientation::kUpright);     // a long
  EXPECT_EQ(ReadExifOrientation(MakeExif(true, 6, 3, 2)), Orientation::kUpright);  // two of them
  for (const std::uint32_t directory : {9u, 1000u, 0xFFFFFFFFu, 0xFFFFFFF0u}) {
    EXPECT_EQ(ReadExifOrientation(MakeExif(false, 6, 3, 1, directory)), Orientation::kUpright);
  }
  const Bytes whole = MakeExif(true, 6);
  for (std::size_t size = 0; size < 8 + 2 + 12 + 10; ++size) {
    const Bytes cut(whole.begin(), whole.begin() + size);
    EXPECT_EQ(ReadExifOrientation(cut), Orientation::kUpright) << size;
  }
}

// A picture whose red values are the letters of `rows`.
Image FromLetters(const std::vector<std::string>& rows) {
  Image image(static_cast<int>(rows[0].size()), static_cast<int>(rows.size()));
  for (int y = 0; y < image.height(); ++y) {
    for (int x = 0; x < image.width(); ++x) {
      image.row(y)[3 * x] = static_cast<std::uint8_t>(rows[y][x]);
      image.row(y)[3 * x + 2] = 7;
    }
  }
  return image;
}

TEST(TurnUpright, AllEight) {
  const Image stored = FromLetters({"abc", "def"});
  const std::pair<Orientation, std::vector<std::string>> cases[] = {
      {Orientation::kUpright, {"abc", "def"}},
      {Orientation::kMirror, {"cba", "fed"}},
      {Orientation::kRotate180, {"fed", "cba"}},
      {Orientation::kFlip, {"def", "abc"}},
      {Orientation::kTranspose, {"ad", "be", "cf"}},
      {Orientation::kRotate90, {"da", "eb", "fc"}},
      {Orientation::kAntiTranspose, {"fc", "eb", "da"}},
      {Orientation::kRotate270, {"cf", "be", "ad"}},
  };
  for (const auto& [orientation, upright] : cases) {
    EXPECT_EQ(TurnUpright(stored, orientation), FromLetters(upright))
        << static_cast<int>(orientation);
    EXPECT_EQ(SwapsSides(orientation), upright.size() == 3);
  }
}

// On a picture of many rows and columns.
TEST(TurnUpright, FourQuartersAreWhole) {
  const Image stored = TestPicture(150, 131);
  Image turned = stored;
  for (int i = 0; i < 4; ++i) turned = TurnUpright(std::move(turned), Orientation::kRotate90);
  EXPECT_EQ(turned, stored);
  const Image quarter = TurnUpright(stored, Orientation::kRotate90);
  for (int y = 0; y < 150; ++y) {
    for (int x = 0; x < 131; ++x) {
      ASSERT_EQ(quarter.row(y)[3 * x], stored.row(130 - x)[3 * y]);
    }
  }
  EXPECT_EQ(TurnUpright(quarter, Orientation::kRotate270), stored);
}

}  // namespace
}  // namespace visavis
