#include "kernels/isa_tables.h"

namespace visavis {

void AddAvx2(KernelTable& /*table*/) {}

}  // namespace visavis
