#include "quantize/faces.h"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <random>
#include <utility>

#include "base/error.h"
#include "base/file_system.h"
#include "base/npy.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/try.h"
#include "embed/pixel_rule.h"
#include "evaluate/bin_dataset.h"
#include "image/resize.h"
#include "image/transform.h"
#include "recognize/photo_list.h"
#include "visavis/decode.h"
#include "visavis/recognize.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxArrayElements = 1LL << 26;

// The last part of a path, "crops" for "faces/crops/" too.
std::string NameOf(const std::string& path) {
  const fs::path given(path);
  return (given.has_filename() ? given : given.parent_path()).filename().string();
}

// Indices 0 .. count-1 in an order drawn by `seed` (Fisher-Yates; the standard's shuffle may differ
// between libraries).
std::vector<std::size_t> DrawOrder(std::size_t count, std::uint64_t seed) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937_64 random(seed);
  for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  return order;
}

// Encoded pictures become crops one by one.
class CropReader {
 public:
  // `choice`: of the faces of a photo.
  CropReader(const FaceSetOptions& options, FaceChoice choice)
      : options_(options), choice_(choice) {}

  // Adds the crop, or the chosen faces, to `set`; false if the picture has no face.
  Result<bool> Read(std::span<const std::uint8_t> bytes, const std::string& name, FaceSet& set) {
    VISAVIS_ASSIGN_OR_RETURN(DecodedImage decoded, DecodeImage(bytes, name));
    const int side = options_.crop_size_px;
    Image& image = decoded.image;
    if (image.width() == side && image.height() == side) {
      set.crops.push_back(std::move(image));
    } else {
      VISAVIS_ASSIGN_OR_RETURN(const bool found, AlignFromPhoto(bytes, name, set));
      if (!found) return false;
    }
    hash_.Update(bytes);
    return true;
  }

  std::string HexDigest() { return hash_.HexDigest(); }

 private:
  Result<bool> AlignFromPhoto(std::span<const std::uint8_t> bytes, const std::string& name,
                              FaceSet& set) {
    if (detector_ == nullptr) {
      if (!options_.detector) {
        return MakeError(ErrorCode::kInvalidArgument, "{}: is no crop of {}x{} pixels", name,
                         options_.crop_size_px, options_.crop_size_px);
      }
      VISAVIS_ASSIGN_OR_RETURN(detector_, options_.detector());
    }
    VISAVIS_ASSIGN_OR_RETURN(
        std::vector<RecognizedFace> faces,
        FindFacesInFile(bytes, name, *detector_, choice_, options_.crop_size_px));
    if (faces.empty()) {
      ++set.without_face;
      return false;
    }
    set.detected += faces.size();
    for (RecognizedFace& face : faces) set.crops.push_back(std::move(face.crop.image));
    return true;
  }

  const FaceSetOptions& options_;
  const FaceChoice choice_;
  std::unique_ptr<Detector> detector_;
  Sha256 hash_;
};

Result<std::vector<std::uint8_t>> ReadPicture(const std::string& path) {
  return FileSystem::Real().ReadFile(path, Limits{}.image_file_bytes);
}

// insightface's rule for .bin files: the short side becomes the crop's.
Result<Image> DecodeBinImage(std::span<const std::uint8_t> bytes, const std::string& name,
                             int side) {
  VISAVIS_ASSIGN_OR_RETURN(DecodedImage decoded, DecodeImage(bytes, name));
  Image& image = decoded.image;
  if (image.width() == side && image.height() == side) return std::move(image);
  if (image.width() != image.height()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: is {}x{} pixels, want a square crop", name,
                     image.width(), image.height());
  }
  return Resize(image, side, side);
}

Result<FaceSet> ReadBinCrops(const std::string& path, const FaceSetOptions& options,
                             bool labelled) {
  VISAVIS_ASSIGN_OR_RETURN(const BinDataset bin, BinDataset::Read(FileSystem::Real(), path));
  FaceSet set;
  const bool draw = !labelled && options.samples > 0;
  std::vector<std::size_t> order = DrawOrder(bin.images(), options.seed);
  if (!draw) std::iota(order.begin(), order.end(), std::size_t{0});
  if (draw && order.size() > options.samples) order.resize(options.samples);
  Sha256 hash;
  for (std::size_t i = 0; i < order.size(); ++i) {
    VISAVIS_RETURN_IF_ERROR(options.hooks.CheckCancelled());
    options.hooks.Report("read", static_cast<std::int64_t>(i), std::ssize(order));
    const std::string name = fmt::format("{}: image {}", path, order[i]);
    VISAVIS_ASSIGN_OR_RETURN(Image crop,
                             DecodeBinImage(bin.image(order[i]), name, options.crop_size_px));
    set.crops.push_back(std::move(crop));
    hash.Update(bin.image(order[i]));
  }
  for (std::size_t p = 0; labelled && p < bin.pairs(); ++p) {
    set.pairs.push_back({.a = bin.image_of(p, 0), .b = bin.image_of(p, 1), .same = bin.same(p)});
  }
  set.sha256 = hash.HexDigest();
  set.description =
      fmt::format("{} of {} images of {}", set.crops.size(), bin.images(), NameOf(path));
  return set;
}

Result<FaceSet> ReadFolderCrops(const std::string& path, const FaceSetOptions& options) {
  const PhotoList list = ListPhotos({path});
  if (!list.failures.empty()) return list.failures[0].second;
  if (list.paths.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: holds no pictures to calibrate with", path);
  }
  const std::size_t wanted = options.samples == 0 ? list.paths.size() : options.samples;
  FaceSet set;
  std::size_t looked_at = 0;
  CropReader reader(options, FaceChoice::kAll);
  for (const std::size_t i : DrawOrder(list.paths.size(), options.seed)) {
    if (options.samples > 0 && set.crops.size() >= options.samples) break;
    ++looked_at;
    VISAVIS_RETURN_IF_ERROR(options.hooks.CheckCancelled());
    options.hooks.Report("read", std::ssize(set.crops), static_cast<std::int64_t>(wanted));
    VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> bytes, ReadPicture(list.paths[i]));
    VISAVIS_RETURN_IF_ERROR(reader.Read(bytes, list.paths[i], set));
  }
  if (options.samples > 0 && set.crops.size() > options.samples) set.crops.resize(options.samples);
  if (set.crops.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: no face in any of {} pictures", path,
                     set.without_face);
  }
  set.sha256 = reader.HexDigest();
  set.description = fmt::format("{} crops from {} of {} pictures of {}", set.crops.size(),
                                looked_at, list.paths.size(), NameOf(path));
  return set;
}

Result<PairList> ReadPairs(const std::string& path, fs::path& root) {
  constexpr std::int64_t kMaxListBytes = 1LL << 28;
  const bool folder = fs::is_directory(path);
  const fs::path file = folder ? fs::path(path) / "pairs.txt" : fs::path(path);
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> bytes,
                           FileSystem::Real().ReadFile(file.string(), kMaxListBytes));
  const std::string text(bytes.begin(), bytes.end());
  root = folder && fs::is_directory(fs::path(path) / "aligned") ? fs::path(path) / "aligned"
                                                                : file.parent_path();
  return folder ? ParseLfwPairs(text, file.string()) : ParseCsvPairs(text, file.string());
}

Result<FaceSet> ReadPairedCrops(const std::string& path, const FaceSetOptions& options) {
  fs::path root;
  VISAVIS_ASSIGN_OR_RETURN(PairList list, ReadPairs(path, root));
  FaceSet set;
  CropReader reader(options, FaceChoice::kLargestCentral);
  for (std::size_t i = 0; i < list.images.size(); ++i) {
    VISAVIS_RETURN_IF_ERROR(options.hooks.CheckCancelled());
    options.hooks.Report("read", static_cast<std::int64_t>(i), std::ssize(list.images));
    const std::string name = (root / list.images[i]).string();
    VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> bytes, ReadPicture(name));
    VISAVIS_ASSIGN_OR_RETURN(const bool found, reader.Read(bytes, name, set));
    if (!found) {
      return MakeError(ErrorCode::kInvalidArgument, "{}: no face found, and it stands in a pair",
                       name);
    }
  }
  set.pairs = std::move(list.pairs);
  set.sha256 = reader.HexDigest();
  set.description =
      fmt::format("{} pairs of {} images of {}", set.pairs.size(), set.crops.size(), NameOf(path));
  return set;
}

bool IsBin(const std::string& path) { return path.ends_with(".bin"); }

}  // namespace

Result<FaceSet> ReadCalibrationFaces(const std::string& path, const FaceSetOptions& options) {
  VISAVIS_ASSIGN_OR_RETURN(FaceSet set, IsBin(path) ? ReadBinCrops(path, options, false)
                                                    : ReadFolderCrops(path, options));
  constexpr std::size_t kFewest = 2;
  if (set.crops.size() < kFewest) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: {} face to calibrate with, want at least {} (a few hundred are usual)",
                     path, set.crops.size(), kFewest);
  }
  return set;
}

Result<FaceSet> ReadLabelledFaces(const std::string& path, const FaceSetOptions& options) {
  VISAVIS_ASSIGN_OR_RETURN(FaceSet set, IsBin(path) ? ReadBinCrops(path, options, true)
                                                    : ReadPairedCrops(path, options));
  if (set.pairs.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: no pairs to measure with", path);
  }
  return set;
}

std::vector<Sample> SamplesFromFaces(const FaceSet& faces, const Graph& graph, PixelGrid& grid) {
  PixelScale pixels;
  if (!NormalisesPixels(graph)) pixels = {kPixelMean, 1 / kPixelMean, false};
  grid = {double{pixels.mean}, double{pixels.scale}};
  std::vector<Sample> samples;
  for (const Image& crop : faces.crops) {
    Tensor input =
        Tensor::Uninitialized(DType::kF32, Shape{1, Image::kChannels, crop.height(), crop.width()});
    ToPlanarFloat(crop, pixels, input.data<float>());
    samples.emplace_back();
    samples.back().push_back(std::move(input));
  }
  return samples;
}

bool IsTensorFolder(const std::string& path) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
    if (entry.path().extension() == ".npy") return true;
  }
  return false;
}

Result<TensorSet> ReadTensorFolder(const std::string& path, std::size_t samples,
                                   std::uint64_t seed) {
  std::vector<std::string> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
    if (entry.path().extension() == ".npy") files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  const std::size_t wanted = samples == 0 ? files.size() : std::min(samples, files.size());
  TensorSet set;
  Sha256 hash;
  const std::vector<std::size_t> order = DrawOrder(files.size(), seed);
  for (std::size_t i = 0; i < wanted; ++i) {
    const std::string& file = files[order[i]];
    VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> bytes,
                             FileSystem::Real().ReadFile(file, kMaxArrayElements * 4 + 4096));
    VISAVIS_ASSIGN_OR_RETURN(const NpyArray array, ParseNpy(bytes, file, kMaxArrayElements));
    hash.Update(bytes);
    set.samples.emplace_back();
    set.samples.back().push_back(
        Tensor::From<float>(Shape(array.shape), std::span<const float>(array.values)));
  }
  set.sha256 = hash.HexDigest();
  set.description = fmt::format("{} of {} arrays of {}", wanted, files.size(), NameOf(path));
  return set;
}

}  // namespace visavis
