#include "kernels/isa_tables.h"

namespace visavis {

void AddAvx512(KernelTable& /*table*/) {}

}  // namespace visavis
