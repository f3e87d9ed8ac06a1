// visavis detect IMAGE...
#include <fmt/format.h>

#include <memory>

#include "base/file_system.h"
#include "base/progress.h"
#include "base/text.h"
#include "base/try.h"
#include "commands.h"
#include "image/draw.h"
#include "json_output.h"
#include "photo_options.h"
#include "recognize/pipeline.h"
#include "visavis/recognize.h"

namespace visavis::cli {
namespace {

struct Options {
  std::vector<std::string> images;
  std::string draw_folder;
  DetectorOptions detector;
};

struct PhotoSize {
  int width = 0;
  int height = 0;
};

Json PhotoAsJson(const std::string& path, PhotoSize size,
                 const std::vector<RecognizedFace>& faces) {
  Json list = Json::array();
  for (const RecognizedFace& face : faces) list.push_back(FaceAsJson(face.face));
  return {{"path", path}, {"width", size.width}, {"height", size.height}, {"faces", list}};
}

void PrintPhoto(const std::string& path, PhotoSize size, const std::vector<RecognizedFace>& faces) {
  fmt::print("{}: {}x{}, {} face{}\n", OneLine(path), size.width, size.height, faces.size(),
             faces.size() == 1 ? "" : "s");
  if (faces.empty()) return;
  fmt::print("  face   score       x1       y1       x2       y2   landmarks\n");
  for (std::size_t i = 0; i < faces.size(); ++i) {
    const Face& face = faces[i].face;
    fmt::print("  {:4}  {:.4f} {:8.1f} {:8.1f} {:8.1f} {:8.1f}  ", i, face.score, face.box.x1,
               face.box.y1, face.box.x2, face.box.y2);
    for (const Point& point : face.landmarks) fmt::print(" ({:.0f},{:.0f})", point.x, point.y);
    fmt::print("\n");
  }
}

// Where each photo's picture goes; empty without --draw.
std::vector<std::string> PicturePaths(const Options& options) {
  std::vector<std::string> paths;
  if (options.draw_folder.empty()) return paths;
  PictureNames names;
  for (const std::string& image : options.images) {
    paths.push_back(options.draw_folder + "/" + names.Next(image, ""));
  }
  return paths;
}

Result<int> RunDetect(const Options& options, const Common& common) {
  const PhotoThreads threads(common, options.images.size());
  DetectorOptions detector_options = options.detector;
  detector_options.pool = threads.inner();
  VISAVIS_ASSIGN_OR_RETURN(const std::unique_ptr<Detector> detector,
                           LoadDetectorFor(common, detector_options));

  const std::vector<std::string> pictures = PicturePaths(options);
  if (!pictures.empty()) {
    VISAVIS_RETURN_IF_ERROR(FileSystem::Real().CreateDirectories(options.draw_folder));
  }
  std::vector<PhotoSize> sizes(options.images.size());
  const LocateFaces locate = [&](std::size_t i) -> Result<std::vector<RecognizedFace>> {
    const LoggedStep step(common, options.images[i] + ": detected");
    VISAVIS_ASSIGN_OR_RETURN(const DecodedImage photo, ReadImage(options.images[i]));
    sizes[i] = {photo.image.width(), photo.image.height()};
    VISAVIS_ASSIGN_OR_RETURN(const std::vector<Face> faces, detector->Detect(photo.image));
    if (!pictures.empty()) {
      VISAVIS_RETURN_IF_ERROR(WriteImage(pictures[i], DrawFaces(photo.image, faces, Font())));
    }
    std::vector<RecognizedFace> found;
    for (const Face& face : faces) found.push_back({face, {}, {}});
    return found;
  };
  Json photos = Json::array();
  Outcome outcome;
  ProgressBar bar("detect", static_cast<std::int64_t>(options.images.size()));
  const PhotoSink sink = [&](PhotoResult result) -> Status {
    const std::string& path = options.images[result.index];
    bar.Clear();
    if (!result.faces) {
      outcome.Fail(result.faces.error());
      photos.push_back({{"path", path}, {"error", ErrorAsJson(result.faces.error())}});
    } else if (common.json) {
      photos.push_back(PhotoAsJson(path, sizes[result.index], *result.faces));
    } else {
      PrintPhoto(path, sizes[result.index], *result.faces);
    }
    bar.Update(static_cast<std::int64_t>(result.index + 1));
    return {};
  };
  VISAVIS_RETURN_IF_ERROR(RunPipeline(options.images.size(), locate, {},
                                      {threads.outer(), /*batch=*/1, common.cancel}, sink));
  bar.Clear();
  if (common.json) PrintJson({{"photos", std::move(photos)}});
  return outcome.ExitCode(options.images.size());
}

}  // namespace

void AddDetect(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      line.Add({"detect",
                "Find faces: boxes, scores and five landmarks",
                {"visavis detect group.jpg", "visavis detect --min-size 40 --max-faces 5 *.jpg",
                 "visavis detect --draw marked photo.jpg", "visavis detect --json photo.jpg"}},
               [options](const Common& common) { return RunDetect(*options, common); });
  command->add_option("IMAGE", options->images, "Photos")->required();
  command->add_option("--draw", options->draw_folder,
                      "Folder for a picture (PNG) of every photo with its faces marked");
  AddDetectorOptions(*command, options->detector);
}

}  // namespace visavis::cli
