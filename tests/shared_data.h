// Where the real weights, photos and expected results are, and the loud skip when they are missing.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace visavis {

/// The folder of real weights and faces: $VISAVIS_SHARED, else ../shared.
inline std::string SharedDir() {
  const char* from_environment = std::getenv("VISAVIS_SHARED");
  return from_environment != nullptr && *from_environment != 0 ? from_environment : "../shared";
}

inline std::string SharedPath(const std::string& relative) { return SharedDir() + "/" + relative; }

}  // namespace visavis

/// Skips the running test, loudly, unless SharedPath(relative) exists.
#define VISAVIS_REQUIRE_SHARED(relative)                           \
  do {                                                             \
    if (!std::filesystem::exists(visavis::SharedPath(relative))) { \
      GTEST_SKIP() << "SKIPPED: " << visavis::SharedPath(relative) \
                   << " is missing; set VISAVIS_SHARED";           \
    }                                                              \
  } while (false)
