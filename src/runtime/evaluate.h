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

/// The same after Infer: `types` is what it declared, `inputs` the elements (null: left out, or
/// only the shape is read).
Result<std::vector<Tensor>> RunOnce(const Operator& op, const NodeTypes& types,
                                    std::span<const void* const> inputs, std::size_t scratch_bytes);

}  // namespace visavis
