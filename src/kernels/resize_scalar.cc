#include <cstddef>
#include <cstdint>

#include "kernels/resize_table.h"

namespace visavis {
namespace {

void Across(const std::uint8_t* row, std::size_t, const std::int32_t* left,
            const std::int16_t* weights, int width, std::int16_t* out) {
  for (int x = 0; x < width; ++x) {
    const std::uint8_t* pixel = row + left[x];
    for (int c = 0; c < 3; ++c, weights += 2) {
      *out++ = static_cast<std::int16_t>((pixel[c] * weights[0] + pixel[c + 3] * weights[1]) >> 4);
    }
  }
}

void Down(const std::int16_t* upper, const std::int16_t* lower, std::int16_t upper_weight,
          std::int16_t lower_weight, std::size_t count, std::uint8_t* out) {
  for (std::size_t i = 0; i < count; ++i) {
    const int sum = (upper[i] * upper_weight >> 16) + (lower[i] * lower_weight >> 16);
    out[i] = static_cast<std::uint8_t>((sum + 2) >> 2);
  }
}

}  // namespace

void AddResizeScalar(ResizeKernels& kernels) { kernels = {"scalar", Across, Down}; }

}  // namespace visavis
