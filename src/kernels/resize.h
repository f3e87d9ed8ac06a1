// Finding the picture kernels of this machine.
#pragma once

#include <string_view>

#include "kernels/resize_table.h"

namespace visavis {

/// The resize kernels of `isa`, by the names of KnownIsas(); null if the name is unknown or this
/// machine cannot run it.
/// Threads: safe concurrently; the table is immutable and lives for the whole program.
const ResizeKernels* FindResizeKernels(std::string_view isa);

}  // namespace visavis
