// ImageView + 5 landmarks -> FaceCrop.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "visavis/result.h"
#include "visavis/types.h"

namespace visavis {

/// The pose that ArcFace-type networks expect, for a square crop of `size_px`, in crop pixels.
/// Source: template of insightface's face_preprocess; other sizes scale it.
Landmarks5 ArcFaceTemplate(int size_px = 112);

/// A template by the name that model contracts use.
struct FaceTemplateInfo {
  FaceTemplate face_template;
  std::string_view name;         ///< "arcface-112", "arcface-128", "arcface-96x112", "frontal-112"
  std::string_view description;  ///< one line
};
/// All of them; the most usual first.
std::span<const FaceTemplateInfo> FaceTemplates();
std::string_view Name(FaceTemplate face_template);
/// Errors: kUnsupported, naming the templates there are.
Result<FaceTemplate> ParseFaceTemplate(std::string_view name);
/// Where the landmarks stand in the crop, in its pixels.
Landmarks5 TemplatePoints(const CropPose& pose);

/// The least-squares rotation, scale and translation that takes `from` to `to` (Umeyama 1991).
/// Errors: kInvalidArgument if a point is not finite or `from` spans less than 1 px.
Result<SimilarityTransform> EstimateSimilarity(const Landmarks5& from, const Landmarks5& to);

/// Warps one face to the pose that a model expects: ArcFace's unless another is asked for.
/// Shapes:  image HxWx3 u8 RGB; result size_px x size_px x 3 u8 RGB.
/// Units:   landmarks in image pixels (types.h). Outside the image reads as black.
/// Errors:  kInvalidArgument if a point is not finite or the five span less than 1 px.
/// Threads: pure; safe concurrently.
/// Source:  template of insightface's face_preprocess; least-squares similarity of Umeyama 1991.
Result<FaceCrop> AlignFace(ImageView image, const Landmarks5& landmarks, const CropPose& pose = {});

/// Cuts out one face without landmarks: `box_px` with 22 px more on each side, clipped to the image
/// and resized to a square. No box stands for the image without 1/16 of each side.
/// Shapes:  image HxWx3 u8 RGB; result size_px x size_px x 3 u8 RGB.
/// Errors:  kInvalidArgument if the box is not finite or leaves nothing of the image.
/// Threads: pure; safe concurrently.
/// Source:  insightface's face_preprocess (margin 44). Embeddings of such crops are worse than of
///          aligned ones.
Result<Image> CropFace(ImageView image, const std::optional<Box>& box_px, int size_px = 112);

}  // namespace visavis
