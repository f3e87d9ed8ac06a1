#include "evaluate/embed_set.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "base/try.h"
#include "image/resize.h"
#include "image/transform.h"
#include "recognize/pipeline.h"
#include "visavis/align.h"
#include "visavis/decode.h"
#include "visavis/recognize.h"
#include "visavis/thread_pool.h"

namespace visavis {
namespace {

using Bytes = std::vector<std::uint8_t>;

// What insightface's loader does with a .bin: the short side resized, nothing cut off.
Result<std::optional<Image>> AlignedCrop(Image image, const std::string& name, int size_px) {
  if (image.width() == size_px && image.height() == size_px) return std::optional(std::move(image));
  if (image.width() != image.height()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: is {}x{} pixels, want a square aligned crop (photos are detected and "
                     "aligned with --photos)",
                     name, image.width(), image.height());
  }
  return std::optional(Resize(image, size_px, size_px));
}

Result<std::optional<Image>> CropOfBytes(const EvaluationSet& set, std::size_t index,
                                         std::span<const std::uint8_t> bytes,
                                         const CropOptions& options) {
  const EvaluationImage& image = set.images[index];
  const std::string name = image.path.empty() ? set.facts.path + ": " + image.name : image.path;
  if (image.landmarks) {
    VISAVIS_ASSIGN_OR_RETURN(const DecodedImage photo, DecodeImage(bytes, name));
    VISAVIS_ASSIGN_OR_RETURN(FaceCrop crop, AlignFace(photo.image, *image.landmarks, options.pose));
    return std::optional(std::move(crop.image));
  }
  if (options.detector == nullptr) {
    VISAVIS_ASSIGN_OR_RETURN(DecodedImage photo, DecodeImage(bytes, name));
    return AlignedCrop(std::move(photo.image), name, options.pose.size_px);
  }
  VISAVIS_ASSIGN_OR_RETURN(
      std::vector<RecognizedFace> faces,
      FindFacesInFile(bytes, name, *options.detector, options.choice, options.pose));
  if (faces.empty()) return std::optional<Image>();
  return std::optional(std::move(faces.front().crop.image));
}

// Of the file, and of the landmarks that the set gives for it.
ImageDigest DigestOfImage(const EvaluationImage& image, Bytes bytes) {
  if (image.landmarks) {
    for (const Point& point : *image.landmarks) {
      for (const float v : {point.x, point.y}) {
        const auto* raw = reinterpret_cast<const std::uint8_t*>(&v);
        bytes.insert(bytes.end(), raw, raw + sizeof v);
      }
    }
  }
  return DigestOf(bytes);
}

// One run over a set.
class Run {
 public:
  Run(const EvaluationSet& set, const Embedder& embedder, const EmbedSetOptions& options)
      : set_(set),
        embedder_(embedder),
        options_(options),
        digests_(set.images.size()),
        failed_(set.images.size()) {
    out_.dimension = static_cast<std::size_t>(embedder.dimension());
    out_.plain.resize(set.images.size() * out_.dimension);
    if (options.mirrored) out_.mirrored.resize(out_.plain.size());
    out_.usable.resize(set.images.size());
  }

  Result<SetEmbeddings> Go() {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::size_t> missing;
    if (options_.cache != nullptr) {
      VISAVIS_RETURN_IF_ERROR(HashAll());
      for (std::size_t i = 0; i < set_.images.size(); ++i) {
        if (!failed_[i] && !TakeFromCache(i)) missing.push_back(i);
      }
    } else {
      for (std::size_t i = 0; i < set_.images.size(); ++i) missing.push_back(i);
    }
    VISAVIS_RETURN_IF_ERROR(Compute(missing));
    for (std::size_t i = 0; i < failed_.size(); ++i) {
      if (failed_[i]) out_.failures.push_back(std::move(*failed_[i]));
    }
    out_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return std::move(out_);
  }

 private:
  void Fail(std::size_t image, const Error& error) {
    failed_[image] = ReportFailure{static_cast<std::int64_t>(image),
                                   std::string(ErrorCodeName(error.code)), error.message};
  }
  void NoFace(std::size_t image) {
    failed_[image] = ReportFailure{static_cast<std::int64_t>(image), "no_face",
                                   set_.images[image].name + ": no face found"};
  }
  void Place(std::size_t image, const std::vector<float>& row, std::vector<float>& rows) const {
    std::copy(row.begin(), row.end(),
              rows.begin() + static_cast<std::ptrdiff_t>(image * out_.dimension));
  }

  Status HashAll() {
    ThreadPool pool(options_.threads);
    pool.ParallelFor(std::ssize(digests_), [&](std::int64_t index, int) {
      const auto i = static_cast<std::size_t>(index);
      if (options_.cancel != nullptr && options_.cancel->load(std::memory_order_relaxed)) return;
      Result<Bytes> bytes = set_.ReadImageFile(i);
      if (bytes) {
        digests_[i] = DigestOfImage(set_.images[i], std::move(*bytes));
      } else {
        Fail(i, bytes.error());
      }
    });
    if (options_.cancel != nullptr && options_.cancel->load())
      return MakeError(ErrorCode::kCancelled, "interrupted");
    return {};
  }

  bool TakeFromCache(std::size_t image) {
    const CachedEmbedding* known = options_.cache->Find(digests_[image]);
    if (known == nullptr) return false;
    if (known->no_face) {
      NoFace(image);
      ++out_.from_cache;
      return true;
    }
    if (known->plain.empty() || (options_.mirrored && known->mirrored.empty())) return false;
    Place(image, known->plain, out_.plain);
    if (options_.mirrored) Place(image, known->mirrored, out_.mirrored);
    out_.usable[image] = true;
    ++out_.from_cache;
    return true;
  }

  // The crop, and behind it the mirrored one, as if they were two faces of a photo.
  Result<std::vector<RecognizedFace>> Locate(std::size_t image) const {
    VISAVIS_ASSIGN_OR_RETURN(const Bytes bytes, set_.ReadImageFile(image));
    VISAVIS_ASSIGN_OR_RETURN(std::optional<Image> crop,
                             CropOfBytes(set_, image, bytes, options_.crops));
    std::vector<RecognizedFace> faces;
    if (!crop) return faces;
    faces.resize(options_.mirrored ? 2 : 1);
    if (options_.mirrored) faces[1].crop.image = Mirror(*crop);
    faces[0].crop.image = std::move(*crop);
    return faces;
  }

  Status Take(std::size_t image, PhotoResult result) {
    ++out_.computed;
    if (!result.faces) return Fail(image, result.faces.error()), Status();
    CachedEmbedding entry;
    entry.no_face = result.faces->empty();
    if (entry.no_face) {
      NoFace(image);
    } else {
      entry.plain = std::move((*result.faces)[0].embedding);
      Place(image, entry.plain, out_.plain);
      if (options_.mirrored) {
        entry.mirrored = std::move((*result.faces)[1].embedding);
        Place(image, entry.mirrored, out_.mirrored);
      }
      out_.usable[image] = true;
    }
    if (options_.cache == nullptr) return {};
    return options_.cache->Add(digests_[image], std::move(entry));
  }

  Status Compute(const std::vector<std::size_t>& missing) {
    const auto total = std::ssize(set_.images);
    std::int64_t done = total - std::ssize(missing);
    const auto report = [&] {
      if (options_.progress) options_.progress(done, total);
    };
    report();
    const Status status = RunPipeline(
        missing.size(), [&](std::size_t i) { return Locate(missing[i]); },
        [&](std::span<const ImageView> crops) { return embedder_.Embed(crops); },
        {options_.threads, options_.batch, options_.cancel},
        [&](PhotoResult result) -> Status {
          const std::size_t image = missing[result.index];
          VISAVIS_RETURN_IF_ERROR(Take(image, std::move(result)));
          ++done;
          report();
          return {};
        });
    // What is done stays done, also when the run was interrupted.
    if (options_.cache != nullptr) VISAVIS_RETURN_IF_ERROR(options_.cache->Flush());
    return status;
  }

  const EvaluationSet& set_;
  const Embedder& embedder_;
  const EmbedSetOptions& options_;
  std::vector<ImageDigest> digests_;
  std::vector<std::optional<ReportFailure>> failed_;
  SetEmbeddings out_;
};

}  // namespace

Result<std::optional<Image>> CropOfImage(const EvaluationSet& set, std::size_t image,
                                         const CropOptions& options) {
  VISAVIS_ASSIGN_OR_RETURN(const Bytes bytes, set.ReadImageFile(image));
  return CropOfBytes(set, image, bytes, options);
}

bool LooksAligned(const EvaluationSet& set, int crop_size_px) {
  constexpr std::size_t kTries = 20;
  for (std::size_t i = 0; i < std::min(kTries, set.images.size()); ++i) {
    const auto bytes = set.ReadImageFile(i);
    if (!bytes) continue;
    const auto photo = DecodeImage(*bytes, set.images[i].name);
    if (!photo) continue;
    return photo->image.width() == crop_size_px && photo->image.height() == crop_size_px;
  }
  return true;
}

std::vector<float> SetEmbeddings::Flipped() const {
  std::vector<float> sum = plain;
  for (std::size_t i = 0; i < mirrored.size(); ++i) sum[i] += mirrored[i];
  return sum;
}

Result<SetEmbeddings> EmbedSet(const EvaluationSet& set, const Embedder& embedder,
                               const EmbedSetOptions& options) {
  return Run(set, embedder, options).Go();
}

}  // namespace visavis
