#include "visavis/align.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "base/try.h"
#include "image/resize.h"
#include "image/warp.h"

namespace visavis {
namespace {

// For a crop 112 px high and 96 px wide. Source: insightface's face_preprocess.
constexpr Landmarks5 kNarrow = {{{30.2946f, 51.6963f},
                                 {65.5318f, 51.5014f},
                                 {48.0252f, 71.7366f},
                                 {33.5493f, 92.3655f},
                                 {62.7299f, 92.2041f}}};
// For a crop of 112x112. Source: the third of insightface's five poses (face_align, src3).
constexpr Landmarks5 kFrontal = {{{39.730f, 51.138f},
                                  {72.270f, 51.138f},
                                  {56.000f, 68.493f},
                                  {42.463f, 87.010f},
                                  {69.537f, 87.010f}}};

// The points moved right by `shift`, scaled from a crop of `side` to one of `size_px`.
Landmarks5 Place(const Landmarks5& points, float shift, float side, int size_px) {
  const float scale = static_cast<float>(size_px) / side;
  Landmarks5 placed;
  for (std::size_t i = 0; i < points.size(); ++i) {
    placed[i] = {(points[i].x + shift) * scale, points[i].y * scale};
  }
  return placed;
}

struct Mean {
  double x = 0;
  double y = 0;
};

Mean MeanOf(const Landmarks5& points) {
  Mean mean;
  for (const Point& p : points) {
    mean.x += p.x / static_cast<double>(points.size());
    mean.y += p.y / static_cast<double>(points.size());
  }
  return mean;
}

Status CheckFinite(const Landmarks5& points) {
  for (const Point& p : points) {
    if (std::isfinite(p.x) && std::isfinite(p.y)) continue;
    return MakeError(ErrorCode::kInvalidArgument, "align: landmark ({}, {}), want finite numbers",
                     p.x, p.y);
  }
  return {};
}

Status CheckSpan(const Landmarks5& points) {
  const auto [left, right] = std::minmax_element(
      points.begin(), points.end(), [](const Point& a, const Point& b) { return a.x < b.x; });
  const auto [top, bottom] = std::minmax_element(
      points.begin(), points.end(), [](const Point& a, const Point& b) { return a.y < b.y; });
  const double span_px = std::max(double{right->x} - left->x, double{bottom->y} - top->y);
  if (span_px >= 1) return {};
  return MakeError(ErrorCode::kInvalidArgument, "align: landmarks span {} px, want 1 or more",
                   span_px);
}

Status CheckSizes(ImageView image, int size_px) {
  if (!image.empty() && size_px > 0) return {};
  return MakeError(ErrorCode::kInvalidArgument, "align: image {}x{}, crop {} px, want positive",
                   image.width, image.height, size_px);
}

// The middle of the image, for want of a box.
Box CentralBox(ImageView image) {
  const auto inset = [](int side) { return std::floor(static_cast<float>(side) * 0.0625f); };
  const float x = inset(image.width);
  const float y = inset(image.height);
  return {x, y, static_cast<float>(image.width) - x, static_cast<float>(image.height) - y};
}

}  // namespace

Landmarks5 ArcFaceTemplate(int size_px) {
  // A multiple of 128 keeps the face's scale of 112 of every 128 px, centred across.
  if (size_px % 128 == 0 && size_px % 112 != 0) return Place(kNarrow, 16, 128, size_px);
  return Place(kNarrow, 8, 112, size_px);
}

std::span<const FaceTemplateInfo> FaceTemplates() {
  static constexpr std::array kTemplates{
      FaceTemplateInfo{FaceTemplate::kArcFace112, "arcface-112",
                       "insightface's face_preprocess and face_align for 112x112"},
      FaceTemplateInfo{FaceTemplate::kArcFace128, "arcface-128",
                       "the same face in 112 of 128 pixels, centred across"},
      FaceTemplateInfo{
          FaceTemplate::kArcFaceNarrow, "arcface-96x112",
          "the template of 96x112 crops, left in the square without the 8 pixel shift"},
      FaceTemplateInfo{FaceTemplate::kFrontal, "frontal-112",
                       "the frontal one of insightface's five poses: tighter"}};
  return kTemplates;
}

std::string_view Name(FaceTemplate face_template) {
  return FaceTemplates()[static_cast<std::size_t>(face_template)].name;
}

Result<FaceTemplate> ParseFaceTemplate(std::string_view name) {
  std::string known;
  for (const FaceTemplateInfo& info : FaceTemplates()) {
    if (info.name == name) return info.face_template;
    known += (known.empty() ? "" : ", ") + std::string(info.name);
  }
  return MakeError(ErrorCode::kUnsupported, "face template \"{}\", want one of {}", name, known);
}

Landmarks5 TemplatePoints(const CropPose& pose) {
  switch (pose.face_template) {
    case FaceTemplate::kArcFace112:
      return ArcFaceTemplate(pose.size_px);
    case FaceTemplate::kArcFace128:
      return Place(kNarrow, 16, 128, pose.size_px);
    case FaceTemplate::kArcFaceNarrow:
      return Place(kNarrow, 0, 112, pose.size_px);
    case FaceTemplate::kFrontal:
      return Place(kFrontal, 0, 112, pose.size_px);
  }
  return ArcFaceTemplate(pose.size_px);
}

Result<SimilarityTransform> EstimateSimilarity(const Landmarks5& from, const Landmarks5& to) {
  VISAVIS_RETURN_IF_ERROR(CheckFinite(from));
  VISAVIS_RETURN_IF_ERROR(CheckFinite(to));
  VISAVIS_RETURN_IF_ERROR(CheckSpan(from));

  // In the plane Umeyama's c R = c U diag(1, sign det A) V^T is [a -b; b a], where a and b are the
  // parts of A that turn and scale; the parts that mirror (and with them his reflection and
  // rank-1 cases) drop out, so no singular value decomposition is needed.
  const Mean from_mean = MeanOf(from);
  const Mean to_mean = MeanOf(to);
  double a = 0;
  double b = 0;
  double variance = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const double from_x = from[i].x - from_mean.x;
    const double from_y = from[i].y - from_mean.y;
    const double to_x = to[i].x - to_mean.x;
    const double to_y = to[i].y - to_mean.y;
    a += from_x * to_x + from_y * to_y;
    b += from_x * to_y - from_y * to_x;
    variance += from_x * from_x + from_y * from_y;
  }
  SimilarityTransform fit{a / variance, b / variance, 0, 0};
  if (fit.a == 0 && fit.b == 0) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "align: no rotation of the landmarks is better than another");
  }
  fit.tx = to_mean.x - (fit.a * from_mean.x - fit.b * from_mean.y);
  fit.ty = to_mean.y - (fit.b * from_mean.x + fit.a * from_mean.y);
  return fit;
}

Result<FaceCrop> AlignFace(ImageView image, const Landmarks5& landmarks, const CropPose& pose) {
  VISAVIS_RETURN_IF_ERROR(CheckSizes(image, pose.size_px));
  VISAVIS_ASSIGN_OR_RETURN(const SimilarityTransform fit,
                           EstimateSimilarity(landmarks, TemplatePoints(pose)));
  const AffineTransform to_crop{fit.a, -fit.b, fit.tx, fit.b, fit.a, fit.ty};
  return FaceCrop{WarpAffine(image, to_crop, pose.size_px, pose.size_px), fit};
}

Result<Image> CropFace(ImageView image, const std::optional<Box>& box_px, int size_px) {
  VISAVIS_RETURN_IF_ERROR(CheckSizes(image, size_px));
  constexpr float kMargin = 22;
  const Box box = box_px.value_or(CentralBox(image));
  const auto left = std::max(box.x1 - kMargin, 0.0f);
  const auto top = std::max(box.y1 - kMargin, 0.0f);
  const auto right = std::min(box.x2 + kMargin, static_cast<float>(image.width));
  const auto bottom = std::min(box.y2 + kMargin, static_cast<float>(image.height));
  const bool finite = std::isfinite(box.x1 + box.y1 + box.x2 + box.y2);
  if (!finite || !(std::floor(left) < std::floor(right)) ||
      !(std::floor(top) < std::floor(bottom))) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "align: box ({}, {}, {}, {}), want one that meets the {}x{} image", box.x1,
                     box.y1, box.x2, box.y2, image.width, image.height);
  }
  const int x = static_cast<int>(left);
  const int y = static_cast<int>(top);
  const ImageView part{image.row(y) + x * Image::kChannels, static_cast<int>(right) - x,
                       static_cast<int>(bottom) - y, image.stride_bytes};
  return Resize(part, size_px, size_px);
}

}  // namespace visavis
