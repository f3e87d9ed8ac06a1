#include "evaluate/megaface.h"

#include <algorithm>
#include <bit>
#include <filesystem>
#include <map>
#include <string_view>

#include "base/error.h"
#include "base/try.h"
#include "evaluate/identification.h"
#include "visavis/match.h"

namespace visavis {
namespace {

namespace stdfs = std::filesystem;

std::uint32_t U32At(std::span<const std::uint8_t> bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | bytes[at + i];
  return value;
}

std::vector<stdfs::path> FilesBelow(const stdfs::path& folder) {
  std::vector<stdfs::path> files;
  std::error_code error;
  for (stdfs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() == ".bin") files.push_back(at->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Result<MegaFaceFeatures> ReadMegaFaceFolder(const FileSystem& fs, const std::string& folder) {
  constexpr std::int64_t kMostElements = 1LL << 31;
  MegaFaceFeatures features;
  std::int64_t dimension = 0;
  std::map<std::string, std::int32_t> number;
  for (const char* part : {"facescrub", "megaface"}) {
    const bool probe = std::string_view(part) == "facescrub";
    for (const stdfs::path& path : FilesBelow(stdfs::path(folder) / part)) {
      VISAVIS_ASSIGN_OR_RETURN(const auto bytes, fs.ReadFile(path.string(), 1 << 20));
      VISAVIS_ASSIGN_OR_RETURN(const auto values, ParseMegaFaceFeature(bytes, path.string()));
      if (features.names.empty()) dimension = std::ssize(values);
      if (dimension != std::ssize(values)) {
        return MakeError(ErrorCode::kCorruptData, "{}: {} values, want {} as in the others",
                         path.string(), values.size(), dimension);
      }
      auto& all = features.rows.values;
      if (std::ssize(all) > kMostElements)
        return MakeError(ErrorCode::kLimitExceeded, "{}: too many features", folder);
      all.insert(all.end(), values.begin(), values.end());
      const auto next = static_cast<std::int32_t>(number.size());
      features.people.push_back(
          probe ? number.try_emplace(path.parent_path().string(), next).first->second : -1);
      features.names.push_back(path.lexically_relative(folder).string());
    }
  }
  features.rows.shape = {std::ssize(features.names), dimension};
  if (features.names.empty())
    return MakeError(ErrorCode::kNotFound, "{}: no feature files *.bin", folder);
  return features;
}

Result<std::vector<float>> ParseMegaFaceFeature(std::span<const std::uint8_t> bytes,
                                                const std::string& name) {
  constexpr std::size_t kHeader = 16;
  constexpr std::uint32_t kMost = 65536;
  if (bytes.size() < kHeader || U32At(bytes, 4) != 1 || U32At(bytes, 8) != 4 ||
      U32At(bytes, 12) != 5) {
    return MakeError(ErrorCode::kCorruptData, "{}: no MegaFace feature (header n, 1, 4, 5)", name);
  }
  const std::uint32_t n = U32At(bytes, 0);
  if (n > kMost) return MakeError(ErrorCode::kLimitExceeded, "{}: {} values", name, n);
  if (n == 0 || bytes.size() != kHeader + 4 * std::size_t{n}) {
    return MakeError(ErrorCode::kCorruptData, "{}: {} bytes, want {} for {} values", name,
                     bytes.size(), kHeader + 4 * std::size_t{n}, n);
  }
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) {
    values[i] = std::bit_cast<float>(U32At(bytes, kHeader + 4 * i));
  }
  return values;
}

Result<IdentificationReport> MeasureMegaFace(const EmbeddingRows& rows,
                                             std::span<const std::int32_t> people,
                                             ThreadPool* pool) {
  if (people.size() != rows.rows()) {
    return MakeError(ErrorCode::kInvalidArgument, "megaface: {} people for {} rows", people.size(),
                     rows.rows());
  }
  std::vector<float> distractors;
  std::vector<float> probes;
  std::map<std::int32_t, std::vector<std::size_t>> images;  // by person: probe numbers
  std::size_t count = 0;
  for (std::size_t i = 0; i < people.size(); ++i) {
    const auto row = rows.row(i);
    auto& side = people[i] < 0 ? distractors : probes;
    side.insert(side.end(), row.begin(), row.end());
    if (people[i] >= 0) images[people[i]].push_back(count++);
  }
  const std::vector<std::int64_t> strangers(distractors.size() / rows.dimension, -1);
  const std::vector<std::int64_t> searched(count, 0);
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<ProbeOutcome> outcomes,
                           SearchAll({{distractors, rows.dimension}, strangers},
                                     {{probes, rows.dimension}, searched}, pool));
  const EmbeddingRows probe_rows{probes, rows.dimension};
  std::int64_t pairs = 0;
  std::int64_t first = 0;
  for (const auto& [person, numbers] : images) {
    for (const std::size_t probe : numbers) {
      for (const std::size_t mate : numbers) {
        if (mate == probe) continue;
        VISAVIS_ASSIGN_OR_RETURN(const double similarity,
                                 Similarity(probe_rows.row(probe), probe_rows.row(mate)));
        ++pairs;
        first += similarity > outcomes[probe].best_similarity;
      }
    }
  }
  if (pairs == 0) {
    return MakeError(ErrorCode::kInvalidArgument, "megaface: nobody has two images");
  }
  IdentificationReport report;
  report.name = fmt::format("{} distractors", strangers.size());
  report.rule = "MegaFace: one mate among the distractors, over all (probe, mate) pairs";
  report.gallery_subjects = report.gallery_entries = std::ssize(strangers) + 1;
  report.mated = pairs;
  report.rank1 = {static_cast<double>(first) / static_cast<double>(pairs),
                  WilsonInterval(first, pairs), "wilson"};
  return report;
}

}  // namespace visavis
