// How well and how fast a network does, and how near a quantized one stays to it.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "quantize/faces.h"
#include "quantize/observe.h"
#include "visavis/model.h"
#include "visavis/result.h"
#include "visavis/types.h"

namespace visavis {

/// The published protocols on one set of pairs.
struct FaceAccuracy {
  double flip = 0;               ///< 10-fold, embeddings of image and mirror image added
  double flip_deviation = 0;     ///< over the folds
  double plain = 0;              ///< 10-fold, image only
  double neural_compressor = 0;  ///< flip, threshold tuned on all pairs (step 0.02)
  double open_model_zoo = 0;     ///< plain, median thresholds
  double tar = 0;                ///< flip, at a false accept rate of 1e-3 over all pairs
  double val = 0;                ///< flip, insightface's VAL at 1e-3
};

/// Which of them a gate looks at.
enum class FaceMetric : std::uint8_t { kFlip, kPlain, kNeuralCompressor, kOpenModelZoo, kTar };
double ValueOf(const FaceAccuracy& accuracy, FaceMetric metric);
/// "flip", "plain", "inc", "omz", "tar". Errors: kInvalidArgument.
Result<FaceMetric> ParseFaceMetric(std::string_view name);
std::string_view Name(FaceMetric metric);

struct FaceEmbeddings {
  std::vector<Embedding> plain;
  std::vector<Embedding> flip;  ///< of image and mirror image, added
};

/// Embeddings of all crops. Errors: those of Embedder; kCancelled.
Result<FaceEmbeddings> EmbedFaces(const Model& model, std::span<const Image> crops,
                                  const QuantizeHooks& hooks, std::string_view stage);

/// Errors: kInvalidArgument for fewer than 10 pairs, or pairs of one class only.
Result<FaceAccuracy> MeasureFaces(const FaceEmbeddings& embeddings,
                                  std::span<const LabelledPair> pairs);

/// Cosines between what two networks put out.
struct Agreement {
  double mean = 0;
  double least = 0;
};
Agreement Compare(std::span<const Embedding> a, std::span<const Embedding> b);

/// All outputs of each sample, one vector per output.
using Outputs = std::vector<std::vector<std::vector<float>>>;
Result<Outputs> RunSamples(const Model& model, std::span<const Sample> samples,
                           const QuantizeHooks& hooks, std::string_view stage);
/// Mean and least cosine over samples, of the worst output of each.
Agreement Compare(const Outputs& a, const Outputs& b);

/// Median run times of two networks in turns, one thread, one image.
struct Speeds {
  double before_ms = 0;
  double after_ms = 0;
};
Result<Speeds> MeasureSpeeds(const Model& before, const Model& after, const Sample& sample,
                             const QuantizeHooks& hooks);

}  // namespace visavis
