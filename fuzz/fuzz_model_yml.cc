// Any bytes as Open Model Zoo's model.yml and composite-model.yml.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "zoo/omz_model.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)visavis::ParseOmzModel(text, "fuzz", "", "fuzz.yml");
  (void)visavis::ParseOmzComposite(text, "fuzz", "fuzz.yml");
  return 0;
}
