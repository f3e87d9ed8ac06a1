// Which kernels a session or a plan uses.
#pragma once

#include <string_view>

#include "kernels/kernels.h"
#include "visavis/result.h"

namespace visavis {

/// The kernels of `wanted`; if that is empty of $VISAVIS_ISA; if that is not set, the best of this
/// machine. Never null.
/// Errors: kInvalidArgument if the instruction set is unknown or not available here.
Result<const KernelTable*> ChooseKernels(std::string_view wanted);

}  // namespace visavis
