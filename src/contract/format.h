// What reader and writer of contracts must agree on.
#pragma once

#include "visavis/contract.h"

namespace visavis {

inline constexpr char kContractFormat[] = "visavis-model-contract";
inline constexpr int kContractVersion = 1;

}  // namespace visavis
