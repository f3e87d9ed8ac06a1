// SHA-256 and SHA-384 of bytes as they come.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

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

/// A running SHA-384 (FIPS 180-4): what Open Model Zoo pins. Threads: as std::vector.
class Sha384 {
 public:
  Sha384();
  Sha384(Sha384&&) noexcept;
  Sha384& operator=(Sha384&&) noexcept;
  ~Sha384();

  void Update(std::span<const std::uint8_t> bytes);
  /// 96 lower-case hex digits; nothing may be added afterwards.
  std::string HexDigest();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The digest of `bytes` as 64 lower-case hex digits.
std::string Sha256Hex(std::span<const std::uint8_t> bytes);

/// True for `digits` lower-case hex digits: the text of a digest.
bool IsHex(std::string_view text, std::size_t digits);

/// The digest of a file, read piece by piece. Errors: kNotFound, kIo.
Result<std::string> HashFile(const std::string& path);

}  // namespace visavis
