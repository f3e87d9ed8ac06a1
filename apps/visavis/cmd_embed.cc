// visavis embed IMAGE|DIR... -o out.npy
#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <memory>

#include "base/error.h"
#include "base/exit_code.h"
#include "base/file_system.h"
#include "base/progress.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/try.h"
#include "commands.h"
#include "json_output.h"
#include "photo_options.h"
#include "recognize/embedding_writer.h"
#include "recognize/photo_list.h"
#include "recognize/pipeline.h"
#include "setting_options.h"
#include "visavis/contract.h"
#include "visavis/match.h"
#include "visavis/recognize.h"

namespace visavis::cli {
namespace {

struct Options {
  std::vector<std::string> inputs;
  std::string list_file;
  std::string output;
  std::string model = kDefaultRecognitionModel;
  bool aligned = false;
  bool flip = false;
  bool normalize = false;
  bool resume = false;
  int batch = 8;
  FaceChoice choice = FaceChoice::kLargestCentral;
  std::string precision = "fp32";
  DetectorOptions detector;
};

Result<PhotoList> PhotosToEmbed(const Options& options) {
  if (options.inputs.empty() == options.list_file.empty()) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "embed: want either photos and folders, or --list FILE");
  }
  if (options.list_file.empty()) return ListPhotos(options.inputs);
  PhotoList list;
  VISAVIS_ASSIGN_OR_RETURN(list.paths, ReadListFile(FileSystem::Real(), options.list_file));
  return list;
}

// Whatever changes rows changes this: the inputs, the network, the options. See
// docs/formats/embeddings.md.
std::string Fingerprint(const Options& options, const PhotoList& photos) {
  std::string text = fmt::format("visavis {}\n{}\n", VISAVIS_VERSION, options.model);
  for (const std::string& file : {options.model, ContractPathFor(options.model)}) {
    std::error_code error;
    const auto size = std::filesystem::file_size(file, error);
    if (error) continue;
    const auto time = std::filesystem::last_write_time(file, error);
    text += fmt::format("{} {}\n", size, time.time_since_epoch().count());
  }
  text +=
      fmt::format("{} {} {} {} {} {}\n", options.aligned, options.flip, options.normalize,
                  static_cast<int>(options.choice), options.precision, Describe(options.detector));
  for (const std::string& path : photos.paths) {
    text += path;
    text += '\0';
  }
  for (const auto& [folder, failure] : photos.failures) text += folder + '\0';
  return Sha256Hex({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

Result<std::vector<RecognizedFace>> ReadAligned(const std::string& path, int side_px) {
  VISAVIS_ASSIGN_OR_RETURN(DecodedImage photo, ReadImage(path));
  if (photo.image.width() != side_px || photo.image.height() != side_px) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: is {}x{} pixels, want an aligned {}x{} crop",
                     path, photo.image.width(), photo.image.height(), side_px, side_px);
  }
  std::vector<RecognizedFace> faces(1);
  faces[0].crop.image = std::move(photo.image);
  return faces;
}

Json Summary(const Options& options, const EmbeddingWriter& writer, int dimension,
             std::size_t inputs, double seconds) {
  return {{"output", options.output},
          {"names", BesideOutput(options.output, ".names.tsv")},
          {"failed", writer.failures() > 0 ? Json(BesideOutput(options.output, ".failed.tsv"))
                                           : Json(nullptr)},
          {"inputs", inputs},
          {"rows", writer.rows()},
          {"failures", writer.failures()},
          {"dimension", dimension},
          {"seconds", seconds}};
}

// The parts of one run that the stages share.
struct Job {
  const Options& options;
  const Common& common;
  PhotoList photos;
  std::unique_ptr<Detector> detector;  // null for aligned crops
  Embedder embedder;

  // Folders that could not be read stand behind the photos: reported like them, never dropped.
  std::size_t inputs() const { return photos.paths.size() + photos.failures.size(); }
  const std::string& Path(std::size_t i) const {
    return i < photos.paths.size() ? photos.paths[i]
                                   : photos.failures[i - photos.paths.size()].first;
  }
  Result<std::vector<RecognizedFace>> Locate(std::size_t i) const {
    if (i >= photos.paths.size()) return photos.failures[i - photos.paths.size()].second;
    const LoggedStep step(common,
                          Path(i) + (detector == nullptr ? ": read" : ": detected and aligned"));
    if (detector == nullptr) return ReadAligned(Path(i), embedder.crop_size_px());
    return FindFacesInPhoto(Path(i), *detector, options.choice, embedder.crop_pose());
  }
};

// Rows of one photo, or the reason why there are none.
Status Write(const Job& job, const std::string& path, PhotoResult result, EmbeddingWriter& writer,
             Outcome& outcome) {
  if (!result.faces) {
    const Error& error = result.faces.error();
    outcome.Fail(error);
    return writer.AddFailure(path, ErrorCodeName(error.code), error.message);
  }
  if (result.faces->empty()) {
    outcome.NoFace(path);
    return writer.AddFailure(path, "no_face", NoFaceMessage(path));
  }
  if (job.options.normalize) {
    for (RecognizedFace& face : *result.faces) face.embedding = Normalize(face.embedding);
  }
  return writer.Add(path, *result.faces);
}

Status EmbedAll(const Job& job, int threads, EmbeddingWriter& writer, Outcome& outcome) {
  const auto done = static_cast<std::size_t>(writer.inputs_done());
  ProgressBar bar("embed", static_cast<std::int64_t>(job.inputs()));
  bar.Update(writer.inputs_done());
  return RunPipeline(
      job.inputs() - done, [&](std::size_t i) { return job.Locate(done + i); },
      [&](std::span<const ImageView> crops) {
        const LoggedStep step(job.common, fmt::format("{} faces embedded", crops.size()));
        return job.embedder.Embed(crops);
      },
      {threads, job.options.batch, job.common.cancel},
      [&](PhotoResult result) -> Status {
        const std::string& path = job.Path(done + result.index);
        const bool fine = result.faces && !result.faces->empty();
        if (!fine) bar.Clear();
        VISAVIS_RETURN_IF_ERROR(Write(job, path, std::move(result), writer, outcome));
        bar.Update(writer.inputs_done());
        return {};
      });
}

Result<Job> Prepare(const Options& options, const Common& common, ThreadPool* pool,
                    PhotoList photos) {
  EmbedOptions embed_options;
  embed_options.batch = options.batch;
  embed_options.flip = options.flip;
  embed_options.session.pool = pool;
  VISAVIS_ASSIGN_OR_RETURN(embed_options.session.precision, ParsePrecision(options.precision));
  VISAVIS_ASSIGN_OR_RETURN(LoadedEmbedder loaded,
                           LoadEmbedderFor(common, options.model, embed_options));
  std::unique_ptr<Detector> detector;
  if (!options.aligned) {
    DetectorOptions detector_options = options.detector;
    detector_options.pool = pool;
    VISAVIS_ASSIGN_OR_RETURN(detector, LoadDetectorFor(common, detector_options));
  }
  return Job{options, common, std::move(photos), std::move(detector), std::move(loaded.embedder)};
}

Result<int> RunEmbed(const Options& options, const Common& common) {
  const auto start = std::chrono::steady_clock::now();
  VISAVIS_ASSIGN_OR_RETURN(PhotoList photos, PhotosToEmbed(options));
  const std::string fingerprint = Fingerprint(options, photos);
  const PhotoThreads threads(common, photos.paths.size());
  VISAVIS_ASSIGN_OR_RETURN(const Job job,
                           Prepare(options, common, threads.inner(), std::move(photos)));
  const int dimension = job.embedder.dimension();
  VISAVIS_ASSIGN_OR_RETURN(
      EmbeddingWriter writer,
      EmbeddingWriter::Open(FileSystem::Real(), {.path = options.output,
                                                 .dimension = dimension,
                                                 .fingerprint = fingerprint,
                                                 .resume = options.resume,
                                                 .with_boxes = !options.aligned}));
  const std::int64_t failures_before = writer.failures();

  Outcome outcome;
  if (const Status status = EmbedAll(job, threads.outer(), writer, outcome); !status) {
    const Status saved = writer.Suspend();
    if (saved && writer.inputs_done() > 0) {
      return MakeError(status.error().code, "{}; --resume continues after {} of {} inputs",
                       status.error().message, writer.inputs_done(), job.inputs());
    }
    return status.error();
  }
  if (Status committed = writer.Commit(); !committed) {
    (void)writer.Suspend();
    return committed.error();
  }

  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (common.json) {
    PrintJson(Summary(options, writer, dimension, job.inputs(), seconds));
  } else {
    fmt::print("{}: {} rows of {} numbers from {} inputs in {:.1f} s\n", OneLine(options.output),
               writer.rows(), dimension, job.inputs(), seconds);
  }
  if (writer.failures() > 0 && job.inputs() > 1) {
    PrintError(fmt::format("{} of {} inputs gave no row; they are listed in {}", writer.failures(),
                           job.inputs(), BesideOutput(options.output, ".failed.tsv")));
  }
  if (job.inputs() == 0) PrintError("no photos found in what was given");
  return failures_before > 0 ? kExitIncomplete : outcome.ExitCode(job.inputs());
}

}  // namespace

void AddEmbed(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      line.Add({"embed",
                "Turn faces into rows of numbers that can be compared",
                {"visavis embed photos/ -o faces.npy",
                 "visavis embed --list paths.txt --face all -o faces.npy",
                 "visavis embed --aligned crops/ --flip -o crops.npy",
                 "visavis embed --resume photos/ -o faces.npy",
                 "visavis embed --normalize a.jpg b.jpg -o faces.jsonl"}},
               [options](const Common& common) { return RunEmbed(*options, common); });
  command->add_option("INPUT", options->inputs,
                      "Photos, and folders that are searched to the bottom");
  command->add_option("--list", options->list_file,
                      "Text file with one path a line; rows in that order");
  command
      ->add_option("-o,--output", options->output,
                   "Rows to write, e.g. out.npy (or .jsonl, .csv); their names go to "
                   "out.names.tsv, what gave "
                   "no row to out.failed.tsv")
      ->required();
  AddModelOption(*command, options->model);
  AddPrecisionOption(*command, options->precision);
  command->add_flag("--aligned", options->aligned, "The inputs are aligned crops: no detection");
  command->add_flag("--flip", options->flip, "Add the embedding of the mirrored face");
  command->add_flag("--normalize", options->normalize,
                    "Scale every row to length 1 (default: the network's own output)");
  command->add_option("--batch", options->batch, "Faces per run of the network")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->add_flag("--resume", options->resume, "Continue an interrupted run");
  AddFaceChoice(*command, options->choice);
  AddDetectorOptions(*command, options->detector);
}

}  // namespace visavis::cli
