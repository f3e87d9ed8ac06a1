// A made picture and a checksum that other programs can repeat, for tests against them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "visavis/image.h"

namespace visavis {

/// Byte i is the top byte of the 32-bit product i x 2654435761: noise without a generator's state.
inline Image TestPicture(int width, int height) {
  Image image(width, height);
  for (std::size_t i = 0; i < image.size_bytes(); ++i) {
    image.data()[i] = static_cast<std::uint8_t>(static_cast<std::uint32_t>(i * 2654435761u) >> 24);
  }
  return image;
}

/// FNV-1a, 64 bits.
inline std::uint64_t Fnv1a(std::span<const std::uint8_t> bytes) {
  std::uint64_t hash = 14695981039346656037u;
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 1099511628211u;
  return hash;
}

inline std::uint64_t Fnv1a(const Image& image) { return Fnv1a({image.data(), image.size_bytes()}); }

}  // namespace visavis
