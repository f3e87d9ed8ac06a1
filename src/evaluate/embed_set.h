// The images of a data set -> embeddings, with what failed, through the cache.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "evaluate/embedding_cache.h"
#include "evaluate/evaluation_set.h"
#include "evaluate/report.h"
#include "evaluate/verification.h"
#include "visavis/detect.h"
#include "visavis/embed.h"
#include "visavis/result.h"

namespace visavis {

/// How the images of a set become crops.
struct CropOptions {
  const Detector* detector = nullptr;               ///< null: the images are aligned crops
  FaceChoice choice = FaceChoice::kLargestCentral;  ///< one face; kAll takes the first
  CropPose pose;                                    ///< that the network wants
};

/// The crop of one image. Aligned images of another size are resized to the crop's short side.
/// Empty if no face was found. Errors: those of DecodeImage, FindFacesInFile and AlignFace.
/// Threads: safe concurrently.
Result<std::optional<Image>> CropOfImage(const EvaluationSet& set, std::size_t image,
                                         const CropOptions& options);

/// True if the first image that can be read is a square of `crop_size_px`, as aligned crops are.
bool LooksAligned(const EvaluationSet& set, int crop_size_px);

struct EmbedSetOptions {
  CropOptions crops;
  bool mirrored = true;  ///< also embed the mirror images
  int threads = 1;
  int batch = 8;
  const std::atomic<bool>* cancel = nullptr;
  EmbeddingCache* cache = nullptr;  ///< null: none
  /// Called from one thread at a time with images done and in all.
  std::function<void(std::int64_t done, std::int64_t total)> progress{};
};

struct SetEmbeddings {
  std::size_t dimension = 0;
  std::vector<float> plain;             ///< images x dimension; 0 where an image failed
  std::vector<float> mirrored;          ///< the same for mirror images; empty if not asked for
  std::vector<bool> usable;             ///< per image
  std::vector<ReportFailure> failures;  ///< by rising image
  std::int64_t computed = 0;
  std::int64_t from_cache = 0;
  double seconds = 0;

  /// Image and mirror image added up.
  std::vector<float> Flipped() const;
};

/// Embeds every image of the set. An image that fails is listed, not an error. An interrupted run
/// leaves what it did in the cache.
/// Errors: kCancelled; kIo of the cache; those of Embedder::Embed.
Result<SetEmbeddings> EmbedSet(const EvaluationSet& set, const Embedder& embedder,
                               const EmbedSetOptions& options);

}  // namespace visavis
