#include "bench/model_input.h"

#include <cstdint>

#include "base/error.h"
#include "base/try.h"

namespace visavis {
namespace {

constexpr std::size_t kImageRank = 4;  // N x C x H x W

Result<Shape> Close(const Value& input, const OpenExtents& open) {
  const std::int64_t image_extents[kImageRank] = {open.batch, 3, open.height, open.width};
  std::vector<std::int64_t> extents;
  for (const Dim& dim : *input.shape) {
    const std::size_t axis = extents.size();
    if (axis == 0) {
      extents.push_back(open.batch);
    } else if (dim.known()) {
      extents.push_back(dim.extent);
    } else if (input.shape->size() == kImageRank) {
      extents.push_back(image_extents[axis]);
    } else {
      return MakeError(ErrorCode::kInvalidArgument,
                       "input {}: extent {} is open, which only N x C x H x W inputs may have",
                       input.name, axis);
    }
  }
  return Shape(std::move(extents));
}

void FillWithPixels(std::span<float> values) {
  std::uint32_t state = 1;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;  // Numerical Recipes' "quick and dirty" generator
    value = static_cast<float>(state >> 24);
  }
}

}  // namespace

Result<std::vector<Tensor>> MakePixelInputs(const Graph& graph, const OpenExtents& open,
                                            const Limits& limits) {
  std::vector<Tensor> inputs;
  for (const ValueId id : graph.inputs) {
    const Value& input = graph.value(id);
    if (input.dtype != DType::kF32 || !input.shape.has_value()) {
      return MakeError(ErrorCode::kUnsupported, "input {}: {}, want float32 with a declared shape",
                       input.name,
                       input.shape.has_value() ? Name(input.dtype) : "no declared shape");
    }
    VISAVIS_ASSIGN_OR_RETURN(Shape shape, Close(input, open));
    VISAVIS_RETURN_IF_ERROR(CheckedElements(shape, limits.tensor_elements));
    inputs.emplace_back(DType::kF32, std::move(shape));
    FillWithPixels(inputs.back().data<float>());
  }
  return inputs;
}

}  // namespace visavis
