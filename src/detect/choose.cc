// Which of several faces a photo is about.
#include <algorithm>
#include <numeric>

#include "visavis/detect.h"

namespace visavis {
namespace {

double Area(const Box& box) { return double{box.width()} * double{box.height()}; }

/// Source: insightface's dataset packers (face2rec2.py, lfw alignment).
double AreaAndCentrality(const Box& box, int image_width, int image_height) {
  const double dx = (double{box.x1} + double{box.x2}) / 2 - image_width / 2.0;
  const double dy = (double{box.y1} + double{box.y2}) / 2 - image_height / 2.0;
  return Area(box) - 2 * (dx * dx + dy * dy);
}

}  // namespace

std::vector<std::size_t> ChooseFaces(const std::vector<Face>& faces, int image_width,
                                     int image_height, FaceChoice choice) {
  const auto value = [&](std::size_t i) {
    switch (choice) {
      case FaceChoice::kLargestCentral:
        return AreaAndCentrality(faces[i].box, image_width, image_height);
      case FaceChoice::kLargest:
        return Area(faces[i].box);
      case FaceChoice::kBestScore:
      case FaceChoice::kAll:
        break;
    }
    return double{faces[i].score};
  };
  std::vector<std::size_t> order(faces.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return value(a) > value(b); });
  if (choice != FaceChoice::kAll && order.size() > 1) {
    order.erase(order.begin() + 1, order.end());
  }
  return order;
}

}  // namespace visavis
