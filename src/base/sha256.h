// SHA-256 of bytes as they come.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "visavis/result.h"

namespace visavis {

/// A running SHA-256 (FIPS 180-4). Threads: as std::vector.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void Update(std::span<const std::uint8_t> bytes);
  /// The digest of everything so far as 64 lower-case hex digits; nothing may be added afterwards.
  std::string HexDigest();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The digest of `bytes` as 64 lower-case hex digits.
std::string Sha256Hex(std::span<const std::uint8_t> bytes);

/// The digest of a file, read piece by piece. Errors: kNotFound, kIo.
Result<std::string> HashFile(const std::string& path);

}  // namespace visavis
