#include "evaluate_data.h"

#include "base/file_system.h"
#include "evaluate/embed_set.h"

namespace visavis::cli {

void DataOptions::AddTo(CLI::App& command) {
  command
      .add_option("DATA", path,
                  "Data set: .bin, pairs .csv or .txt, embeddings .npy, or a folder (LFW, CFP "
                  "Protocol, IJB, MegaFace features, one subfolder per person)")
      ->required();
  command.add_option("--pairs", load.pairs,
                     "List of pairs over the images of DATA: LFW's pairs.txt, AgeDB's, or a .csv");
  command.add_option("--images", load.images, "Folder that the paths of a list start from");
  command.add_option("--names", load.names,
                     "Names of the rows of a .npy, one a line or as of embed");
  command.add_option("--data-kind", load.kind, "What DATA is, where its content does not tell")
      ->check(CLI::IsMember({"auto", "lfw", "cfp", "folder", "ijb"}))
      ->capture_default_str();
  command.add_option("--cfp", load.protocol, "CFP: ff or fp")
      ->check(CLI::IsMember({"ff", "fp"}))
      ->capture_default_str();
  command.add_option("--only-folds", load.only_folds, "Only the pairs of these folds, from 1")
      ->delimiter(',')
      ->check(CLI::Range(1, 1000000));
  command
      .add_option("--sample-pairs", load.sample_pairs,
                  "Persons' folders: so many pairs of each class, drawn with --seed; 0 = all pairs")
      ->check(CLI::Range(0, 100000000))
      ->capture_default_str();
}

Result<EvaluationSet> DataOptions::Load(const Common& common) const {
  const LoggedStep step(common, path + ": read");
  return LoadEvaluationSet(FileSystem::Real(), path, load);
}

void InputOption::AddTo(CLI::App& command) {
  auto* crops =
      command.add_flag("--aligned", aligned, "The images are aligned crops (default: look)");
  command.add_flag("--photos", photos, "The images are photos: detect and align")->excludes(crops);
}

bool InputOption::Aligned(const EvaluationSet& set, int crop_size_px) const {
  return aligned || (!photos && (set.bin != nullptr || LooksAligned(set, crop_size_px)));
}

}  // namespace visavis::cli
