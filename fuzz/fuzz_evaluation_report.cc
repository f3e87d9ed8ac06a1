// Any bytes as the report of an earlier evaluation.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "evaluate/report_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)visavis::ParseReport({reinterpret_cast<const char*>(data), size}, "fuzz.json");
  return 0;
}
