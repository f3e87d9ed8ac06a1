#include "visavis/result.h"

namespace visavis {

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kCorruptData:
      return "corrupt_data";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kLimitExceeded:
      return "limit_exceeded";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

namespace internal {

void DieOnBadResult(const Error& error) {
  std::fprintf(stderr, "visavis: value() of a failed Result: %s\n", error.message.c_str());
  std::abort();
}

}  // namespace internal
}  // namespace visavis
