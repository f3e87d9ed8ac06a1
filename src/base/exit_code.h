// The one table from ErrorCode to the exit code of a program (docs/errors.md).
#pragma once

#include "visavis/result.h"

namespace visavis {

inline constexpr int kExitOk = 0;
/// Something of what was asked for could not be had (a photo without a face, a few unreadable
/// files of many); the rest was done.
inline constexpr int kExitIncomplete = 1;

/// The exit code of a program that ends because of an error of this kind.
constexpr int ExitCodeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return 2;
    case ErrorCode::kNotFound:
      return 3;
    case ErrorCode::kCorruptData:
      return 4;
    case ErrorCode::kUnsupported:
      return 5;
    case ErrorCode::kLimitExceeded:
      return 6;
    case ErrorCode::kIo:
      return 7;
    case ErrorCode::kInternal:
      return 8;
    case ErrorCode::kCancelled:
      return 130;  // 128 + SIGINT, as shells report it
  }
  return 8;
}

}  // namespace visavis
