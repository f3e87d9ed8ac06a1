// The faces of the pairs that an evaluation shows.
#pragma once

#include <cstdint>
#include <vector>

#include "evaluate/report.h"

namespace visavis {

/// An aligned face as JPEG.
struct ReportCrop {
  std::int64_t image = 0;  ///< index in the data set
  std::vector<std::uint8_t> jpeg;
};

struct CropLimits {
  int side_px = 112;              ///< larger crops are made smaller
  std::size_t images = 400;       ///< at most so many
  std::size_t bytes = 4'000'000;  ///< of all JPEGs together
};

/// The crops of all pairs that the report shows, the worst pairs first, within the limits. Images
/// without a crop, and those that cannot be read any more, are left out.
std::vector<ReportCrop> CropsOf(const EvaluationReport& report, const CropSource& source,
                                const CropLimits& limits = {});

}  // namespace visavis
