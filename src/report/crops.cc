#include "report/crops.h"

#include <algorithm>
#include <set>

#include "image/draw.h"
#include "visavis/decode.h"

namespace visavis {
namespace {

constexpr int kQuality = 85;

/// Images in the order in which they are worth showing: the worst pair of every list, then the
/// second worst, ...
std::vector<std::int64_t> ImagesByRank(const EvaluationReport& report) {
  std::vector<const std::vector<ReportPair>*> lists;
  std::size_t longest = 0;
  for (const ReportResult& result : report.results) {
    if (!result.verification) continue;
    lists.push_back(&result.verification->false_accepts);
    lists.push_back(&result.verification->false_rejects);
  }
  for (const auto* list : lists) longest = std::max(longest, list->size());
  std::vector<std::int64_t> images;
  std::set<std::int64_t> seen;
  for (std::size_t rank = 0; rank < longest; ++rank) {
    for (const auto* list : lists) {
      if (rank >= list->size()) continue;
      for (const std::int64_t image : {(*list)[rank].a, (*list)[rank].b}) {
        if (seen.insert(image).second) images.push_back(image);
      }
    }
  }
  return images;
}

}  // namespace

std::vector<ReportCrop> CropsOf(const EvaluationReport& report, const CropSource& source,
                                const CropLimits& limits) {
  std::vector<ReportCrop> crops;
  std::size_t bytes = 0;
  for (const std::int64_t image : ImagesByRank(report)) {
    if (crops.size() == limits.images) break;
    Result<Image> crop = source(image);
    if (!crop || crop->empty()) continue;
    Image picture = std::move(*crop);
    const PictureSize size =
        FitInside(picture.width(), picture.height(), limits.side_px, limits.side_px);
    if (size.width != picture.width() || size.height != picture.height()) {
      picture = Rescale(picture, size.width, size.height);
    }
    Result<std::vector<std::uint8_t>> jpeg = EncodeJpeg(picture, kQuality);
    if (!jpeg) continue;
    if (bytes + jpeg->size() > limits.bytes) break;
    bytes += jpeg->size();
    crops.push_back({image, std::move(*jpeg)});
  }
  return crops;
}

}  // namespace visavis
