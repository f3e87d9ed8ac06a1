// What a contract says about a crop's pixels, as an embedder takes it.
#pragma once

#include "visavis/contract.h"
#include "visavis/embed.h"

namespace visavis {

/// Mean and scale stay 0 and 1 where the graph itself normalises.
InputPixels PixelsOf(const ContractInput& input);

}  // namespace visavis
