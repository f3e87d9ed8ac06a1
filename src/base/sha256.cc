#include "base/sha256.h"

#include <openssl/evp.h>

#include <cerrno>
#include <fstream>
#include <vector>

#include "base/check.h"
#include "base/error.h"

namespace visavis {
namespace {

// One running digest of OpenSSL.
class Digest {
 public:
  explicit Digest(const EVP_MD* algorithm) {
    VISAVIS_CHECK(context_ != nullptr);
    VISAVIS_CHECK(EVP_DigestInit_ex(context_.get(), algorithm, nullptr) == 1);
  }

  void Update(std::span<const std::uint8_t> bytes) {
    VISAVIS_CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  }

  std::string Hex() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    VISAVIS_CHECK(EVP_DigestFinal_ex(context_.get(), digest, &size) == 1);
    constexpr char kDigits[] = "0123456789abcdef";
    std::string hex;
    hex.reserve(size * 2);
    for (unsigned int i = 0; i < size; ++i) {
      hex.push_back(kDigits[digest[i] >> 4]);
      hex.push_back(kDigits[digest[i] & 15]);
    }
    return hex;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* pointer) const { EVP_MD_CTX_free(pointer); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_{EVP_MD_CTX_new()};
};

}  // namespace

struct Sha256::State {
  Digest digest{EVP_sha256()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::Update(std::span<const std::uint8_t> bytes) { state_->digest.Update(bytes); }
std::string Sha256::HexDigest() { return state_->digest.Hex(); }

struct Sha384::State {
  Digest digest{EVP_sha384()};
};

Sha384::Sha384() : state_(std::make_unique<State>()) {}
Sha384::Sha384(Sha384&&) noexcept = default;
Sha384& Sha384::operator=(Sha384&&) noexcept = default;
Sha384::~Sha384() = default;

void Sha384::Update(std::span<const std::uint8_t> bytes) { state_->digest.Update(bytes); }
std::string Sha384::HexDigest() { return state_->digest.Hex(); }

std::string Sha256Hex(std::span<const std::uint8_t> bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return hash.HexDigest();
}

bool IsHex(std::string_view text, std::size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == text.npos;
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
