#include "base/sha256.h"

#include <openssl/evp.h>

#include <cerrno>
#include <fstream>
#include <vector>

#include "base/check.h"
#include "base/error.h"

namespace visavis {

struct Sha256::State {
  struct Free {
    void operator()(EVP_MD_CTX* pointer) const { EVP_MD_CTX_free(pointer); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  VISAVIS_CHECK(state_->context != nullptr);
  VISAVIS_CHECK(EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1);
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::Update(std::span<const std::uint8_t> bytes) {
  VISAVIS_CHECK(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}

std::string Sha256::HexDigest() {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  VISAVIS_CHECK(EVP_DigestFinal_ex(state_->context.get(), digest, &size) == 1);
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(size * 2);
  for (unsigned int i = 0; i < size; ++i) {
    hex.push_back(kDigits[digest[i] >> 4]);
    hex.push_back(kDigits[digest[i] & 15]);
  }
  return hex;
}

std::string Sha256Hex(std::span<const std::uint8_t> bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return hash.HexDigest();
}

Result<std::string> HashFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const ErrorCode code = errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo;
    return MakeError(code, "{}: cannot open", path);
  }
  Sha256 hash;
  std::vector<char> piece(1 << 20);
  while (file) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    hash.Update(std::span(reinterpret_cast<const std::uint8_t*>(piece.data()),
                          static_cast<std::size_t>(file.gcount())));
  }
  if (!file.eof()) return MakeError(ErrorCode::kIo, "{}: cannot read", path);
  return hash.HexDigest();
}

}  // namespace visavis
