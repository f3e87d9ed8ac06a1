// How a model is run when it is measured or explained.
#pragma once

#include <string>

#include "bench/model_input.h"
#include "visavis/result.h"
#include "visavis/session.h"

namespace visavis {

struct BenchSetting {
  Precision precision = Precision::kFp32;
  bool low_memory = false;
  std::string isa;  ///< as SessionOptions::isa
  int threads = 1;
  OpenExtents extents;
};

}  // namespace visavis
