#include "detect/proposals.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/try.h"
#include "detect/nms.h"
#include "detect/patch.h"
#include "image/resize.h"
#include "image/transform.h"

namespace visavis {
namespace {

/// Rows of windows that P-Net sees at once. A level is cut into strips to keep activations small
/// and to share a large level among threads. The cut is exact, since P-Net is convolutional: a
/// strip's windows see the same pixels as in the whole level.
constexpr int kWindowRowsPerStrip = 64;
/// Overlap above which windows of one level count as the same face.
constexpr double kSameLevelOverlap = 0.5;

constexpr std::size_t kOffsets = 0;  // places in ProposalContract().widths
constexpr std::size_t kProbability = 1;

/// Windows along a side: those inside, and one that P-Net's rounding up of its pooling adds behind
/// an odd side.
int WindowsAlong(int side) {
  return (side - kProposalCell + kProposalStride + 1) / kProposalStride;
}

struct Strip {
  std::size_t level = 0;
  int first_window_row = 0;
  int first_row = 0;  ///< pixels of the level
  int rows = 0;
};

std::vector<Strip> CutIntoStrips(std::span<const PyramidLevel> levels) {
  std::vector<Strip> strips;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const int height = levels[i].height;
    const int window_rows = WindowsAlong(height);
    for (int begin = 0; begin < window_rows; begin += kWindowRowsPerStrip) {
      const int end = std::min(begin + kWindowRowsPerStrip, window_rows);
      const int first_row = begin * kProposalStride;
      const int end_row = end == window_rows ? height : (end - 1) * kProposalStride + kProposalCell;
      strips.push_back({i, begin, first_row, end_row - first_row});
    }
  }
  return strips;
}

/// The photo's pixels under window (column, row) of a level. Rounded half to even, as numpy does.
Candidate WindowBox(int column, int row, double scale) {
  const auto pixel = [scale](int window, int offset) {
    return std::nearbyint((kProposalStride * window + offset) / scale);
  };
  Candidate box;
  box.x1 = pixel(column, 1);
  box.y1 = pixel(row, 1);
  box.x2 = pixel(column, 1 + kProposalCell);
  box.y2 = pixel(row, 1 + kProposalCell);
  return box;
}

/// Appends the windows of one strip that exceed the threshold, row by row.
void CollectWindows(const Tensor& offsets, const Tensor& probability, float threshold, double scale,
                    int first_window_row, std::vector<Candidate>& found) {
  const int rows = static_cast<int>(probability.shape()[2]);
  const int columns = static_cast<int>(probability.shape()[3]);
  const std::size_t plane = static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  const std::span<const float> face = probability.data<float>().subspan(plane, plane);
  const std::span<const float> regressed = offsets.data<float>();
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      const std::size_t at = static_cast<std::size_t>(row) * static_cast<std::size_t>(columns) +
                             static_cast<std::size_t>(column);
      if (!(face[at] > threshold)) continue;
      Candidate box = WindowBox(column, first_window_row + row, scale);
      box.score = face[at];
      for (std::size_t k = 0; k < 4; ++k) box.offsets[k] = regressed[k * plane + at];
      found.push_back(box);
    }
  }
}

/// Runs P-Net on one strip.
Status SearchStrip(ImageView level, const Strip& strip, double scale, float threshold,
                   const MtcnnNetwork& network, MtcnnNetwork::Buffers& buffers,
                   std::vector<Candidate>& found) {
  const ImageView pixels{level.row(strip.first_row), level.width, strip.rows, level.stride_bytes};
  buffers.input.resize(static_cast<std::size_t>(Image::kChannels) *
                       static_cast<std::size_t>(pixels.width) *
                       static_cast<std::size_t>(pixels.height));
  ToPlanarFloat(pixels, {kMtcnnMean, kMtcnnScale, true}, buffers.input);
  VISAVIS_RETURN_IF_ERROR(network.Run(1, pixels.height, pixels.width, buffers));

  const Tensor& offsets = network.Output(buffers, kOffsets);
  const Tensor& probability = network.Output(buffers, kProbability);
  const int rows = WindowsAlong(pixels.height);
  const int columns = WindowsAlong(pixels.width);
  if (offsets.shape() != Shape{1, 4, rows, columns} ||
      probability.shape() != Shape{1, 2, rows, columns}) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "P-Net: outputs {} and {} for {}x{} pixels, want {}x{} windows",
                     offsets.shape().ToString(), probability.shape().ToString(), pixels.width,
                     pixels.height, columns, rows);
  }
  CollectWindows(offsets, probability, threshold, scale, strip.first_window_row, found);
  return {};
}

}  // namespace

NetworkContract ProposalContract() { return {"P-Net", Image::kChannels, kProposalCell, {4, 2}}; }

Result<std::vector<Candidate>> ProposeFaces(ImageView image, std::span<const PyramidLevel> levels,
                                            float threshold, const MtcnnNetwork& network,
                                            ThreadPool* pool) {
  std::vector<Image> pixels(levels.size());
  ParallelFor(pool, static_cast<std::int64_t>(levels.size()), [&](std::int64_t i, int) {
    const auto level = static_cast<std::size_t>(i);
    pixels[level] = Resize(image, levels[level].width, levels[level].height);
  });

  const std::vector<Strip> strips = CutIntoStrips(levels);
  std::vector<std::vector<Candidate>> found(strips.size());
  std::vector<Status> statuses(strips.size());
  std::vector<MtcnnNetwork::Buffers> buffers(
      pool != nullptr ? static_cast<std::size_t>(pool->threads()) : 1);
  ParallelFor(pool, static_cast<std::int64_t>(strips.size()), [&](std::int64_t i, int slot) {
    const auto at = static_cast<std::size_t>(i);
    const std::size_t level = strips[at].level;
    statuses[at] = SearchStrip(pixels[level], strips[at], levels[level].scale, threshold, network,
                               buffers[static_cast<std::size_t>(slot)], found[at]);
  });
  for (Status& status : statuses) VISAVIS_RETURN_IF_ERROR(std::move(status));

  std::vector<Candidate> proposals;
  std::vector<Candidate> windows;  // of one level
  for (std::size_t i = 0; i < strips.size(); ++i) {
    windows.insert(windows.end(), found[i].begin(), found[i].end());
    if (i + 1 < strips.size() && strips[i + 1].level == strips[i].level) continue;
    const std::vector<Candidate> kept = KeepMaxima(windows, kSameLevelOverlap, Overlap::kUnion);
    proposals.insert(proposals.end(), kept.begin(), kept.end());
    windows.clear();
  }
  return proposals;
}

}  // namespace visavis
