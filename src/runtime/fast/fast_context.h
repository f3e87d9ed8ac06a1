// What the blocked operators of one session share.
#pragma once

#include <memory>

#include "kernels/kernels.h"
#include "runtime/fast/cost.h"
#include "runtime/fast/weight_store.h"
#include "visavis/thread_pool.h"

namespace visavis {

struct FastContext {
  const KernelTable* kernels = nullptr;
  CostModel cost;
  int threads = 1;             ///< of the session's pool
  ThreadPool* pool = nullptr;  ///< the session's, borrowed; may be null
  std::shared_ptr<WeightStore> store;
  /// Input sizes are given by the model, so every layer ever needs one algorithm only and the
  /// file's weights can go once packed.
  bool sizes_fixed = false;
};

}  // namespace visavis
