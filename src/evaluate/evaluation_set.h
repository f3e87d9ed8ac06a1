// A data set ready to be evaluated: images or stored embeddings, and which of them to compare.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/npy.h"
#include "evaluate/bin_dataset.h"
#include "evaluate/ijb.h"
#include "evaluate/pairs.h"
#include "evaluate/report.h"
#include "visavis/result.h"
#include "visavis/types.h"

namespace visavis {

struct EvaluationImage {
  std::string name;  ///< as the data set writes it
  std::string path;  ///< file to read; "" inside a .bin, and for stored embeddings
  std::optional<Landmarks5> landmarks{};  ///< given by the data set (IJB), in pixels of the photo
};

struct EvaluationSet {
  DatasetFacts facts;  ///< all but sha256-independent counts are filled; `input` by the caller
  std::vector<EvaluationImage> images;
  std::vector<LabelledPair> pairs;   ///< empty if `every_pair`, and for IJB
  std::vector<std::string> cohorts;  ///< names
  /// The person on each image, from 0: told by folders if they agree with every label, else images
  /// joined by same-person pairs. -1: not known.
  std::vector<std::int32_t> people;
  bool people_from_folders = false;
  /// All pairs of images, too many to list: by histogram.
  bool every_pair = false;
  std::shared_ptr<const BinDataset> bin;  ///< image i is bin->image(i)
  std::optional<NpyArray> rows;           ///< stored embeddings, one row per image
  std::optional<IjbMeta> ijb;

  /// True if every pair says in which fold it is held out.
  bool HasFolds() const;
  int FoldCount() const;  ///< of HasFolds
  /// The encoded image. Errors: those of FileSystem::ReadFile.
  Result<std::vector<std::uint8_t>> ReadImageFile(std::size_t image) const;
};

struct LoadSetOptions {
  std::string kind = "auto";  ///< DatasetFacts::kind; "auto": told by the content
  std::string pairs;          ///< pair list (LFW, AgeDB or CSV) over the images of a folder or rows
  std::string images;         ///< folder that paths of a list are relative to; "": the list's own
  std::string names;          ///< of stored embeddings; "": beside them
  std::string protocol = "fp";           ///< CFP: "ff" or "fp"
  std::vector<int> only_folds;           ///< from 1; empty: all
  std::int64_t sample_pairs = 0;         ///< of each class, of an identity folder; 0: all pairs
  std::int64_t most_listed = 2'000'000;  ///< more pairs than this are not listed but counted
  std::uint64_t seed = 1;
};

/// Reads the data set at `path`:
///   *.bin                            insightface's .bin
///   *.csv                            pairs (path,path,label[,fold][,cohort])
///   *.txt                            LFW's pairs.txt or an AgeDB-30 list (path path label)
///   *.npy                            stored embeddings with names (and `pairs`)
///   folder with pairs.txt            LFW
///   folder with Pair_list_F.txt      CFP's Protocol folder
///   folder with meta/..._tid_mid.txt IJB-B or IJB-C
///   folder with facescrub, megaface  MegaFace feature files
///   other folder                     identities: one subfolder per person
/// Errors: kNotFound, kIo, kCorruptData with file and line, kInvalidArgument for options that do
/// not fit, kLimitExceeded.
Result<EvaluationSet> LoadEvaluationSet(const FileSystem& fs, const std::string& path,
                                        const LoadSetOptions& options = {});

}  // namespace visavis
