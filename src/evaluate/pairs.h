// Lists of labelled pairs of images, and their published file formats. docs/formats/pairs.md
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "visavis/result.h"

namespace visavis {

/// Two images by index into PairList::images, and whether they show the same person.
struct LabelledPair {
  std::size_t a = 0;
  std::size_t b = 0;
  bool same = false;
  int fold = -1;    ///< -1: contiguous folds by position
  int cohort = -1;  ///< index into PairList::cohorts; -1: none
};

/// A protocol's pairs in its own order.
struct PairList {
  std::vector<std::string> images;   ///< relative paths, each once, in order of first use
  std::vector<std::string> cohorts;  ///< names
  std::vector<LabelledPair> pairs;
};

/// LFW's pairs.txt: "folds<TAB>n", then per fold n lines `name i j` (same) and n lines `name1 i
/// name2 j` (different). Images are `name/name_%04d` + extension. A header of one number is one
/// fold (pairsDevTest.txt). Errors: kCorruptData with the line number. Source: the LFW site's
/// README (View 2).
Result<PairList> ParseLfwPairs(std::string_view text, const std::string& name,
                               std::string_view extension = ".jpg");
/// True if the text begins as LFW's lists do: with one or two numbers.
bool LooksLikeLfwPairs(std::string_view text);

/// Generic CSV: `path_a,path_b,label[,fold][,cohort]` with an optional header row that starts with
/// "path"; label is 0/1, true/false, same/different. Quoted fields ("a,b", doubled quotes) are
/// read. A third column more than once is an error. Errors: kCorruptData with the line number.
Result<PairList> ParseCsvPairs(std::string_view text, const std::string& name);

/// AgeDB-30 as published in text: lines `path path label`, label 1 for the same person and 0 or -1
/// for different ones; a number of lines that 10 divides is ten folds in order, else there are
/// none. Errors: kCorruptData with the line number.
Result<PairList> ParseAgeDbPairs(std::string_view text, const std::string& name);

/// CFP's Protocol folder: one fold's `same.txt` and `diff.txt` (lines `i,j`, 1-based lines of the
/// two lists), over the image lists Pair_list_F.txt and Pair_list_P.txt (lines `number path`).
/// `frontal_profile`: the second index is into the profile list, else both are frontal.
/// Errors: kCorruptData with file and line.
struct CfpFold {
  std::string same;
  std::string different;
};
Result<PairList> ParseCfpPairs(std::string_view frontal_list, std::string_view profile_list,
                               const std::vector<CfpFold>& folds, bool frontal_profile,
                               const std::string& name);

}  // namespace visavis
