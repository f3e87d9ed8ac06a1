#include "kernels/isa_tables.h"

namespace visavis {

void AddAvx512Bf16(KernelTable& /*table*/) {}

}  // namespace visavis
