#include "kernels/resize.h"

#include "kernels/kernels.h"

namespace visavis {
namespace {

ResizeKernels MakeKernels(void (*add)(ResizeKernels&)) {
  ResizeKernels kernels;
  add(kernels);
  return kernels;
}

}  // namespace

const ResizeKernels* FindResizeKernels(std::string_view isa) {
  if (FindKernels(isa) == nullptr) return nullptr;
  static const ResizeKernels scalar = MakeKernels(AddResizeScalar);
  if (isa == "scalar") return &scalar;
#if defined(__x86_64__)
  // Every set above scalar includes AVX2, which is as fast here as wider vectors: loads decide.
  static const ResizeKernels avx2 = MakeKernels(AddResizeAvx2);
  return &avx2;
#else
  return &scalar;
#endif
}

}  // namespace visavis
