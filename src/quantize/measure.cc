#include "quantize/measure.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/try.h"
#include "evaluate/roc.h"
#include "evaluate/verification.h"
#include "image/transform.h"
#include "visavis/embed.h"
#include "visavis/session.h"

namespace visavis {
namespace {

constexpr double kFarTarget = 1e-3;
constexpr std::size_t kPart = 32;  // crops per task

constexpr std::array kMetrics{
    std::pair{FaceMetric::kFlip, std::string_view("flip")},
    std::pair{FaceMetric::kPlain, std::string_view("plain")},
    std::pair{FaceMetric::kNeuralCompressor, std::string_view("inc")},
    std::pair{FaceMetric::kOpenModelZoo, std::string_view("omz")},
    std::pair{FaceMetric::kTar, std::string_view("tar")},
};

ScoredPairs Score(const std::vector<Embedding>& rows, std::span<const LabelledPair> pairs) {
  ScoredPairs scored;
  for (const LabelledPair& pair : pairs) {
    scored.squared_distance.push_back(SquaredDistanceOfNormalized(rows[pair.a], rows[pair.b]));
    scored.same.push_back(pair.same ? 1 : 0);
  }
  return scored;
}

Result<double> TarAt(const ScoredPairs& scored, double far) {
  std::vector<double> genuine;
  std::vector<double> impostor;
  for (std::size_t i = 0; i < scored.size(); ++i) {
    (scored.same[i] != 0 ? genuine : impostor).push_back(1 - scored.squared_distance[i] / 2);
  }
  VISAVIS_ASSIGN_OR_RETURN(const Roc roc, Roc::Create(std::move(genuine), std::move(impostor)));
  return roc.AtFmr(far).tar;
}

double Cosine(std::span<const float> a, std::span<const float> b) {
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += double{a[i]} * double{b[i]};
    aa += double{a[i]} * double{a[i]};
    bb += double{b[i]} * double{b[i]};
  }
  if (aa == 0 && bb == 0) return 1;
  return aa == 0 || bb == 0 ? 0 : ab / std::sqrt(aa * bb);
}

}  // namespace

double ValueOf(const FaceAccuracy& accuracy, FaceMetric metric) {
  switch (metric) {
    case FaceMetric::kFlip:
      return accuracy.flip;
    case FaceMetric::kPlain:
      return accuracy.plain;
    case FaceMetric::kNeuralCompressor:
      return accuracy.neural_compressor;
    case FaceMetric::kOpenModelZoo:
      return accuracy.open_model_zoo;
    case FaceMetric::kTar:
      return accuracy.tar;
  }
  return 0;
}

std::string_view Name(FaceMetric metric) {
  for (const auto& [value, name] : kMetrics) {
    if (value == metric) return name;
  }
  return "?";
}

Result<FaceMetric> ParseFaceMetric(std::string_view name) {
  for (const auto& [value, known] : kMetrics) {
    if (known == name) return value;
  }
  return MakeError(ErrorCode::kInvalidArgument, "metric '{}', want flip, plain, inc, omz or tar",
                   name);
}

Result<FaceEmbeddings> EmbedFaces(const Model& model, std::span<const Image> crops,
                                  const QuantizeHooks& hooks, std::string_view stage) {
  VISAVIS_ASSIGN_OR_RETURN(const Embedder embedder, Embedder::Create(model));
  FaceEmbeddings rows{std::vector<Embedding>(crops.size()), std::vector<Embedding>(crops.size())};
  // A few parts per thread at a time, so that progress and cancellation are looked at in between.
  const std::size_t window =
      kPart * (hooks.pool == nullptr ? 1 : static_cast<std::size_t>(hooks.pool->threads()));
  for (std::size_t first = 0; first < crops.size(); first += window) {
    VISAVIS_RETURN_IF_ERROR(hooks.CheckCancelled());
    hooks.Report(stage, static_cast<std::int64_t>(first), std::ssize(crops));
    const std::size_t last = std::min(crops.size(), first + window);
    const std::size_t parts = (last - first + kPart - 1) / kPart;
    std::vector<Status> results(parts);
    ParallelFor(hooks.pool, static_cast<std::int64_t>(parts), [&](std::int64_t part, int) {
      const std::size_t begin = first + static_cast<std::size_t>(part) * kPart;
      const std::size_t end = std::min(last, begin + kPart);
      std::vector<Image> mirrored;
      std::vector<ImageView> views;
      for (std::size_t i = begin; i < end; ++i) mirrored.push_back(Mirror(crops[i]));
      for (std::size_t i = begin; i < end; ++i) views.emplace_back(crops[i]);
      for (const Image& image : mirrored) views.emplace_back(image);
      Result<std::vector<Embedding>> got = embedder.Embed(views);
      if (!got) {
        results[static_cast<std::size_t>(part)] = got.error();
        return;
      }
      for (std::size_t i = begin; i < end; ++i) {
        Embedding& plain = (*got)[i - begin];
        Embedding sum = (*got)[i - begin + (end - begin)];
        for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += plain[k];
        rows.plain[i] = std::move(plain);
        rows.flip[i] = std::move(sum);
      }
    });
    for (const Status& result : results) VISAVIS_RETURN_IF_ERROR(result);
  }
  hooks.Report(stage, std::ssize(crops), std::ssize(crops));
  return rows;
}

Result<FaceAccuracy> MeasureFaces(const FaceEmbeddings& embeddings,
                                  std::span<const LabelledPair> pairs) {
  const ScoredPairs plain = Score(embeddings.plain, pairs);
  const ScoredPairs flip = Score(embeddings.flip, pairs);
  FaceAccuracy accuracy;
  VISAVIS_ASSIGN_OR_RETURN(const KFoldResult flip_result, KFoldAccuracy(flip));
  accuracy.flip = flip_result.accuracy.mean;
  accuracy.flip_deviation = flip_result.accuracy.standard_deviation;
  VISAVIS_ASSIGN_OR_RETURN(const KFoldResult plain_result, KFoldAccuracy(plain));
  accuracy.plain = plain_result.accuracy.mean;
  VISAVIS_ASSIGN_OR_RETURN(const KFoldResult tuned,
                           KFoldAccuracy(flip, {.folds = 1, .threshold_step = 0.02}));
  accuracy.neural_compressor = tuned.accuracy.mean;
  std::vector<double> distances;
  for (const LabelledPair& pair : pairs) {
    distances.push_back(OpenModelZooDistance(embeddings.plain[pair.a], embeddings.plain[pair.b]));
  }
  VISAVIS_ASSIGN_OR_RETURN(accuracy.open_model_zoo, MedianThresholdAccuracy(distances, plain.same));
  VISAVIS_ASSIGN_OR_RETURN(accuracy.tar, TarAt(flip, kFarTarget));
  VISAVIS_ASSIGN_OR_RETURN(const ValResult val, ValAtFar(flip, kFarTarget));
  accuracy.val = val.val.mean;
  return accuracy;
}

Agreement Compare(std::span<const Embedding> a, std::span<const Embedding> b) {
  Agreement agreement{0, 1};
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double cosine = Cosine(a[i], b[i]);
    agreement.mean += cosine / static_cast<double>(a.size());
    agreement.least = std::min(agreement.least, cosine);
  }
  return agreement;
}

Result<Outputs> RunSamples(const Model& model, std::span<const Sample> samples,
                           const QuantizeHooks& hooks, std::string_view stage) {
  SessionOptions options;
  options.pool = hooks.pool;
  VISAVIS_ASSIGN_OR_RETURN(const Session session, Session::Create(model, options));
  Outputs all(samples.size());
  std::vector<Tensor> outputs(session.outputs().size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    VISAVIS_RETURN_IF_ERROR(hooks.CheckCancelled());
    hooks.Report(stage, static_cast<std::int64_t>(i), std::ssize(samples));
    const std::vector<TensorView> inputs(samples[i].begin(), samples[i].end());
    VISAVIS_RETURN_IF_ERROR(session.Run(inputs, outputs));
    for (const Tensor& output : outputs) {
      if (output.dtype() != DType::kF32) continue;
      const auto values = output.data<float>();
      all[i].emplace_back(values.begin(), values.end());
    }
  }
  hooks.Report(stage, std::ssize(samples), std::ssize(samples));
  return all;
}

Agreement Compare(const Outputs& a, const Outputs& b) {
  Agreement agreement{0, 1};
  for (std::size_t i = 0; i < a.size(); ++i) {
    double worst = 1;
    for (std::size_t k = 0; k < a[i].size(); ++k) worst = std::min(worst, Cosine(a[i][k], b[i][k]));
    agreement.mean += worst / static_cast<double>(a.size());
    agreement.least = std::min(agreement.least, worst);
  }
  return agreement;
}

Result<Speeds> MeasureSpeeds(const Model& before, const Model& after, const Sample& sample,
                             const QuantizeHooks& hooks) {
  constexpr double kSeconds = 1.0;  // for both together
  constexpr std::size_t kFewestRuns = 5;
  constexpr std::size_t kMostRuns = 200;
  const std::vector<TensorView> inputs(sample.begin(), sample.end());
  std::array<std::vector<double>, 2> times;
  VISAVIS_ASSIGN_OR_RETURN(const Session first, Session::Create(before));
  VISAVIS_ASSIGN_OR_RETURN(const Session second, Session::Create(after));
  const std::array<const Session*, 2> sessions{&first, &second};
  std::array<std::vector<Tensor>, 2> outputs;
  for (std::size_t k = 0; k < 2; ++k) {
    outputs[k].resize(sessions[k]->outputs().size());
    VISAVIS_RETURN_IF_ERROR(sessions[k]->Run(inputs, outputs[k]));
  }
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  while (times[0].size() < kFewestRuns ||
         (times[0].size() < kMostRuns &&
          std::chrono::duration<double>(Clock::now() - start).count() < kSeconds)) {
    VISAVIS_RETURN_IF_ERROR(hooks.CheckCancelled());
    for (std::size_t k = 0; k < 2; ++k) {
      const Clock::time_point began = Clock::now();
      VISAVIS_RETURN_IF_ERROR(sessions[k]->Run(inputs, outputs[k]));
      times[k].push_back(std::chrono::duration<double, std::milli>(Clock::now() - began).count());
    }
  }
  const auto median = [](std::vector<double>& values) {
    const auto middle = values.begin() + std::ssize(values) / 2;
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
  };
  return Speeds{median(times[0]), median(times[1])};
}

}  // namespace visavis
