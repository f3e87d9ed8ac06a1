// Macros of the per-ISA files.
#pragma once

#define VISAVIS_INLINE inline __attribute__((always_inline))
#define VISAVIS_INLINE_LAMBDA __attribute__((always_inline))
// Register tiles stay in registers only if every loop over them is unrolled completely.
#if defined(__clang__)
#define VISAVIS_UNROLL _Pragma("unroll")
#else
#define VISAVIS_UNROLL _Pragma("GCC unroll 36")
#endif
