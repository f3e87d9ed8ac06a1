// The plain values that the stages exchange.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "visavis/image.h"

namespace visavis {

/// A point in pixels; (0,0) is the centre of the top-left pixel, x to the right, y down.
struct Point {
  float x = 0;
  float y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};

/// An axis-parallel rectangle between two corner points, in pixels (see Point). Corners may lie
/// outside the image when the face is cut by its border.
struct Box {
  float x1 = 0;
  float y1 = 0;
  float x2 = 0;
  float y2 = 0;
  float width() const { return x2 - x1; }
  float height() const { return y2 - y1; }
  float area() const { return width() * height(); }
  friend bool operator==(const Box&, const Box&) = default;
};

/// Five facial landmarks in pixels: image-left eye, image-right eye, nose tip, image-left mouth
/// corner, image-right mouth corner ("left" is the left of the picture, not of the person).
using Landmarks5 = std::array<Point, 5>;

/// One detected face.
struct Face {
  Box box;
  float score = 0;  ///< the detector's confidence in [0,1]
  Landmarks5 landmarks{};
};

/// A rotation, uniform scale and translation: (x,y) -> (a x - b y + tx, b x + a y + ty).
struct SimilarityTransform {
  double a = 1;
  double b = 0;
  double tx = 0;
  double ty = 0;
};

/// Where the five landmarks stand in a crop; see FaceTemplates() in visavis/align.h.
enum class FaceTemplate { kArcFace112, kArcFace128, kArcFaceNarrow, kFrontal };

/// The crop that a network wants.
struct CropPose {
  int size_px = 112;  ///< side of the square
  FaceTemplate face_template = FaceTemplate::kArcFace112;

  CropPose() = default;
  CropPose(int size, FaceTemplate pose = FaceTemplate::kArcFace112)  // NOLINT: implicit
      : size_px(size), face_template(pose) {}
};

/// A face in the pose that a recognition network expects.
struct FaceCrop {
  Image image;                     ///< 112x112 RGB unless another size was asked for
  SimilarityTransform from_image;  ///< source pixel -> crop pixel
};

/// A network's output for one face, as it left the network (not normalised).
using Embedding = std::vector<float>;

}  // namespace visavis
