// What the three doors (files, pixels, requests) accept before they allocate.
#pragma once

#include <cstdint>

namespace visavis {

/// Upper bounds on outside data, checked before any memory is taken for it. A value above its bound
/// is kLimitExceeded, never a silent truncation.
struct Limits {
  std::int64_t image_file_bytes = 256LL << 20;  ///< an encoded image
  std::int64_t image_pixels = 100'000'000;      ///< width x height after decoding
  int image_side_px = 65'500;                   ///< width or height
  std::int64_t model_file_bytes = 2LL << 30;    ///< one model file
  std::int64_t tensor_elements = 1LL << 30;     ///< one tensor of a model or of a run
  std::int64_t graph_nodes = 100'000;           ///< nodes of one model
  std::int64_t arena_bytes = 8LL << 30;         ///< activations of one run
};

}  // namespace visavis
