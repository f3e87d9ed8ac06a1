// visavis align IMAGE... -o DIR
#include <fmt/format.h>

#include <memory>

#include "base/error.h"
#include "base/file_system.h"
#include "base/progress.h"
#include "base/text.h"
#include "base/try.h"
#include "commands.h"
#include "json_output.h"
#include "photo_options.h"
#include "recognize/pipeline.h"
#include "visavis/recognize.h"

namespace visavis::cli {
namespace {

constexpr std::string_view kCsvHeader =
    "crop,source,face,x1,y1,x2,y2,score,left_eye_x,left_eye_y,right_eye_x,right_eye_y,nose_x,nose_"
    "y,"
    "left_mouth_x,left_mouth_y,right_mouth_x,right_mouth_y\n";

struct Options {
  std::vector<std::string> images;
  std::string folder;
  int size_px = 112;
  FaceChoice choice = FaceChoice::kLargestCentral;
  DetectorOptions detector;
};

// Writes the crops of one photo after the other, and what the CSV and the JSON say about them.
class CropWriter {
 public:
  CropWriter(std::string folder, AtomicFileWriter csv)
      : folder_(std::move(folder)), csv_(std::move(csv)) {}

  Status Add(const std::string& photo, const std::vector<RecognizedFace>& faces) {
    Json list = Json::array();
    for (std::size_t i = 0; i < faces.size(); ++i) {
      const std::string name = names_.Next(photo, fmt::format("_{}", i));
      const std::string path = folder_ + "/" + name;
      VISAVIS_RETURN_IF_ERROR(WriteImage(path, faces[i].crop.image));
      VISAVIS_RETURN_IF_ERROR(csv_.Append(CsvLine(name, photo, i, faces[i].face)));
      Json face = FaceAsJson(faces[i].face);
      face["crop"] = path;
      list.push_back(std::move(face));
      ++crops_;
    }
    photos_.push_back({{"path", photo}, {"faces", std::move(list)}});
    return {};
  }
  void AddError(const std::string& photo, const Error& error) {
    photos_.push_back({{"path", photo}, {"error", ErrorAsJson(error)}});
  }
  Status Commit() { return csv_.Commit(); }

  std::size_t crops() const { return crops_; }
  Json TakeJson() { return std::move(photos_); }

 private:
  static std::string CsvLine(const std::string& name, const std::string& photo, std::size_t index,
                             const Face& face) {
    std::string line =
        fmt::format("{},{},{},{},{},{},{},{}", CsvField(name), CsvField(photo), index, face.box.x1,
                    face.box.y1, face.box.x2, face.box.y2, face.score);
    for (const Point& point : face.landmarks) line += fmt::format(",{},{}", point.x, point.y);
    return line + "\n";
  }

  std::string folder_;
  AtomicFileWriter csv_;
  PictureNames names_;
  Json photos_ = Json::array();
  std::size_t crops_ = 0;
};

Result<int> RunAlign(const Options& options, const Common& common) {
  VISAVIS_RETURN_IF_ERROR(FileSystem::Real().CreateDirectories(options.folder));
  const std::string csv_path = options.folder + "/crops.csv";
  VISAVIS_ASSIGN_OR_RETURN(AtomicFileWriter csv,
                           AtomicFileWriter::Create(FileSystem::Real(), csv_path));
  VISAVIS_RETURN_IF_ERROR(csv.Append(kCsvHeader));
  const PhotoThreads threads(common, options.images.size());
  DetectorOptions detector_options = options.detector;
  detector_options.pool = threads.inner();
  VISAVIS_ASSIGN_OR_RETURN(const std::unique_ptr<Detector> detector,
                           LoadDetectorFor(common, detector_options));

  const LocateFaces locate = [&](std::size_t i) {
    const LoggedStep step(common, options.images[i] + ": detected and aligned");
    return FindFacesInPhoto(options.images[i], *detector, options.choice, options.size_px);
  };
  CropWriter writer(options.folder, std::move(csv));
  Outcome outcome;
  ProgressBar bar("align", static_cast<std::int64_t>(options.images.size()));
  const PhotoSink sink = [&](PhotoResult result) -> Status {
    const std::string& path = options.images[result.index];
    bar.Update(static_cast<std::int64_t>(result.index));
    if (!result.faces) {
      bar.Clear();
      outcome.Fail(result.faces.error());
      writer.AddError(path, result.faces.error());
      return {};
    }
    if (result.faces->empty()) {
      bar.Clear();
      outcome.NoFace(path);
    }
    return writer.Add(path, *result.faces);
  };
  const Status status = RunPipeline(options.images.size(), locate, {},
                                    {threads.outer(), /*batch=*/1, common.cancel}, sink);
  bar.Clear();
  // Every crop written so far is whole, and so is the table of them.
  VISAVIS_RETURN_IF_ERROR(writer.Commit());
  VISAVIS_RETURN_IF_ERROR(status);
  if (common.json) {
    PrintJson({{"csv", csv_path}, {"photos", writer.TakeJson()}});
  } else {
    fmt::print("{} crops of {} photos in {}, listed in {}\n", writer.crops(), options.images.size(),
               OneLine(options.folder), OneLine(csv_path));
  }
  return outcome.ExitCode(options.images.size());
}

}  // namespace

void AddAlign(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      line.Add({"align",
                "Cut faces out in the pose that recognition networks expect",
                {"visavis align photo.jpg -o crops", "visavis align --face all group.jpg -o crops",
                 "visavis align --json *.jpg -o crops > crops.json"}},
               [options](const Common& common) { return RunAlign(*options, common); });
  command->add_option("IMAGE", options->images, "Photos")->required();
  command
      ->add_option("-o,--output", options->folder,
                   "Folder for the crops (PNG) and crops.csv, which says where each came from")
      ->required();
  command->add_option("--size", options->size_px, "Side of a crop in pixels")
      ->check(CLI::Range(16, 1024))
      ->capture_default_str();
  AddFaceChoice(*command, options->choice);
  AddDetectorOptions(*command, options->detector);
}

}  // namespace visavis::cli
