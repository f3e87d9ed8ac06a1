#include "photo_options.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "base/exit_code.h"
#include "base/file_system.h"
#include "base/progress.h"
#include "base/try.h"

namespace visavis::cli {

void AddDetectorOptions(CLI::App& command, DetectorOptions& options) {
  command
      .add_option(
          "--detector", options.detector,
          "mtcnn, scrfd, scrfd-2.5g, yunet, the ONNX file of a SCRFD or YuNet, or a folder with "
          "det1.onnx to det4.onnx for MTCNN")
      ->capture_default_str();
  command
      .add_option("--min-size", options.min_size_px, "Smallest side of a face to look for, pixels")
      ->check(CLI::Range(12.0, 65500.0))
      ->capture_default_str();
  command
      .add_option("--score-threshold", options.score_threshold,
                  "Least score of a face; default: mtcnn 0.8, scrfd 0.5, yunet 0.6")
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--nms", options.nms_overlap,
                  "Overlap (intersection over union) above which two boxes are one face; default: "
                  "scrfd 0.4, yunet 0.3; not for mtcnn")
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--input-size", options.input_side_px,
                  "Most pixels of a photo's longer side that the network sees; smaller is faster "
                  "and misses small faces; default: as --min-size needs; not for mtcnn")
      ->check(CLI::Range(32, 65500));
  command
      .add_option("--thresholds", options.thresholds,
                  "mtcnn: scores that must be exceeded after its three stages, e.g. 0.6,0.7,0.8")
      ->delimiter(',')
      ->check(CLI::Range(0.0, 1.0));
  command.add_flag_function(
      "--accurate-landmarks,!--no-accurate-landmarks",
      [&options](std::int64_t count) { options.accurate_landmarks = count > 0; },
      "mtcnn: refine landmarks with a fourth network (default: yes)");
  command.add_option("--max-faces", options.max_faces, "Keep the best this many; 0 = all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
}

void AddFaceChoice(CLI::App& command, FaceChoice& choice) {
  static const std::map<std::string, FaceChoice> kNames{
      {"largest-central", FaceChoice::kLargestCentral},
      {"largest", FaceChoice::kLargest},
      {"best-score", FaceChoice::kBestScore},
      {"all", FaceChoice::kAll}};
  command
      .add_option(
          "--face", choice,
          "Which face of a photo: largest-central (largest area - 2 x squared distance from "
          "the centre), largest, best-score or all")
      ->transform(CLI::Validator(
          [](std::string& name) -> std::string {
            const auto known = kNames.find(name);
            if (known == kNames.end()) {
              return name + ": want largest-central, largest, best-score or all";
            }
            name = std::to_string(static_cast<int>(known->second));
            return {};
          },
          std::string()))
      ->option_text("NAME [largest-central]");
}

void AddModelOption(CLI::App& command, std::string& model) {
  command
      .add_option("--model", model,
                  "Recognition network: a name of the registry, or an ONNX or MXNet file")
      ->capture_default_str();
}

FetchOptions FetchOptionsFor(const Common& common) {
  FetchOptions options;
  options.cancel = common.cancel;
  options.show_licence = [](const Asset& asset) {
    PrintError(fmt::format("model {}: licence: {}", asset.name, asset.licence));
  };
  // One bar per file, made at its first bytes.
  auto bars = std::make_shared<std::map<std::string, std::unique_ptr<ProgressBar>>>();
  options.progress = [bars](const std::string& file, std::int64_t done, std::int64_t total) {
    auto& bar = (*bars)[file];
    if (bar == nullptr) bar = std::make_unique<ProgressBar>(file, total, ProgressUnit::kBytes);
    bar->Update(done);
    if (done >= total) bar->Clear();
  };
  return options;
}

Result<std::unique_ptr<Detector>> LoadDetectorFor(const Common& common,
                                                  const DetectorOptions& options) {
  const LoggedStep step(common, fmt::format("detector {} loaded", options.detector));
  return LoadDetector(options, FetchOptionsFor(common));
}

Result<LoadedEmbedder> LoadEmbedderFor(const Common& common, const std::string& model,
                                       const EmbedOptions& options) {
  const LoggedStep step(common, fmt::format("network {} loaded", model));
  Result<LoadedEmbedder> loaded = LoadEmbedder(model, options, FetchOptionsFor(common));
  if (loaded && !loaded->assumed.empty()) PrintError("note: " + loaded->assumed);
  return loaded;
}

Result<std::vector<RecognizedFace>> FindFacesInPhoto(const std::string& path,
                                                     const Detector& detector, FaceChoice choice,
                                                     const CropPose& pose) {
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> bytes,
                           FileSystem::Real().ReadFile(path, Limits().image_file_bytes));
  return FindFacesInFile(bytes, path, detector, choice, pose);
}

PhotoThreads::PhotoThreads(const Common& common, std::size_t photos) {
  const int threads = common.ThreadCount();
  const bool several = photos > 1;
  outer_ = several ? threads : 1;
  if (!several && threads > 1) pool_ = std::make_unique<ThreadPool>(threads);
}

std::string PictureNames::Next(const std::string& photo, const std::string& suffix) {
  const std::string stem = std::filesystem::path(photo).stem().string() + suffix;
  std::string name = stem + ".png";
  for (int i = 2; !used_.insert(name).second; ++i) name = fmt::format("{}-{}.png", stem, i);
  return name;
}

void Outcome::Fail(const Error& error) {
  PrintError(error.message);
  errors_.push_back(error.code);
}

void Outcome::NoFace(const std::string& path) {
  PrintError(NoFaceMessage(path));
  ++without_face_;
}

int Outcome::ExitCode(std::size_t inputs) const {
  if (inputs == 1 && !errors_.empty()) return ExitCodeOf(errors_.front());
  return errors_.empty() && without_face_ == 0 ? kExitOk : kExitIncomplete;
}

std::string NoFaceMessage(const std::string& path) { return path + ": no face found"; }

Json NumberAsJson(float value) { return std::stod(fmt::format("{}", value)); }

Json BoxAsJson(const Box& box) {
  return {NumberAsJson(box.x1), NumberAsJson(box.y1), NumberAsJson(box.x2), NumberAsJson(box.y2)};
}

Json FaceAsJson(const Face& face) {
  Json landmarks = Json::array();
  for (const Point& point : face.landmarks)
    landmarks.push_back({NumberAsJson(point.x), NumberAsJson(point.y)});
  return {
      {"box", BoxAsJson(face.box)}, {"score", NumberAsJson(face.score)}, {"landmarks", landmarks}};
}

Json ErrorAsJson(const Error& error) {
  return {{"code", ErrorCodeName(error.code)}, {"message", error.message}};
}

}  // namespace visavis::cli
