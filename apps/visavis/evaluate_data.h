// Options about data sets, shared by `evaluate` and `dataset pack-bin`.
#pragma once

#include <string>

#include "command_line.h"
#include "evaluate/evaluation_set.h"
#include "visavis/result.h"

namespace visavis::cli {

struct DataOptions {
  std::string path;
  LoadSetOptions load;

  /// Declares DATA, --pairs, --images, --names, --data-kind, --cfp, --only-folds, --sample-pairs.
  void AddTo(CLI::App& command);
  /// LoadEvaluationSet; -v says how long it took.
  Result<EvaluationSet> Load(const Common& common) const;
};

/// Whether the images are aligned crops: as --aligned or --photos says, else by the first image.
struct InputOption {
  bool aligned = false;
  bool photos = false;
  void AddTo(CLI::App& command);
  bool Aligned(const EvaluationSet& set, int crop_size_px) const;
};

}  // namespace visavis::cli
