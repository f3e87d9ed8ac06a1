// VISAVIS_CHECK: a broken internal precondition is a bug and ends the program. Never used on
// outside data.
#pragma once

#include <cstdio>
#include <cstdlib>

#define VISAVIS_CHECK(condition)                                                         \
  do {                                                                                   \
    if (!(condition)) [[unlikely]] {                                                     \
      std::fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                      \
    }                                                                                    \
  } while (false)
