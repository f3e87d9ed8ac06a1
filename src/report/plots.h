// The plots of an evaluation and of a calibration, and their files.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "evaluate/probability.h"
#include "evaluate/report.h"
#include "report/plot.h"
#include "visavis/result.h"

namespace visavis {

/// A plot and the stem of its files.
struct NamedPlot {
  std::string name;  ///< "roc"
  Plot plot;
};

/// ROC and DET of all results over each other, one histogram of similarities per result, and CMC
/// where there are searches. Results without pairs of both classes are left out.
std::vector<NamedPlot> PlotsOf(const EvaluationReport& report);

/// What the map said, and what share of such pairs were the same person, with the map itself left
/// out: a map that is right lies on the diagonal. `subtitle` says on which pairs.
NamedPlot ReliabilityPlot(std::span<const ReliabilityBin> bins, std::string subtitle);
/// The map itself: probability over similarity, with the threshold.
NamedPlot ProbabilityPlot(const ProbabilityMap& map, double low, double high, double threshold,
                          std::string subtitle);

/// Writes NAME.svg and NAME.png of every plot into `folder`, which is made if it does not exist.
/// Each file is written whole or not at all. Errors: kIo.
Status WritePlots(FileSystem& fs, const std::string& folder, std::span<const NamedPlot> plots);

}  // namespace visavis
