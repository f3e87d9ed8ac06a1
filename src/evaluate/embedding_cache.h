// Embeddings by image hash on disk, for one system. docs/formats/embedding-cache.md
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/file_system.h"
#include "visavis/result.h"

namespace visavis {

/// SHA-256 of what an embedding was computed from.
using ImageDigest = std::array<std::uint8_t, 32>;
ImageDigest DigestOf(std::span<const std::uint8_t> bytes);

/// What is known of one image.
struct CachedEmbedding {
  bool no_face = false;
  std::vector<float> plain;     ///< empty: not known
  std::vector<float> mirrored;  ///< of the mirror image; empty: not known
};

/// Threads: one at a time, but Find is safe concurrently while nothing is added.
class EmbeddingCache {
 public:
  /// Reads the segments in `folder` (made if missing) and begins a new one when the first entry is
  /// added. Broken segments are read as far as they are good. Errors: kIo, kInvalidArgument for a
  /// dimension outside 1 to 65,536.
  static Result<EmbeddingCache> Open(FileSystem& fs, const std::string& folder, int dimension);

  std::size_t size() const { return entries_.size(); }
  /// Null if the image is not known.
  const CachedEmbedding* Find(const ImageDigest& image) const;
  /// Writes through to the segment; flushed every few hundred entries.
  Status Add(const ImageDigest& image, CachedEmbedding entry);
  /// Makes what was added safe from a killed process.
  Status Flush();

 private:
  EmbeddingCache(FileSystem& fs, std::string folder, int dimension)
      : fs_(&fs), folder_(std::move(folder)), dimension_(static_cast<std::size_t>(dimension)) {}
  void ReadSegment(std::span<const std::uint8_t> bytes);
  std::size_t RecordBytes() const { return 32 + 4 + 8 * dimension_ + 8; }

  struct Hash {
    std::size_t operator()(const ImageDigest& digest) const;
  };
  FileSystem* fs_;
  std::string folder_;
  std::size_t dimension_;
  std::unordered_map<ImageDigest, CachedEmbedding, Hash> entries_;
  std::unique_ptr<WritableFile> segment_;
  std::vector<std::uint8_t> unwritten_;
};

}  // namespace visavis
