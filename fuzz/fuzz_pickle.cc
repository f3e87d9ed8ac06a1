// insightface's .bin: the pickle reader and the data set on top of it.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "evaluate/bin_dataset.h"
#include "evaluate/pickle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  visavis::PickleLimits limits;
  limits.objects = limits.stack = 100'000;
  (void)visavis::Pickle::Parse({data, size}, "fuzz", limits);
  const auto set = visavis::BinDataset::Parse({data, data + size}, "fuzz.bin");
  if (!set) return 0;
  for (std::size_t pair = 0; pair < set->pairs(); ++pair) {
    for (const int side : {0, 1}) {
      if (set->image_of(pair, side) >= set->images()) __builtin_trap();
    }
  }
  return 0;
}
