// MegaFace feature files: probes of known people against many distractors.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/npy.h"
#include "evaluate/report.h"
#include "evaluate/verification.h"
#include "visavis/result.h"
#include "visavis/thread_pool.h"

namespace visavis {

/// One feature file: i32 n, 1, 4, 5, then n little-endian floats. Errors: kCorruptData (another
/// header, or a length that does not fit it), kLimitExceeded (n above 65,536).
/// Source: insightface recognition/_evaluation_/megaface (write_bin).
Result<std::vector<float>> ParseMegaFaceFeature(std::span<const std::uint8_t> bytes,
                                                const std::string& name);

/// The features of a folder, sorted by path.
struct MegaFaceFeatures {
  std::vector<std::string> names;    ///< paths below the folder
  std::vector<std::int32_t> people;  ///< from 0; -1: a distractor
  NpyArray rows;
};
/// facescrub/PERSON/*.bin are the probes, megaface/**/*.bin the distractors.
/// Errors: those of ParseMegaFaceFeature and FileSystem::ReadFile; kCorruptData for features of
/// several lengths, kLimitExceeded above 2^31 values.
Result<MegaFaceFeatures> ReadMegaFaceFolder(const FileSystem& fs, const std::string& folder);

/// MegaFace's challenge: every probe is searched among one other image of its person and the
/// distractors; rank 1 is the share of such (probe, mate) pairs whose mate is more alike than every
/// distractor. `people` is -1 for distractors. Embeddings are compared by cosine.
/// Errors: kInvalidArgument without distractors, without two images of one person, or for a value
/// that is not finite.
Result<IdentificationReport> MeasureMegaFace(const EmbeddingRows& rows,
                                             std::span<const std::int32_t> people,
                                             ThreadPool* pool);

}  // namespace visavis
