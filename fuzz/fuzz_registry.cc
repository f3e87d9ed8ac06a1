// Any bytes as an entry of the registry. What is accepted must be safe to make paths of.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "zoo/registry_entry.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto asset = visavis::ParseRegistryEntry(
      std::string_view(reinterpret_cast<const char*>(data), size), "fuzz.json");
  if (!asset) return 0;
  if (asset->name.find('/') != std::string::npos) std::abort();
  for (const visavis::AssetFile& file : asset->files) {
    if (file.name.empty() || file.name.front() == '/' || file.name.find("..") == 0 ||
        file.name.find("/..") != std::string::npos) {
      std::abort();
    }
  }
  return 0;
}
