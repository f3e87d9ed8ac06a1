#include "quantize/recipe.h"

#include <array>
#include <utility>

#include "base/error.h"

namespace visavis {
namespace {

constexpr std::array kMethods{
    std::pair{RangeMethod::kMinMax, std::string_view("minmax")},
    std::pair{RangeMethod::kPercentile, std::string_view("percentile")},
    std::pair{RangeMethod::kEntropy, std::string_view("entropy")},
    std::pair{RangeMethod::kMse, std::string_view("mse")},
};

}  // namespace

std::string_view Name(RangeMethod method) {
  for (const auto& [value, name] : kMethods) {
    if (value == method) return name;
  }
  return "?";
}

Result<RangeMethod> ParseRangeMethod(std::string_view name) {
  for (const auto& [value, known] : kMethods) {
    if (known == name) return value;
  }
  return MakeError(ErrorCode::kInvalidArgument,
                   "method '{}', want minmax, percentile, entropy or mse", name);
}

std::string Describe(const Recipe& recipe) {
  std::string text(Name(recipe.ranges));
  if (recipe.ranges == RangeMethod::kPercentile) text += fmt::format(" {}", recipe.percentile);
  text += recipe.signed_activations ? " s8" : " u8";
  if (recipe.equalize) text += " equalize";
  if (recipe.correct_bias) text += " bias-correction";
  if (recipe.rounding == Rounding::kAdaptive) text += " adaptive-rounding";
  if (!recipe.portable_scales) text += " free-scales";
  if (recipe.reduce_range) text += " 7-bit-weights";
  if (recipe.first_float) text += " first-float";
  if (recipe.last_float) text += " last-float";
  if (recipe.float_residual) text += " float-residual";
  if (recipe.int32_bias) text += " int32-bias";
  if (recipe.format == QuantFormat::kQOperator) text += " qoperator";
  if (!recipe.float_layers.empty()) {
    text += fmt::format(" {}-float-layers", recipe.float_layers.size());
  }
  return text;
}

}  // namespace visavis
