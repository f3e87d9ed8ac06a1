#include "kernels/resize.h"

#include "kernels/kernels.h"

namespace visavis {

const ResizeKernels* FindResizeKernels(std::string_view isa) {
  static const ResizeKernels scalar = [] {
    ResizeKernels kernels;
    AddResizeScalar(kernels);
    return kernels;
  }();
  if (FindKernels(isa) == nullptr) return nullptr;
  return &scalar;
}

}  // namespace visavis
