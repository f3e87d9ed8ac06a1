#include "evaluate/embedding_cache.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "base/sha256.h"
#include "base/try.h"

namespace visavis {
namespace {

constexpr std::string_view kMagic = "VVEMBED1";
constexpr std::size_t kHeaderBytes = 16;
constexpr std::size_t kCheckBytes = 8;
constexpr std::size_t kFlushBytes = std::size_t{1} << 18;
constexpr std::int64_t kMostSegmentBytes = 8LL << 30;
constexpr std::uint32_t kPlain = 1;
constexpr std::uint32_t kMirrored = 2;
constexpr std::uint32_t kNoFace = 4;

void AppendFloats(const std::vector<float>& values, std::size_t count,
                  std::vector<std::uint8_t>& out) {
  const std::size_t at = out.size();
  out.resize(at + 4 * count);
  if (!values.empty()) std::memcpy(out.data() + at, values.data(), 4 * count);
}

std::vector<float> FloatsAt(std::span<const std::uint8_t> bytes, std::size_t count) {
  std::vector<float> values(count);
  std::memcpy(values.data(), bytes.data(), 4 * count);
  return values;
}

void AppendU32(std::uint32_t value, std::vector<std::uint8_t>& out) {
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

std::uint32_t U32At(std::span<const std::uint8_t> bytes) {
  return static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8 |
         static_cast<std::uint32_t>(bytes[2]) << 16 | static_cast<std::uint32_t>(bytes[3]) << 24;
}

}  // namespace

ImageDigest DigestOf(std::span<const std::uint8_t> bytes) {
  const std::string hex = Sha256Hex(bytes);
  const auto nibble = [](char c) {
    return static_cast<std::uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  };
  ImageDigest digest;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::uint8_t>(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
  }
  return digest;
}

std::size_t EmbeddingCache::Hash::operator()(const ImageDigest& digest) const {
  std::size_t value;
  std::memcpy(&value, digest.data(), sizeof value);
  return value;
}

Result<EmbeddingCache> EmbeddingCache::Open(FileSystem& fs, const std::string& folder,
                                            int dimension) {
  if (dimension < 1 || dimension > 65536) {
    return MakeError(ErrorCode::kInvalidArgument, "embedding cache: dimension {}", dimension);
  }
  VISAVIS_RETURN_IF_ERROR(fs.CreateDirectories(folder));
  EmbeddingCache cache(fs, folder, dimension);
  std::vector<std::string> segments;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".rows") segments.push_back(entry.path().string());
  }
  std::sort(segments.begin(), segments.end());
  for (const std::string& segment : segments) {
    const auto bytes = fs.ReadFile(segment, kMostSegmentBytes);
    if (bytes) cache.ReadSegment(*bytes);  // a segment that is gone or unreadable is no entry
  }
  return cache;
}

void EmbeddingCache::ReadSegment(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kHeaderBytes || !std::equal(kMagic.begin(), kMagic.end(), bytes.begin()) ||
      U32At(bytes.subspan(8)) != dimension_) {
    return;
  }
  const std::size_t record = RecordBytes();
  for (std::size_t at = kHeaderBytes; at + record <= bytes.size(); at += record) {
    const auto body = bytes.subspan(at, record - kCheckBytes);
    const auto check = bytes.subspan(at + record - kCheckBytes, kCheckBytes);
    if (!std::equal(check.begin(), check.end(), DigestOf(body).begin())) return;
    ImageDigest digest;
    std::copy_n(body.begin(), digest.size(), digest.begin());
    const std::uint32_t what = U32At(body.subspan(32));
    CachedEmbedding entry;
    entry.no_face = (what & kNoFace) != 0;
    if ((what & kPlain) != 0) entry.plain = FloatsAt(body.subspan(36), dimension_);
    if ((what & kMirrored) != 0)
      entry.mirrored = FloatsAt(body.subspan(36 + 4 * dimension_), dimension_);
    entries_.insert_or_assign(digest, std::move(entry));
  }
}

const CachedEmbedding* EmbeddingCache::Find(const ImageDigest& image) const {
  const auto found = entries_.find(image);
  return found == entries_.end() ? nullptr : &found->second;
}

Status EmbeddingCache::Add(const ImageDigest& image, CachedEmbedding entry) {
  if (segment_ == nullptr) {
    const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    VISAVIS_ASSIGN_OR_RETURN(segment_, fs_->CreateFile(fmt::format("{}/{:020}-{}.rows", folder_,
                                                                   now.count(), ::getpid())));
    unwritten_.assign(kMagic.begin(), kMagic.end());
    AppendU32(static_cast<std::uint32_t>(dimension_), unwritten_);
    AppendU32(0, unwritten_);
  }
  const std::size_t begin = unwritten_.size();
  unwritten_.insert(unwritten_.end(), image.begin(), image.end());
  AppendU32((entry.plain.empty() ? 0 : kPlain) | (entry.mirrored.empty() ? 0 : kMirrored) |
                (entry.no_face ? kNoFace : 0),
            unwritten_);
  AppendFloats(entry.plain, dimension_, unwritten_);
  AppendFloats(entry.mirrored, dimension_, unwritten_);
  const ImageDigest check = DigestOf(std::span(unwritten_).subspan(begin));
  unwritten_.insert(unwritten_.end(), check.begin(), check.begin() + kCheckBytes);
  entries_.insert_or_assign(image, std::move(entry));
  return unwritten_.size() < kFlushBytes ? Status() : Flush();
}

Status EmbeddingCache::Flush() {
  if (segment_ == nullptr || unwritten_.empty()) return {};
  VISAVIS_RETURN_IF_ERROR(segment_->Append(unwritten_));
  unwritten_.clear();
  return {};
}

}  // namespace visavis
