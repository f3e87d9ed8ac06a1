#include "detect/patch.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "image/resize.h"

namespace visavis {
namespace {

Image RandomImage(int width, int height) {
  std::mt19937 random(11);
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < 3 * width; ++x) image.row(y)[x] = static_cast<std::uint8_t>(random());
  }
  return image;
}

/// The patch with its black surroundings as a picture of its own.
Image CutOut(const Image& image, const Patch& patch) {
  Image cut(patch.width, patch.height);
  for (int y = 0; y < patch.height; ++y) {
    for (int x = 0; x < patch.width; ++x) {
      const int from_x = patch.x + x, from_y = patch.y + y;
      if (from_x < 0 || from_y < 0 || from_x >= image.width() || from_y >= image.height()) continue;
      for (int c = 0; c < 3; ++c) cut.row(y)[3 * x + c] = image.row(from_y)[3 * from_x + c];
    }
  }
  return cut;
}

const Patch kPatches[] = {{5, 7, 24, 24},     {5, 7, 48, 48},    {-4, -3, 30, 31},
                          {60, 40, 33, 32},   {10, 12, 5, 5},    {0, 0, 1, 1},
                          {79, 59, 1, 1},     {-50, 20, 200, 1}, {-9, 58, 17, 90},
                          {-30, -30, 160, 9}, {78, -5, 300, 300}};

TEST(SamplePatch, BytesEqualTheResizedCutOut) {
  const Image image = RandomImage(80, 60);
  for (const Patch& patch : kPatches) {
    std::vector<float> planes(3 * 24 * 24);
    SamplePatch(image, patch, 24, PatchRounding::kBytes, planes);
    const Image want = Resize(CutOut(image, patch), 24, 24);
    for (int y = 0; y < 24; ++y) {
      for (int x = 0; x < 24; ++x) {
        for (int c = 0; c < 3; ++c) {
          const float pixel = static_cast<float>(want.row(y)[3 * x + 2 - c]);
          ASSERT_EQ(planes[static_cast<std::size_t>((c * 24 + y) * 24 + x)],
                    (pixel - 127.5f) * 0.0078125f)
              << "patch at " << patch.x << "," << patch.y << " pixel " << x << "," << y;
        }
      }
    }
  }
}

TEST(SamplePatch, FloatsEqualTheResizedCutOut) {
  const Image image = RandomImage(80, 60);
  for (const Patch& patch : kPatches) {
    std::vector<float> planes(3 * 48 * 48), want(3 * 48 * 48);
    SamplePatch(image, patch, 48, PatchRounding::kFloat, planes);
    ResizeToPlanarFloat(CutOut(image, patch), 48, 48, {127.5f, 0.0078125f, true}, want);
    for (std::size_t i = 0; i < want.size(); ++i) {
      // A grey level is 1/128; the two may round their last bit differently.
      ASSERT_NEAR(planes[i], want[i], 1e-6) << "patch at " << patch.x << "," << patch.y;
    }
  }
}

}  // namespace
}  // namespace visavis
