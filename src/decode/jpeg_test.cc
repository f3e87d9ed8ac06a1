// JPEGs that only the library itself can write.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
// jpeglib.h needs the three above first.
#include <gtest/gtest.h>
#include <jpeglib.h>

#include <vector>

#include "image/test_picture.h"
#include "visavis/decode.h"

namespace visavis {
namespace {

using Bytes = std::vector<std::uint8_t>;

// One scan for every coefficient of every component, and another that refines it.
std::vector<jpeg_scan_info> OneScanPerCoefficient(int coefficients) {
  std::vector<jpeg_scan_info> scans = {{3, {0, 1, 2}, 0, 0, 0, 0}};
  for (int bit : {1, 0}) {
    for (int k = 1; k <= coefficients; ++k) {
      for (int component = 0; component < 3; ++component) {
        scans.push_back({1, {component}, k, k, bit == 1 ? 0 : 1, bit});
      }
    }
  }
  return scans;
}

Bytes EncodeScans(const Image& image, const std::vector<jpeg_scan_info>& scans) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &data, &size);
  info.image_width = static_cast<JDIMENSION>(image.width());
  info.image_height = static_cast<JDIMENSION>(image.height());
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  info.scan_info = scans.data();
  info.num_scans = static_cast<int>(scans.size());
  jpeg_start_compress(&info, TRUE);
  for (int y = 0; y < image.height(); ++y) {
    auto* row = const_cast<JSAMPROW>(image.row(y));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  Bytes bytes(data, data + size);
  std::free(data);
  jpeg_destroy_compress(&info);
  return bytes;
}

TEST(DecodeJpeg, AcceptsManyScans) {
  const auto decoded =
      DecodeImage(EncodeScans(TestPicture(16, 16), OneScanPerCoefficient(15)), "test");
  EXPECT_TRUE(decoded) << decoded.error().message;
}

TEST(DecodeJpeg, RefusesAFloodOfScans) {
  const auto decoded =
      DecodeImage(EncodeScans(TestPicture(16, 16), OneScanPerCoefficient(63)), "test");
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, ErrorCode::kLimitExceeded);
}

TEST(DecodeJpeg, ToleratesBytesBeforeAMarkerButNoMissingPixels) {
  Bytes jpeg = EncodeJpeg(TestPicture(64, 64), 80).value();
  const auto whole = DecodeImage(jpeg, "test");
  ASSERT_TRUE(whole);
  Bytes padded = jpeg;
  padded.insert(padded.end() - 2, 16, 0);
  const auto decoded = DecodeImage(padded, "test");
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->image, whole->image);
  jpeg.erase(jpeg.end() - 600, jpeg.end() - 2);
  EXPECT_EQ(DecodeImage(jpeg, "test").error().code, ErrorCode::kCorruptData);
}

}  // namespace
}  // namespace visavis
