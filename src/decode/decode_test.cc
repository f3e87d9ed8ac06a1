#include "visavis/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "image/test_picture.h"

namespace visavis {
namespace {

using Bytes = std::vector<std::uint8_t>;

const std::string kCorpus = VISAVIS_DECODE_CORPUS;

Bytes ReadCorpus(const std::string& file) {
  auto bytes = FileSystem::Real().ReadFile(kCorpus + "/" + file, 1 << 20);
  EXPECT_TRUE(bytes) << file;
  return bytes ? *bytes : Bytes{};
}

// A smooth picture, so that lossy formats stay close to it.
Image SmoothPicture(int width, int height) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      std::uint8_t* pixel = image.row(y) + 3 * x;
      pixel[0] = static_cast<std::uint8_t>(255 * x / width);
      pixel[1] = static_cast<std::uint8_t>(255 * y / height);
      pixel[2] = static_cast<std::uint8_t>(128 + 100 * std::sin(x * 0.1));
    }
  }
  return image;
}

double MeanDifference(const Image& a, const Image& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size_bytes(); ++i) sum += std::abs(a.data()[i] - b.data()[i]);
  return sum / static_cast<double>(a.size_bytes());
}

TEST(DecodeImage, PngIsLossless) {
  const Image picture = TestPicture(37, 21);
  const auto decoded = DecodeImage(EncodePng(picture).value(), "test");
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->image, picture);
  EXPECT_EQ(decoded->format, "png");
}

TEST(DecodeImage, EncodesPartOfAPicture) {
  const Image whole = TestPicture(40, 30);
  const ImageView part{whole.row(3) + 3 * 7, 11, 13, whole.stride_bytes()};
  const auto decoded = DecodeImage(EncodePng(part).value(), "test");
  ASSERT_TRUE(decoded);
  ASSERT_EQ(decoded->image.height(), 13);
  for (int y = 0; y < 13; ++y) {
    EXPECT_TRUE(std::equal(part.row(y), part.row(y) + 33, decoded->image.row(y)));
  }
}

TEST(DecodeImage, JpegStaysClose) {
  const Image picture = SmoothPicture(97, 53);
  const auto decoded = DecodeImage(EncodeJpeg(picture, 95).value(), "test");
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->format, "jpeg");
  EXPECT_LT(MeanDifference(decoded->image, picture), 2.0);
}

TEST(DecodeImage, ReducesJpegs) {
  const Bytes jpeg = EncodeJpeg(SmoothPicture(161, 80), 90).value();
  for (const auto& [allowed, width, height] : {std::array{1, 161, 80}, std::array{2, 81, 40},
                                               std::array{5, 41, 20}, std::array{100, 21, 10}}) {
    DecodeOptions options;
    options.max_downscale = allowed;
    const auto decoded = DecodeImage(jpeg, "test", options);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->image.width(), width);
    EXPECT_EQ(decoded->image.height(), height);
    EXPECT_EQ(decoded->full_width, 161);
    EXPECT_EQ(decoded->full_height, 80);
  }
}

// Files made by Pillow 11 of one 40 x 30 picture; "turned" ones carry EXIF orientation 6.
struct Made {
  const char* file;
  const char* format;
  bool turned = false;
};
constexpr Made kMade[] = {
    {"baseline.jpg", "jpeg", true}, {"progressive.jpg", "jpeg"},  {"rgb.png", "png", true},
    {"palette.png", "png"},         {"lossy.webp", "webp", true}, {"rgb.bmp", "bmp"},
    {"palette8.bmp", "bmp"},
};

TEST(DecodeImage, FormatsAgreeOnOnePicture) {
  const Image upright = DecodeImage(ReadCorpus("rgb.bmp"), "rgb.bmp").value().image;
  ASSERT_EQ(upright.width(), 40);
  for (const Made& made : kMade) {
    const auto decoded = DecodeImage(ReadCorpus(made.file), made.file);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(decoded->format, made.format);
    Image expected = upright;
    if (made.turned) {
      expected = Image(30, 40);
      for (int y = 0; y < 40; ++y) {
        for (int x = 0; x < 30; ++x) {
          std::copy_n(upright.row(29 - x) + 3 * y, 3, expected.row(y) + 3 * x);
        }
      }
    }
    ASSERT_EQ(decoded->image.width(), expected.width()) << made.file;
    EXPECT_EQ(decoded->full_width, expected.width());
    EXPECT_LT(MeanDifference(decoded->image, expected), 30.0) << made.file;
    if (std::string(made.file) == "rgb.png") {
      EXPECT_EQ(decoded->image, expected);
    }
  }
}

TEST(DecodeImage, LaysAlphaOverBlack) {
  const auto opaque = DecodeImage(ReadCorpus("rgb.bmp"), "rgb.bmp");
  for (const char* file : {"rgba.png", "lossless.webp"}) {
    const auto decoded = DecodeImage(ReadCorpus(file), file);
    ASSERT_TRUE(opaque && decoded);
    for (std::size_t i = 0; i < opaque->image.size_bytes(); i += 3) {
      const std::uint8_t* rgb = opaque->image.data() + i;
      // The alpha of these files is Pillow's luma of the picture.
      const int alpha = (rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16;
      for (int c = 0; c < 3; ++c) {
        ASSERT_NEAR(decoded->image.data()[i + c], rgb[c] * alpha / 255.0, 0.5001) << file;
      }
    }
  }
}

TEST(DecodeImage, ReadsAsciiAndScalesToTheMaximum) {
  const std::string text = "P3 # comment\n2 1\n# another\n4\n0 1 2\n3 4 4";
  const auto decoded = DecodeImage(Bytes(text.begin(), text.end()), "test");
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_THAT(std::vector(decoded->image.data(), decoded->image.data() + 6),
              testing::ElementsAre(0, 64, 128, 191, 255, 255));
}

TEST(DecodeImage, ReadsWidePgm) {
  const Bytes bytes = {'P', '5', ' ', '2',  ' ',  '1',  ' ',  '6', '5',
                       '5', '3', '5', '\n', 0x80, 0x00, 0xFF, 0xFF};
  const auto decoded = DecodeImage(bytes, "test");
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_THAT(std::vector(decoded->image.data(), decoded->image.data() + 6),
              testing::ElementsAre(128, 128, 128, 255, 255, 255));
}

TEST(DecodeImage, RefusesAnimation) {
  EXPECT_EQ(DecodeImage(ReadCorpus("anim.webp"), "test").error().code, ErrorCode::kUnsupported);
}

TEST(DecodeImage, RefusesWhatIsNoPicture) {
  for (const std::string text : {"", "B", "\x89PN", "hello, world", "%PDF-1.7", "GIF89a"}) {
    const auto decoded = DecodeImage(Bytes(text.begin(), text.end()), "photo.jpg");
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().code, ErrorCode::kUnsupported);
    EXPECT_THAT(decoded.error().message, testing::StartsWith("photo.jpg: "));
  }
}

constexpr const char* kOneOfEach[] = {"baseline.jpg",  "progressive.jpg", "rgb.png",  "lossy.webp",
                                      "lossless.webp", "rgb.bmp",         "rle8.bmp", "rgb.ppm"};

TEST(DecodeImage, EveryTruncationIsAnError) {
  for (const char* file : kOneOfEach) {
    const Bytes whole = ReadCorpus(file);
    ASSERT_TRUE(DecodeImage(whole, file));
    for (std::size_t i = 0; i < 20; ++i) {
      const auto decoded = DecodeImage(std::span(whole).first(whole.size() * i / 20), file);
      ASSERT_FALSE(decoded) << file << " cut at " << i << "/20";
      EXPECT_TRUE(decoded.error().code == ErrorCode::kCorruptData ||
                  decoded.error().code == ErrorCode::kUnsupported)
          << decoded.error().message;
    }
  }
}

TEST(DecodeImage, KeepsTheLimits) {
  for (const char* file : kOneOfEach) {
    const Bytes bytes = ReadCorpus(file);
    const auto whole = DecodeImage(bytes, file);
    ASSERT_TRUE(whole);
    const int longest = std::max(whole->full_width, whole->full_height);
    DecodeOptions exact;
    exact.limits.image_file_bytes = static_cast<std::int64_t>(bytes.size());
    exact.limits.image_pixels = whole->full_width * whole->full_height;
    exact.limits.image_side_px = longest;
    EXPECT_TRUE(DecodeImage(bytes, file, exact));

    DecodeOptions tight = exact;
    --tight.limits.image_file_bytes;
    EXPECT_EQ(DecodeImage(bytes, file, tight).error().code, ErrorCode::kLimitExceeded) << file;
    tight = exact;
    --tight.limits.image_pixels;
    EXPECT_EQ(DecodeImage(bytes, file, tight).error().code, ErrorCode::kLimitExceeded) << file;
    tight = exact;
    --tight.limits.image_side_px;
    EXPECT_EQ(DecodeImage(bytes, file, tight).error().code, ErrorCode::kLimitExceeded) << file;
  }
}

TEST(EncodeJpeg, ChecksItsArguments) {
  const Image picture = TestPicture(4, 4);
  EXPECT_EQ(EncodeJpeg(picture, 0).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(EncodeJpeg(picture, 101).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(EncodeJpeg(ImageView{}, 90).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(EncodePng(ImageView{}).error().code, ErrorCode::kInvalidArgument);
}

class WriteImageTest : public testing::Test {
 protected:
  WriteImageTest()
      : folder_(std::filesystem::path(testing::TempDir()) /
                ("visavis_write_image_" + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~WriteImageTest() override { std::filesystem::remove_all(folder_); }
  std::string Path(const char* file) const { return (folder_ / file).string(); }

  std::filesystem::path folder_;
};

TEST_F(WriteImageTest, ChoosesTheFormatByExtension) {
  const Image picture = SmoothPicture(30, 20);
  const std::pair<const char*, const char*> files[] = {
      {"a.png", "png"}, {"a.PNG", "png"}, {"a.jpg", "jpeg"}, {"a.jpeg", "jpeg"}, {"a.ppm", "ppm"}};
  for (const auto& [file, format] : files) {
    const Status written = WriteImage(Path(file), picture);
    ASSERT_TRUE(written) << written.error().message;
    const auto read = ReadImage(Path(file));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->format, format);
    EXPECT_LT(MeanDifference(read->image, picture), 2.0);
  }
}

TEST_F(WriteImageTest, LeavesNothingBehindOnFailure) {
  const Image picture = TestPicture(3, 3);
  EXPECT_EQ(WriteImage(Path("a.gif"), picture).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(WriteImage(Path("no.extension/a"), picture).error().code, ErrorCode::kInvalidArgument);
  EXPECT_FALSE(WriteImage(Path("missing/a.png"), picture));
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST(ReadImage, SaysThatAFileIsMissing) {
  const auto read = ReadImage("/nonexistent/photo.jpg");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(read.error().message, testing::HasSubstr("/nonexistent/photo.jpg"));
}

}  // namespace
}  // namespace visavis
