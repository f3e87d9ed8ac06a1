// insightface's .bin: encoded images in pairs, with labels, inside a pickle. docs/formats/bin.md
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "evaluate/pickle.h"
#include "visavis/result.h"

namespace visavis {

/// The contents of a .bin: pair i is images 2i and 2i+1.
/// Threads: const members are safe concurrently.
class BinDataset {
 public:
  /// Reads a pickle of (list of 2N encoded images, list of N labels), protocols 0 to 5. `name`
  /// stands in messages. Errors: kCorruptData, kUnsupported (see Pickle), kLimitExceeded.
  static Result<BinDataset> Parse(std::vector<std::uint8_t> file, const std::string& name);
  static Result<BinDataset> Read(const FileSystem& fs, const std::string& path,
                                 std::int64_t max_bytes = 8LL << 30);

  std::size_t pairs() const { return same_.size(); }
  bool same(std::size_t pair) const { return same_[pair]; }

  /// The distinct images, in order of first use: a photo that stands in several pairs is one image.
  std::size_t images() const { return images_.size(); }
  std::span<const std::uint8_t> image(std::size_t index) const { return images_[index]; }
  /// The image on side 0 or 1 of a pair.
  std::size_t image_of(std::size_t pair, int side) const {
    return order_[2 * pair + static_cast<std::size_t>(side)];
  }

 private:
  BinDataset(std::vector<std::uint8_t> file)
      : file_(std::make_unique<const std::vector<std::uint8_t>>(std::move(file))) {}

  std::unique_ptr<const std::vector<std::uint8_t>> file_;
  std::unique_ptr<const Pickle> pickle_;  // owns payloads that had to be unescaped
  std::vector<std::span<const std::uint8_t>> images_;
  std::vector<std::size_t> order_;
  std::vector<bool> same_;
};

/// Writes a .bin as Python 3 does (protocol 4: byte strings of any length), atomically. `order[2i]`
/// and `order[2i+1]` index `images`; a repeated image is stored once. Errors: kInvalidArgument if
/// sizes do not fit; kIo.
Status WriteBinDataset(FileSystem& fs, const std::string& path,
                       std::span<const std::vector<std::uint8_t>> images,
                       std::span<const std::size_t> order, const std::vector<bool>& same);

}  // namespace visavis
