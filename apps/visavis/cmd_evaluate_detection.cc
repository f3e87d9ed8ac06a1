// visavis evaluate-detection ANNOTATIONS
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/exit_code.h"
#include "base/file_system.h"
#include "base/progress.h"
#include "base/text.h"
#include "base/try.h"
#include "commands.h"
#include "evaluate/detection.h"
#include "evaluate/wider_face.h"
#include "json_output.h"
#include "photo_options.h"
#include "recognize/pipeline.h"
#include "visavis/recognize.h"

namespace visavis::cli {
namespace {

/// A curve needs the faces that a detector is hardly sure of, too: insightface's evaluation starts
/// there.
constexpr float kCurveScore = 0.02f;

struct Options {
  std::string annotations;
  std::string images;
  std::vector<std::string> settings;  // NAME=FILE
  std::string detections;
  std::string save;
  double overlap = 0.5;
  DetectorOptions detector;
};

Result<std::string> ReadText(const std::string& path) {
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> bytes,
                           FileSystem::Real().ReadFile(path, kMaxWiderFileBytes));
  return std::string(bytes.begin(), bytes.end());
}

/// Which annotated faces count, and under what name.
struct Setting {
  std::string name;
  std::optional<CountedFaces> counted;  // without: all that annotators call valid
};

Result<std::vector<Setting>> ReadSettings(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return std::vector<Setting>{{"all", std::nullopt}};
  std::vector<Setting> settings;
  for (const std::string& argument : arguments) {
    const std::size_t equals = argument.find('=');
    if (equals == std::string::npos || equals == 0) {
      return MakeError(ErrorCode::kInvalidArgument, "--counted {}: want NAME=FILE", argument);
    }
    const std::string path = argument.substr(equals + 1);
    VISAVIS_ASSIGN_OR_RETURN(const std::string text, ReadText(path));
    VISAVIS_ASSIGN_OR_RETURN(CountedFaces counted, ParseCountedFaces(text, path));
    settings.push_back({argument.substr(0, equals), std::move(counted)});
  }
  return settings;
}

/// The setting's verdict on each of a photo's faces.
Result<std::vector<bool>> CountedIn(const Setting& setting, const WiderPhoto& photo) {
  if (!setting.counted) return photo.valid;
  std::vector<bool> counted(photo.faces.size(), false);
  const auto listed = setting.counted->find(photo.path);
  if (listed == setting.counted->end()) return counted;
  for (const int place : listed->second) {
    if (static_cast<std::size_t>(place) > counted.size()) {
      return MakeError(ErrorCode::kCorruptData, "{}: {}: face {} counts, but {} are annotated",
                       setting.name, OneLine(photo.path), place, counted.size());
    }
    counted[static_cast<std::size_t>(place) - 1] = true;
  }
  return counted;
}

/// folder/event/name.txt for event/name.jpg
std::string DetectionFile(const std::string& folder, const std::string& photo) {
  return (std::filesystem::path(folder) / photo).replace_extension(".txt").string();
}

Status SaveDetections(const std::string& folder, const std::string& photo,
                      const std::vector<Face>& faces) {
  const std::string path = DetectionFile(folder, photo);
  FileSystem& fs = FileSystem::Real();
  VISAVIS_RETURN_IF_ERROR(fs.CreateDirectories(std::filesystem::path(path).parent_path().string()));
  VISAVIS_ASSIGN_OR_RETURN(AtomicFileWriter file, AtomicFileWriter::Create(fs, path));
  const std::string name = std::filesystem::path(photo).stem().string();
  VISAVIS_RETURN_IF_ERROR(file.Append(FormatWiderDetections(name, faces)));
  return file.Commit();
}

/// What was found in each photo: by the detector, or read from files.
Result<std::vector<std::vector<Face>>> FindAll(const Options& options, const Common& common,
                                               const std::vector<WiderPhoto>& photos) {
  const PhotoThreads threads(common, photos.size());
  std::unique_ptr<Detector> detector;
  if (options.detections.empty()) {
    DetectorOptions detector_options = options.detector;
    detector_options.pool = threads.inner();
    if (!detector_options.score_threshold && detector_options.detector != "mtcnn") {
      detector_options.score_threshold = kCurveScore;
    }
    VISAVIS_ASSIGN_OR_RETURN(detector, LoadDetectorFor(common, detector_options));
  }
  std::vector<std::vector<Face>> found(photos.size());
  const LocateFaces locate = [&](std::size_t i) -> Result<std::vector<RecognizedFace>> {
    if (detector == nullptr) {
      const std::string path = DetectionFile(options.detections, photos[i].path);
      VISAVIS_ASSIGN_OR_RETURN(const std::string text, ReadText(path));
      VISAVIS_ASSIGN_OR_RETURN(found[i], ParseWiderDetections(text, path));
    } else {
      const std::string path = options.images + "/" + photos[i].path;
      VISAVIS_ASSIGN_OR_RETURN(const DecodedImage photo, ReadImage(path));
      VISAVIS_ASSIGN_OR_RETURN(found[i], detector->Detect(photo.image));
    }
    if (!options.save.empty()) {
      VISAVIS_RETURN_IF_ERROR(SaveDetections(options.save, photos[i].path, found[i]));
    }
    return std::vector<RecognizedFace>();
  };
  ProgressBar bar("evaluate", static_cast<std::int64_t>(photos.size()));
  const PhotoSink sink = [&](PhotoResult result) -> Status {
    bar.Update(static_cast<std::int64_t>(result.index + 1));
    // A figure over part of the photos would not be the protocol's.
    return result.faces ? Status() : Status(result.faces.error());
  };
  VISAVIS_RETURN_IF_ERROR(
      RunPipeline(photos.size(), locate, {}, {threads.outer(), /*batch=*/1, common.cancel}, sink));
  bar.Clear();
  return found;
}

Json CurveAsJson(const std::vector<DetectionPoint>& points) {
  Json score = Json::array();
  Json precision = Json::array();
  Json recall = Json::array();
  for (const DetectionPoint& point : points) {
    score.push_back(point.score);
    precision.push_back(point.precision);
    recall.push_back(point.recall);
  }
  return {{"score", std::move(score)},
          {"precision", std::move(precision)},
          {"recall", std::move(recall)}};
}

Result<int> RunEvaluateDetection(const Options& options, const Common& common) {
  if (options.images.empty() == options.detections.empty()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "evaluate-detection: want either --images or --detections");
  }
  VISAVIS_ASSIGN_OR_RETURN(const std::string text, ReadText(options.annotations));
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<WiderPhoto> photos,
                           ParseWiderAnnotations(text, options.annotations));
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<Setting> settings, ReadSettings(options.settings));
  VISAVIS_ASSIGN_OR_RETURN(std::vector<std::vector<Face>> found, FindAll(options, common, photos));

  std::vector<DetectionSample> samples(photos.size());
  for (std::size_t i = 0; i < photos.size(); ++i) {
    samples[i].faces = photos[i].faces;
    samples[i].found = std::move(found[i]);
  }
  Json rows = Json::array();
  if (!common.json) fmt::print("{:<12} {:>8} {:>8} {:>8}\n", "setting", "photos", "faces", "AP");
  for (const Setting& setting : settings) {
    for (std::size_t i = 0; i < photos.size(); ++i) {
      VISAVIS_ASSIGN_OR_RETURN(samples[i].counted, CountedIn(setting, photos[i]));
    }
    const DetectionCurve curve = EvaluateDetection(samples, {.overlap = options.overlap});
    if (common.json) {
      rows.push_back({{"setting", setting.name},
                      {"faces", curve.faces},
                      {"found", curve.found},
                      {"average_precision", curve.average_precision},
                      {"curve", CurveAsJson(curve.points)}});
    } else {
      fmt::print("{:<12} {:>8} {:>8} {:>8.4f}\n", OneLine(setting.name), photos.size(), curve.faces,
                 curve.average_precision);
    }
  }
  if (common.json) {
    PrintJson({{"annotations", options.annotations},
               {"photos", photos.size()},
               {"overlap", options.overlap},
               {"settings", std::move(rows)}});
  }
  return kExitOk;
}

}  // namespace

void AddEvaluateDetection(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command = line.Add(
      {"evaluate-detection",
       "Average precision of a detector on annotated photos, as WIDER FACE counts",
       {"visavis evaluate-detection wider_face_val_bbx_gt.txt --images WIDER_val/images "
        "--detector scrfd --min-size 10",
        "visavis evaluate-detection wider_face_val_bbx_gt.txt --images WIDER_val/images "
        "--counted easy=easy.txt --counted medium=medium.txt --counted hard=hard.txt",
        "visavis evaluate-detection wider_face_val_bbx_gt.txt --detections results --json"}},
      [options](const Common& common) { return RunEvaluateDetection(*options, common); });
  command
      ->add_option("ANNOTATIONS", options->annotations,
                   "Text file of photos and their faces, in WIDER FACE's form")
      ->required();
  command->add_option("--images", options->images, "Folder of the photos: run the detector");
  command->add_option("--counted", options->settings,
                      "NAME=FILE: the faces that count in a setting; may be given several times; "
                      "default: one setting in which all valid faces count");
  command->add_option("--detections", options->detections,
                      "Folder of results in WIDER FACE's form: judge these instead");
  command->add_option("--save-detections", options->save,
                      "Folder to write results to, one file per photo");
  command
      ->add_option("--overlap", options->overlap,
                   "Intersection over union from which a box is on a face")
      ->check(CLI::Range(0.01, 1.0))
      ->capture_default_str();
  AddDetectorOptions(*command, options->detector);
}

}  // namespace visavis::cli
