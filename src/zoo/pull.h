// Several assets at once, as `visavis zoo pull` does.
#pragma once

#include <string>
#include <vector>

#include "visavis/zoo.h"

namespace visavis {

struct PullResult {
  const Asset* asset = nullptr;
  Status status;
  std::string folder = {};  ///< where its files are
};

/// Fetches every asset with up to `jobs` at a time; with an `output` folder the files are copied
/// there as well. One result per asset, in their order. What options call is called by one thread
/// at a time.
std::vector<PullResult> PullAssets(const std::vector<const Asset*>& assets,
                                   const std::string& output, int jobs, FetchOptions options);

}  // namespace visavis
