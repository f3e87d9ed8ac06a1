#include "runtime/choose_kernels.h"

#include <cstdlib>

#include "base/error.h"

namespace visavis {

Result<const KernelTable*> ChooseKernels(std::string_view wanted) {
  const char* from_environment = std::getenv("VISAVIS_ISA");
  std::string_view isa = wanted;
  if (isa.empty() && from_environment != nullptr) isa = from_environment;
  if (isa.empty()) isa = BestIsa();
  const KernelTable* kernels = FindKernels(isa);
  if (kernels == nullptr) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "instruction set '{}' is unknown or not available on this machine; the best "
                     "here is '{}'",
                     isa, BestIsa());
  }
  return kernels;
}

}  // namespace visavis
