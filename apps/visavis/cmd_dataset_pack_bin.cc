// visavis dataset pack-bin DATA -o out.bin
#include <fmt/format.h>

#include <memory>

#include "base/error.h"
#include "base/exit_code.h"
#include "base/file_system.h"
#include "base/progress.h"
#include "base/try.h"
#include "commands.h"
#include "evaluate/bin_dataset.h"
#include "evaluate/embed_set.h"
#include "evaluate_data.h"
#include "json_output.h"
#include "photo_options.h"
#include "visavis/decode.h"

namespace visavis::cli {
namespace {

struct Options {
  DataOptions data;
  InputOption input;
  std::string output;
  FaceChoice choice = FaceChoice::kLargestCentral;
  DetectorOptions detector;
};

Result<int> RunPackBin(const Options& options, const Common& common) {
  VISAVIS_ASSIGN_OR_RETURN(const EvaluationSet set, options.data.Load(common));
  if (set.rows || set.ijb || set.every_pair) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: a .bin holds listed pairs of images",
                     options.data.path);
  }
  const bool aligned = options.input.Aligned(set, 112);
  std::unique_ptr<Detector> detector;
  if (!aligned) {
    VISAVIS_ASSIGN_OR_RETURN(detector, LoadDetectorFor(common, options.detector));
  }
  ProgressBar bar("pack", std::ssize(set.images));
  std::vector<std::vector<std::uint8_t>> images;
  for (std::size_t i = 0; i < set.images.size(); ++i) {
    if (common.Cancelled()) return MakeError(ErrorCode::kCancelled, "interrupted");
    if (aligned) {  // the bytes as they are: packing changes no pixel
      VISAVIS_ASSIGN_OR_RETURN(std::vector<std::uint8_t> bytes, set.ReadImageFile(i));
      images.push_back(std::move(bytes));
    } else {
      VISAVIS_ASSIGN_OR_RETURN(const std::optional<Image> crop,
                               CropOfImage(set, i, {detector.get(), options.choice, {}}));
      if (!crop) {
        return MakeError(ErrorCode::kInvalidArgument,
                         "{}: no face found; a .bin has no place for pairs without one",
                         set.images[i].path);
      }
      VISAVIS_ASSIGN_OR_RETURN(std::vector<std::uint8_t> bytes, EncodePng(*crop));
      images.push_back(std::move(bytes));
    }
    bar.Update(std::ssize(images));
  }
  std::vector<std::size_t> order;
  std::vector<bool> same;
  for (const LabelledPair& pair : set.pairs) {
    order.insert(order.end(), {pair.a, pair.b});
    same.push_back(pair.same);
  }
  VISAVIS_RETURN_IF_ERROR(WriteBinDataset(FileSystem::Real(), options.output, images, order, same));
  bar.Clear();
  if (common.json) {
    PrintJson({{"output", options.output},
               {"pairs", same.size()},
               {"images", images.size()},
               {"input", aligned ? "aligned" : "photos"}});
  } else {
    fmt::print("{}: {} pairs of {} images\n", options.output, same.size(), images.size());
  }
  return kExitOk;
}

}  // namespace

void AddDatasetPackBin(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      line.AddTo("dataset",
                 {"pack-bin",
                  "Pack pairs of images into insightface's .bin",
                  {"visavis dataset pack-bin lfw-aligned/ --pairs pairs.txt -o lfw.bin",
                   "visavis dataset pack-bin pairs.csv --photos -o mine.bin"}},
                 [options](const Common& common) { return RunPackBin(*options, common); });
  options->data.AddTo(*command);
  options->input.AddTo(*command);
  command->add_option("-o,--output", options->output, "The .bin to write")->required();
  AddFaceChoice(*command, options->choice);
  AddDetectorOptions(*command, options->detector);
}

}  // namespace visavis::cli
