#include "runtime/ops/resize_taps.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/try.h"

namespace visavis {
namespace {

template <typename Enum>
struct Named {
  std::string_view name;
  Enum value;
};

template <typename Enum, std::size_t N>
Result<Enum> Choose(const Node& node, std::string_view attribute, std::string_view fallback,
                    const Named<Enum> (&choices)[N]) {
  const std::string name = node.String(attribute, fallback);
  for (const Named<Enum>& choice : choices) {
    if (choice.name == name) return choice.value;
  }
  return MakeError(ErrorCode::kUnsupported, "{} '{}'", attribute, name);
}

using Coordinates = ResizeRule::Coordinates;
using Mode = ResizeRule::Mode;
using Nearest = ResizeRule::Nearest;

constexpr Named<Mode> kModes[] = {
    {"nearest", Mode::kNearest}, {"linear", Mode::kLinear}, {"cubic", Mode::kCubic}};
constexpr Named<Mode> kLegacyModes[] = {{"nearest", Mode::kNearest}, {"linear", Mode::kLinear}};
constexpr Named<Coordinates> kCoordinates[] = {
    {"half_pixel", Coordinates::kHalfPixel},
    {"half_pixel_symmetric", Coordinates::kHalfPixelSymmetric},
    {"pytorch_half_pixel", Coordinates::kPytorchHalfPixel},
    {"align_corners", Coordinates::kAlignCorners},
    {"asymmetric", Coordinates::kAsymmetric},
    {"tf_half_pixel_for_nn", Coordinates::kTfHalfPixelForNn},
    {"tf_crop_and_resize", Coordinates::kTfCropAndResize},
};
constexpr Named<Nearest> kNearest[] = {
    {"round_prefer_floor", Nearest::kPreferFloor},
    {"round_prefer_ceil", Nearest::kPreferCeil},
    {"floor", Nearest::kFloor},
    {"ceil", Nearest::kCeil},
};

// Where output element `o` lies on the input axis.
double InputCoordinate(Coordinates mode, const ResizeAxis& axis, std::int64_t o) {
  const auto x = static_cast<double>(o);
  const auto in = static_cast<double>(axis.in);
  const auto out = static_cast<double>(axis.out);
  switch (mode) {
    case Coordinates::kHalfPixel:
      return (x + 0.5) / axis.scale - 0.5;
    case Coordinates::kHalfPixelSymmetric:
      return in / 2 * (1 - out / (axis.scale * in)) + (x + 0.5) / axis.scale - 0.5;
    case Coordinates::kPytorchHalfPixel:
      return axis.out > 1 ? (x + 0.5) / axis.scale - 0.5 : 0;
    case Coordinates::kAlignCorners: {
      // As ONNX's own vectors: the length after resizing is not rounded.
      const double resized = axis.scale * in;
      return resized > 1 ? x * (in - 1) / (resized - 1) : 0;
    }
    case Coordinates::kAsymmetric:
      return x / axis.scale;
    case Coordinates::kTfHalfPixelForNn:
      return (x + 0.5) / axis.scale;
    case Coordinates::kTfCropAndResize: {
      const double length = (axis.roi_end - axis.roi_start) * (in - 1);
      return axis.out > 1 ? axis.roi_start * (in - 1) + x * length / (out - 1)
                          : 0.5 * (axis.roi_start + axis.roi_end) * (in - 1);
    }
  }
  return x;
}

double RoundNearest(Nearest mode, double x, bool shrinks) {
  switch (mode) {
    case Nearest::kPreferFloor:
      return std::ceil(x - 0.5);
    case Nearest::kPreferCeil:
      return std::floor(x + 0.5);
    case Nearest::kFloor:
      return std::floor(x);
    case Nearest::kCeil:
      return std::ceil(x);
    case Nearest::kSimple:
      return shrinks ? std::ceil(x) : std::trunc(x);
  }
  return x;
}

std::array<double, 4> CubicWeights(double a, double t) {
  const auto near = [a](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [a](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  return {far(t + 1), near(t), near(1 - t), far(2 - t)};
}

}  // namespace

Result<ResizeRule> ResizeRule::FromAttributes(const Node& node) {
  ResizeRule rule;
  VISAVIS_ASSIGN_OR_RETURN(rule.mode, Choose(node, "mode", "nearest", kModes));
  VISAVIS_ASSIGN_OR_RETURN(
      rule.coordinates, Choose(node, "coordinate_transformation_mode", "half_pixel", kCoordinates));
  VISAVIS_ASSIGN_OR_RETURN(rule.nearest,
                           Choose(node, "nearest_mode", "round_prefer_floor", kNearest));
  rule.cubic_a = node.Float("cubic_coeff_a", -0.75f);
  rule.exclude_outside = node.Int("exclude_outside", 0) != 0;
  rule.extrapolation_value = node.Float("extrapolation_value", 0);
  if (node.Int("antialias", 0) != 0) return MakeError(ErrorCode::kUnsupported, "antialias 1");
  if (node.String("keep_aspect_ratio_policy", "stretch") != "stretch") {
    return MakeError(ErrorCode::kUnsupported, "keep_aspect_ratio_policy other than stretch");
  }
  return rule;
}

Result<ResizeRule> ResizeRule::Legacy(const Node& node) {
  ResizeRule rule;
  VISAVIS_ASSIGN_OR_RETURN(rule.mode, Choose(node, "mode", "nearest", kLegacyModes));
  rule.coordinates = Coordinates::kAsymmetric;
  rule.nearest = Nearest::kSimple;
  return rule;
}

Taps TapsOf(const ResizeRule& rule, const ResizeAxis& axis, std::int64_t o) {
  const auto last = static_cast<double>(axis.in - 1);
  Taps taps;
  const double x = InputCoordinate(rule.coordinates, axis, o);
  if (rule.coordinates == Coordinates::kTfCropAndResize && !(x >= 0 && x <= last)) {
    taps.index[0] = -1;
    return taps;
  }
  // Also takes in what is not finite.
  const auto inside = [last](double i) {
    return static_cast<std::int64_t>(i > 0 ? std::min(i, last) : 0.0);
  };
  if (rule.mode == Mode::kNearest) {
    taps.index[0] = inside(RoundNearest(rule.nearest, x, axis.scale < 1));
    taps.weight[0] = 1;
    return taps;
  }
  const double floor = std::floor(x);
  const double t = x - floor;
  if (rule.mode == Mode::kLinear) {
    taps.index = {inside(floor), inside(floor + 1)};
    taps.weight = {static_cast<float>(1 - t), static_cast<float>(t)};
    return taps;
  }
  std::array<double, 4> weights = CubicWeights(static_cast<double>(rule.cubic_a), t);
  double sum = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const double at = floor - 1 + static_cast<double>(k);
    taps.index[k] = inside(at);
    if (rule.exclude_outside && (at < 0 || at > last)) weights[k] = 0;
    sum += weights[k];
  }
  for (std::size_t k = 0; k < weights.size(); ++k) {
    taps.weight[k] = static_cast<float>(rule.exclude_outside ? weights[k] / sum : weights[k]);
  }
  return taps;
}

}  // namespace visavis
