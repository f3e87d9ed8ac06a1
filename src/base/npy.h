// numpy's .npy files of 32-bit floats.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "visavis/result.h"

namespace visavis {

/// A dense row-major array.
struct NpyArray {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// Reads an array of little-endian float32 in C order. `name` stands in messages.
/// Errors:  kCorruptData (not a .npy file, or its length and shape disagree), kUnsupported (another
///          element type, Fortran order, a version above 3), kLimitExceeded (more than
///          `max_elements`).
/// Threads: pure.
/// Source:  numpy.lib.format, versions 1.0 to 3.0.
Result<NpyArray> ParseNpy(std::span<const std::uint8_t> bytes, std::string_view name,
                          std::int64_t max_elements);

/// The header of such a file, after which the elements follow as they lie in memory.
std::string NpyHeader(std::span<const std::int64_t> shape);

}  // namespace visavis
