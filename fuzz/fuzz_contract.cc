// Any bytes as a model contract.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "visavis/contract.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using visavis::ErrorCode;
  const auto contract =
      visavis::ParseContract({reinterpret_cast<const char*>(data), size}, "fuzz.visavis.json");
  const auto fail = [](const std::string& message) {
    std::fprintf(stderr, "%s\n", message.c_str());
    std::abort();
  };
  if (!contract) {
    if (contract.error().message.empty() || contract.error().code == ErrorCode::kInternal) {
      fail("error without a cause: " + contract.error().message);
    }
    return 0;
  }
  // What was read can be written, and then reads as the same.
  const auto text = visavis::ContractText(*contract);
  if (!text) fail(text.error().message);
  const auto again = visavis::ParseContract(*text, "again");
  if (!again) fail(again.error().message);
  if (*visavis::ContractText(*again) != *text) fail("written differently the second time");
  return 0;
}
