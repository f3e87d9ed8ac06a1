#include "bench/photo_bench.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>

#include "base/file_system.h"
#include "base/try.h"
#include "recognize/pipeline.h"
#include "visavis/decode.h"
#include "visavis/thread_pool.h"

namespace visavis {
namespace {

constexpr std::size_t kWarmupPhotos = 16;
constexpr int kWarmupDetections = 2;
constexpr int kLeastDetections = 5;

/// Adds up what threads report.
class StageSums {
 public:
  void AddNetwork(std::string_view name, double seconds) {
    const std::lock_guard lock(mutex_);
    auto at = std::find_if(sums_.networks.begin(), sums_.networks.end(),
                           [&](const auto& entry) { return entry.first == name; });
    if (at == sums_.networks.end()) at = sums_.networks.emplace(at, name, 0.0);
    at->second += seconds * 1e3;
  }
  void Add(double StageTimes::*stage, double seconds) {
    const std::lock_guard lock(mutex_);
    sums_.*stage += seconds * 1e3;
  }
  void Clear() {
    const std::lock_guard lock(mutex_);
    sums_ = {};
  }
  StageTimes PerItem(std::size_t items) const {
    const std::lock_guard lock(mutex_);
    StageTimes result = sums_;
    for (double* ms : {&result.decode_ms, &result.detect_ms, &result.align_ms, &result.embed_ms}) {
      *ms /= static_cast<double>(items);
    }
    for (auto& [name, ms] : result.networks) ms /= static_cast<double>(items);
    return result;
  }

 private:
  mutable std::mutex mutex_;
  StageTimes sums_;  // milliseconds
};

/// Splits the work on one photo at the calls of the detector: what comes before one is decoding,
/// what comes after the last is alignment.
class PhotoClock : public Detector {
 public:
  PhotoClock(const Detector& detector, StageSums& sums)
      : detector_(detector), sums_(sums), last_(NowSeconds()) {}
  PhotoClock(const PhotoClock&) = delete;
  PhotoClock& operator=(const PhotoClock&) = delete;
  ~PhotoClock() override { Lap(detected_ ? &StageTimes::align_ms : &StageTimes::decode_ms); }

  std::string_view name() const override { return detector_.name(); }
  Result<std::vector<Face>> Detect(ImageView image) const override {
    return DetectReduced(image, 1);
  }
  Result<std::vector<Face>> DetectReduced(ImageView image, double reduction) const override {
    Lap(&StageTimes::decode_ms);
    Result<std::vector<Face>> faces = detector_.DetectReduced(image, reduction);
    Lap(&StageTimes::detect_ms);
    detected_ = true;
    return faces;
  }
  int MaxReduction() const override { return detector_.MaxReduction(); }
  Status RefineLandmarks(ImageView image, std::vector<Face>& faces) const override {
    Lap(&StageTimes::decode_ms);
    Status status = detector_.RefineLandmarks(image, faces);
    Lap(&StageTimes::detect_ms);
    return status;
  }

 private:
  void Lap(double StageTimes::*stage) const {
    const double now = NowSeconds();
    sums_.Add(stage, now - last_);
    last_ = now;
  }

  const Detector& detector_;
  StageSums& sums_;
  // One photo is the work of one thread.
  mutable double last_;
  mutable bool detected_ = false;
};

/// A pool for the work inside one photo, if that is how the threads are to be used.
std::unique_ptr<ThreadPool> InnerPool(const PhotoBenchSetting& setting, std::size_t photos) {
  return photos == 1 && setting.threads > 1 ? std::make_unique<ThreadPool>(setting.threads)
                                            : nullptr;
}

Result<std::unique_ptr<Detector>> LoadObserved(const PhotoBenchSetting& setting, ThreadPool* pool,
                                               StageSums& sums) {
  MtcnnOptions options = setting.detector;
  options.pool = pool;
  options.on_network_run = [&sums](std::string_view name, double seconds) {
    sums.AddNetwork(name, seconds);
  };
  return LoadDetector(options, setting.fetch);
}

/// The chain with its clocks.
struct Chain {
  const Detector& detector;
  const Embedder& embedder;
  const std::vector<std::string>& photos;
  const PhotoBenchSetting& setting;
  StageSums& sums;

  Result<std::vector<RecognizedFace>> Locate(std::size_t i) const {
    const PhotoClock clock(detector, sums);
    VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> bytes,
                             FileSystem::Real().ReadFile(photos[i], Limits().image_file_bytes));
    return FindFacesInFile(bytes, photos[i], clock, setting.choice, embedder.crop_pose());
  }
  Result<std::vector<Embedding>> Embed(std::span<const ImageView> crops) const {
    const double start = NowSeconds();
    Result<std::vector<Embedding>> rows = embedder.Embed(crops);
    sums.Add(&StageTimes::embed_ms, NowSeconds() - start);
    return rows;
  }
  /// The first `count` photos once.
  Result<PipelineBenchResult> Pass(std::size_t count) const {
    PipelineBenchResult result;
    result.photos = count;
    VISAVIS_RETURN_IF_ERROR(RunPipeline(
        count, [this](std::size_t i) { return Locate(i); },
        [this](std::span<const ImageView> crops) { return Embed(crops); },
        {photos.size() > 1 ? setting.threads : 1, setting.batch, setting.fetch.cancel},
        [&](const PhotoResult& photo) -> Status {
          if (photo.faces) {
            result.faces += photo.faces->size();
          } else {
            ++result.failures;
          }
          return {};
        }));
    return result;
  }
};

}  // namespace

Result<DetectionBenchResult> BenchDetection(const std::string& photo,
                                            const PhotoBenchSetting& setting) {
  StageSums sums;
  const std::unique_ptr<ThreadPool> pool = InnerPool(setting, 1);
  VISAVIS_ASSIGN_OR_RETURN(const std::unique_ptr<Detector> detector,
                           LoadObserved(setting, pool.get(), sums));
  VISAVIS_ASSIGN_OR_RETURN(const DecodedImage decoded, ReadImage(photo));
  DetectionBenchResult result;
  result.width = decoded.image.width();
  result.height = decoded.image.height();
  const auto detect = [&]() -> Status {
    VISAVIS_ASSIGN_OR_RETURN(const std::vector<Face> faces, detector->Detect(decoded.image));
    result.faces = faces.size();
    return {};
  };
  for (int i = 0; i < kWarmupDetections; ++i) VISAVIS_RETURN_IF_ERROR(detect());

  sums.Clear();
  std::vector<double> samples_ms;
  const double begin = NowSeconds();
  while (samples_ms.size() < kLeastDetections || NowSeconds() < begin + setting.seconds) {
    const double start = NowSeconds();
    VISAVIS_RETURN_IF_ERROR(detect());
    samples_ms.push_back((NowSeconds() - start) * 1e3);
    result.mean_ms += samples_ms.back();
  }
  result.mean_ms /= static_cast<double>(samples_ms.size());
  result.networks = sums.PerItem(samples_ms.size()).networks;
  result.latency = Summarize(std::move(samples_ms));
  return result;
}

Result<PipelineBenchResult> BenchPipeline(const std::vector<std::string>& photos,
                                          const PhotoBenchSetting& setting) {
  StageSums sums;
  const std::unique_ptr<ThreadPool> pool = InnerPool(setting, photos.size());
  VISAVIS_ASSIGN_OR_RETURN(const std::unique_ptr<Detector> detector,
                           LoadObserved(setting, pool.get(), sums));
  EmbedOptions embed_options;
  embed_options.session.pool = pool.get();
  embed_options.batch = setting.batch;
  VISAVIS_ASSIGN_OR_RETURN(const LoadedEmbedder loaded,
                           LoadEmbedder(kDefaultRecognitionModel, embed_options, setting.fetch));
  const Chain chain{*detector, loaded.embedder, photos, setting, sums};
  VISAVIS_RETURN_IF_ERROR(chain.Pass(std::min(photos.size(), kWarmupPhotos)));

  sums.Clear();
  PipelineBenchResult result;
  std::vector<double> passes_ms;
  const double begin = NowSeconds();
  while (passes_ms.empty() || NowSeconds() < begin + setting.seconds) {
    const double start = NowSeconds();
    VISAVIS_ASSIGN_OR_RETURN(result, chain.Pass(photos.size()));
    passes_ms.push_back((NowSeconds() - start) * 1e3);
  }
  result.stages = sums.PerItem(photos.size() * passes_ms.size());
  result.pass = Summarize(std::move(passes_ms));
  result.photos_per_s = static_cast<double>(photos.size()) / result.pass.median_ms * 1e3;
  return result;
}

}  // namespace visavis
