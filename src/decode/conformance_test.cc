// The public test corpora of libjpeg-turbo, libpng, libwebp, PngSuite and the EXIF orientations.
// testdata/conformance.txt holds, for every file on whose pixels an independent decoder (Pillow 11
// or OpenCV 4.6, alpha laid over black) agrees, size and checksum; and "error" for files of the
// hand-made corpora that both of them refuse.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "image/test_picture.h"
#include "tests/shared_data.h"
#include "visavis/decode.h"

namespace visavis {
namespace {

// "WIDTHxHEIGHT CHECKSUM", or "error".
std::string Describe(const Result<DecodedImage>& decoded) {
  if (!decoded) return "error";
  std::ostringstream text;
  text << decoded->image.width() << "x" << decoded->image.height() << " " << std::hex
       << Fnv1a(decoded->image);
  return text.str();
}

// Path under images-conformance -> Describe's text.
std::map<std::string, std::string> ReadExpectations() {
  std::map<std::string, std::string> expectations;
  std::ifstream file(VISAVIS_DECODE_TESTDATA "/conformance.txt");
  for (std::string line; std::getline(file, line);) {
    const auto tab = line.find('\t');
    if (tab != std::string::npos) expectations[line.substr(tab + 1)] = line.substr(0, tab);
  }
  return expectations;
}

TEST(Conformance, EveryFileIsAPictureOrAnError) {
  VISAVIS_REQUIRE_SHARED("data/images-conformance");
  const std::filesystem::path root = SharedPath("data/images-conformance");
  auto expectations = ReadExpectations();
  ASSERT_GT(expectations.size(), 400u);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    const auto decoded = ReadImage(entry.path().string());
    if (!decoded) {
      EXPECT_FALSE(decoded.error().message.empty());
    }
    const auto expected = expectations.find(std::filesystem::relative(entry.path(), root).string());
    if (expected == expectations.end()) continue;
    EXPECT_EQ(Describe(decoded), expected->second)
        << expected->first << ": " << (decoded ? "" : decoded.error().message);
    expectations.erase(expected);
  }
  for (const auto& [missing, description] : expectations) ADD_FAILURE() << missing << " not found";
}

}  // namespace
}  // namespace visavis
