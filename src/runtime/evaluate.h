// Running one operator at once, outside any plan.
#pragma once

#include <span>
#include <vector>

#include "runtime/op.h"
#include "visavis/limits.h"
#include "visavis/tensor.h"

namespace visavis {

/// The outputs of a dense `op` for known `inputs` (null: left out).
/// Errors: those of Infer and Run; kLimitExceeded if the outputs need more than `max_bytes`.
Result<std::vector<Tensor>> Evaluate(const Operator& op, std::span<const Tensor* const> inputs,
                                     std::size_t outputs, const Limits& limits,
                                     std::size_t max_bytes);

}  // namespace visavis
