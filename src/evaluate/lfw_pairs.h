// The pairs of Labeled Faces in the Wild's View 2.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "visavis/result.h"

namespace visavis {

/// Two photos, each one person's number so-and-so.
struct FacePair {
  std::string name_a;
  int number_a = 0;
  std::string name_b;
  int number_b = 0;
  bool same = false;
};

/// Pairs in file order: `folds` equal parts one after the other.
struct LfwPairs {
  int folds = 0;
  std::vector<FacePair> pairs;
};

/// Reads `pairs.txt`: a line "FOLDS N", then for every fold N lines "NAME I J" (same person) and N
/// lines "NAME1 I NAME2 J" (different people), separated by tabs or spaces.
/// Errors: kCorruptData names the line; kLimitExceeded above a million pairs.
Result<LfwPairs> ParseLfwPairs(std::string_view text, std::string_view file);

/// "Ann_Example", 7 -> "Ann_Example/Ann_Example_0007.jpg", as LFW's folders have it.
std::string LfwPath(const std::string& name, int number);

}  // namespace visavis
