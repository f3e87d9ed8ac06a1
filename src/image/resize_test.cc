#include "image/resize.h"

#include <gtest/gtest.h>

#include <vector>

#include "image/test_picture.h"
#include "kernels/kernels.h"
#include "kernels/resize.h"

namespace visavis {
namespace {

struct Golden {
  int from_width, from_height, width, height;
  std::uint64_t bytes;   // checksum of the 8-bit result
  std::uint64_t floats;  // checksum of the planar float result
};

// cv2.resize of OpenCV 4.6.0 (opencv-python-headless, IPP off) over TestPicture.
constexpr Golden kOpenCv[] = {
    {64, 48, 64, 48, 0xf3abe20900bc18edu, 0x1bcdfbb8f164be15u},
    {64, 48, 39, 29, 0xacee60f24384ab0fu, 0xb583c142674d0f04u},
    {131, 97, 45, 33, 0xd7278ac3f35e9f1eu, 0x627d0a1d425dc770u},
    {200, 150, 25, 17, 0xe68625f2a924f563u, 0xd3b8db18cf3da014u},
    {20, 13, 91, 57, 0xd467538f6f5ad0e8u, 0xad748edff36fed46u},
    {97, 61, 12, 12, 0x5aaca8ef36f308abu, 0xe9d1cbbb7ada0e2du},
    {48, 48, 24, 24, 0x9831ce34de199878u, 0x8aec465ce7dda79cu},
    {96, 96, 48, 48, 0x4014092d2eeab9bbu, 0x787d47399d6c427du},
    {95, 96, 48, 48, 0xe876085da78743c4u, 0x8e432faa51756b2eu},
    {96, 48, 48, 48, 0xcf527a639500e53cu, 0xe042932409c49f38u},
    {37, 41, 24, 24, 0x7d7b220e830ad7ccu, 0xb650a34d4d977c16u},
    {13, 9, 48, 48, 0x80c9feabed467908u, 0x4ef2181cca0c4c2bu},
    {1, 7, 5, 3, 0x53415720a291365bu, 0xe363ecafafefc42eu},
    {7, 1, 3, 5, 0x218e099286d3cf41u, 0x5d89614dda755538u},
    {1, 1, 4, 4, 0x712a66a1de073825u, 0x02721acf2454bd05u},
    {2, 3, 1, 1, 0x2952091a4c2451e9u, 0x09654fe62bcd4bfau},
    {2, 2, 9, 1, 0xcc9b6e0231fe3055u, 0xdd67832a1eede3c4u},
    {300, 4, 7, 9, 0xa7c809f1b424d317u, 0xa432331f9060a48au},
    {5, 300, 5, 150, 0xd2e89320456a836fu, 0xe2296c7daf427707u},
    {250, 250, 150, 150, 0x363273b5369b771au, 0x95fa805600b4c16bu},
    {3, 5, 200, 2, 0x11519be9a4e496cbu, 0x3b8fcb5cbcbfd94eu},
};

TEST(Resize, EqualsOpenCvOnEveryIsa) {
  for (const std::string_view isa : KnownIsas()) {
    const ResizeKernels* kernels = FindResizeKernels(isa);
    if (kernels == nullptr) continue;
    for (const Golden& g : kOpenCv) {
      const Image from = TestPicture(g.from_width, g.from_height);
      const Image resized = Resize(from, g.width, g.height, *kernels);
      EXPECT_EQ(Fnv1a(resized), g.bytes) << isa << ": " << g.from_width << "x" << g.from_height
                                         << " to " << g.width << "x" << g.height;
    }
  }
}

TEST(Resize, IsasAgreeOnEveryNarrowSize) {
  const ResizeKernels& scalar = *FindResizeKernels("scalar");
  for (const std::string_view isa : KnownIsas()) {
    const ResizeKernels* kernels = FindResizeKernels(isa);
    if (kernels == nullptr) continue;
    for (int from = 1; from < 40; ++from) {
      const Image picture = TestPicture(from, 5);
      for (int to = 1; to < 40; ++to) {
        EXPECT_EQ(Resize(picture, to, 7, *kernels), Resize(picture, to, 7, scalar))
            << isa << ": " << from << " to " << to;
      }
    }
  }
}

TEST(Resize, ReadsOnlyTheView) {
  const Image whole = TestPicture(40, 30);
  const ImageView part{whole.row(4) + 3 * 5, 20, 11, whole.stride_bytes()};
  EXPECT_EQ(Resize(part, 33, 7), Resize(Copy(part), 33, 7));
}

TEST(ResizeToPlanarFloat, EqualsOpenCv) {
  for (const Golden& g : kOpenCv) {
    const Image from = TestPicture(g.from_width, g.from_height);
    std::vector<float> planes(std::size_t{3} * g.width * g.height);
    ResizeToPlanarFloat(from, g.width, g.height, {}, planes);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(planes.data());
    EXPECT_EQ(Fnv1a({bytes, planes.size() * sizeof(float)}), g.floats)
        << g.from_width << "x" << g.from_height << " to " << g.width << "x" << g.height;
  }
}

TEST(ResizeToPlanarFloat, ScalesAndReversesChannels) {
  Image pixel(1, 1);
  pixel.data()[0] = 10;
  pixel.data()[1] = 20;
  pixel.data()[2] = 30;
  std::vector<float> planes(3);
  ResizeToPlanarFloat(pixel, 1, 1, {.mean = 10, .scale = 0.5f, .reverse_channels = true}, planes);
  EXPECT_EQ(planes, (std::vector<float>{10, 5, 0}));
}

}  // namespace
}  // namespace visavis
