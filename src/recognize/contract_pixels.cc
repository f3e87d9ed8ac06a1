#include "recognize/contract_pixels.h"

namespace visavis {

InputPixels PixelsOf(const ContractInput& input) {
  InputPixels pixels;
  pixels.bgr = input.channel_order == ChannelOrder::kBgr;
  for (std::size_t c = 0; c < 3 && !input.normalised_inside; ++c) {
    pixels.mean[c] = static_cast<float>(input.mean[c]);
    pixels.scale[c] = static_cast<float>(input.scale[c]);
  }
  return pixels;
}

}  // namespace visavis
