// Resize and Upsample, one axis after the other.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "runtime/ops/attributes.h"
#include "runtime/ops/families.h"
#include "runtime/ops/resize_taps.h"

namespace visavis {
namespace {

// Taps are worked out while planning; longer axes than any image has are refused.
constexpr std::int64_t kLongestAxis = 1 << 22;

class Resize final : public DenseOperator {
 public:
  static Result<std::unique_ptr<Operator>> Make(const OperatorArgs& args) {
    auto op = std::make_unique<Resize>();
    const bool legacy = args.opset() < 11 || args.node.op_type == "Upsample";
    VISAVIS_ASSIGN_OR_RETURN(
        op->rule_, legacy ? ResizeRule::Legacy(args.node) : ResizeRule::FromAttributes(args.node));
    if (const std::vector<float>* scales = args.node.Floats("scales")) op->scales_ = *scales;
    if (const std::vector<std::int64_t>* axes = args.node.Ints("axes")) op->axes_ = *axes;
    op->scales_input_ = legacy ? 1 : 2;
    op->sizes_input_ = legacy ? -1 : 3;
    return std::unique_ptr<Operator>(std::move(op));
  }

  // Parameters: elements of each half of the scratch; for each axis that changes the axis, then the
  // indices of all its outputs' taps. Weights of the same taps.
  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 1));
    VISAVIS_RETURN_IF_ERROR(RequireType(context, 0, DType::kF32));
    const Shape& in = context.shape(0);
    VISAVIS_ASSIGN_OR_RETURN(const std::vector<ResizeAxis> axes, Axes(context));
    Shape out = in;
    Shape partial = in;
    std::int64_t largest = 0;
    std::vector<std::int64_t> indices{0};
    std::vector<float> weights;
    for (int axis = 0; axis < in.rank(); ++axis) {
      out[axis] = axes[static_cast<std::size_t>(axis)].out;
    }
    VISAVIS_RETURN_IF_ERROR(CheckedElements(out, context.limits().tensor_elements));
    for (int axis = 0; axis < in.rank() && out.elements() > 0; ++axis) {
      const ResizeAxis& resized = axes[static_cast<std::size_t>(axis)];
      if (!Changes(resized)) continue;
      partial[axis] = resized.out;
      VISAVIS_ASSIGN_OR_RETURN(const std::int64_t elements,
                               CheckedElements(partial, context.limits().tensor_elements));
      largest = std::max(largest, elements);
      AppendTaps(axis, resized, indices, weights);
    }
    indices[0] = largest;
    context.SetParameters(std::move(indices), std::move(weights));
    context.SetScratch(2 * static_cast<std::size_t>(largest) * sizeof(float));
    return context.SetOutput(0, DType::kF32, std::move(out));
  }

  Status Run(const DenseContext& context) const override {
    if (context.out_shape(0).elements() == 0) return {};
    std::array<std::int64_t, kMaxRank> extents{};
    const Shape& in = context.shape(0);
    std::copy(in.dims().begin(), in.dims().end(), extents.begin());
    const std::int64_t* index = context.integers().data();
    const std::int64_t* end = index + context.integers().size();
    const float* weight = context.floats().data();
    const float* from = context.in<float>(0);
    float* spare[2] = {context.scratch<float>(), context.scratch<float>() + *index};
    ++index;
    const auto taps = static_cast<std::int64_t>(rule_.taps());
    if (index == end) {
      std::memcpy(context.out<float>(0), from,
                  static_cast<std::size_t>(in.elements()) * sizeof(float));
    }
    while (index != end) {
      const auto axis = static_cast<std::size_t>(*index++);
      const std::int64_t out_extent = context.out_shape(0)[static_cast<int>(axis)];
      const bool last = index + out_extent * taps == end;
      float* to = last ? context.out<float>(0) : spare[0];
      std::int64_t outer = 1;
      std::int64_t inner = 1;
      for (std::size_t k = 0; k < axis; ++k) outer *= extents[k];
      for (std::size_t k = axis + 1; k < static_cast<std::size_t>(in.rank()); ++k) {
        inner *= extents[k];
      }
      for (std::int64_t o = 0; o < outer; ++o) {
        ResampleAxis(from + o * extents[axis] * inner, index, weight, out_extent, inner,
                     to + o * out_extent * inner);
      }
      index += out_extent * taps;
      weight += out_extent * taps;
      extents[axis] = out_extent;
      from = to;
      std::swap(spare[0], spare[1]);
    }
    return {};
  }

 private:
  bool Changes(const ResizeAxis& axis) const {
    return axis.in != axis.out || axis.scale != 1 ||
           rule_.coordinates == ResizeRule::Coordinates::kTfCropAndResize;
  }

  // Every axis of the input, resized or not.
  Result<std::vector<ResizeAxis>> Axes(const InferContext& context) const {
    const Shape& in = context.shape(0);
    std::vector<ResizeAxis> axes;
    for (const std::int64_t extent : in.dims()) axes.push_back(ResizeAxis{extent, extent, 1, 0, 1});
    std::vector<int> named;
    for (int axis = 0; axis < in.rank(); ++axis) named.push_back(axis);
    if (!axes_.empty()) {
      VISAVIS_ASSIGN_OR_RETURN(named, NormalizedAxes(axes_, in.rank()));
    }

    std::vector<float> scales = scales_;
    if (scales.empty() && context.has(scales_input_)) {
      VISAVIS_ASSIGN_OR_RETURN(scales, context.KnownFloats(scales_input_));
    }
    std::vector<std::int64_t> sizes;
    if (scales.empty() && sizes_input_ > 0 && context.has(sizes_input_)) {
      VISAVIS_ASSIGN_OR_RETURN(sizes, context.KnownInts(sizes_input_));
    }
    if (std::max(scales.size(), sizes.size()) != named.size()) {
      return MakeError(ErrorCode::kInvalidArgument, "{} scales and {} sizes for {} axes",
                       scales.size(), sizes.size(), named.size());
    }
    for (std::size_t i = 0; i < named.size(); ++i) {
      ResizeAxis& axis = axes[static_cast<std::size_t>(named[i])];
      VISAVIS_RETURN_IF_ERROR(sizes.empty() ? SetScale(axis, scales[i]) : SetSize(axis, sizes[i]));
    }
    if (rule_.coordinates == ResizeRule::Coordinates::kTfCropAndResize) {
      VISAVIS_RETURN_IF_ERROR(SetRegion(context, named, axes));
    }
    return axes;
  }

  static Status SetScale(ResizeAxis& axis, float scale) {
    const double out = std::floor(static_cast<double>(axis.in) * static_cast<double>(scale));
    if (!(scale > 0) || !(out <= static_cast<double>(kLongestAxis))) {
      return MakeError(ErrorCode::kInvalidArgument, "scale {} for an axis of {}", scale, axis.in);
    }
    axis.scale = static_cast<double>(scale);
    axis.out = static_cast<std::int64_t>(out);
    return {};
  }

  static Status SetSize(ResizeAxis& axis, std::int64_t size) {
    if (size < 0 || size > kLongestAxis || (axis.in == 0 && size > 0)) {
      return MakeError(ErrorCode::kInvalidArgument, "size {} for an axis of {}", size, axis.in);
    }
    axis.out = size;
    if (size != axis.in) axis.scale = static_cast<double>(size) / static_cast<double>(axis.in);
    return {};
  }

  // roi: all starts, then all ends.
  static Status SetRegion(const InferContext& context, const std::vector<int>& named,
                          std::vector<ResizeAxis>& axes) {
    VISAVIS_ASSIGN_OR_RETURN(const std::vector<float> roi, context.KnownFloats(1));
    if (roi.size() != 2 * named.size()) {
      return MakeError(ErrorCode::kInvalidArgument, "roi has {} entries for {} axes", roi.size(),
                       named.size());
    }
    for (std::size_t i = 0; i < named.size(); ++i) {
      ResizeAxis& axis = axes[static_cast<std::size_t>(named[i])];
      axis.roi_start = static_cast<double>(roi[i]);
      axis.roi_end = static_cast<double>(roi[i + named.size()]);
    }
    return {};
  }

  void AppendTaps(int axis, const ResizeAxis& resized, std::vector<std::int64_t>& indices,
                  std::vector<float>& weights) const {
    const auto taps = static_cast<std::size_t>(rule_.taps());
    indices.push_back(axis);
    for (std::int64_t o = 0; o < resized.out; ++o) {
      const Taps t = TapsOf(rule_, resized, o);
      indices.insert(indices.end(), t.index.begin(), t.index.begin() + rule_.taps());
      weights.insert(weights.end(), t.weight.data(), t.weight.data() + taps);
    }
  }

  // to[o][...] = sum over taps of from[index][...] * weight.
  void ResampleAxis(const float* from, const std::int64_t* index, const float* weight,
                    std::int64_t out_extent, std::int64_t inner, float* to) const {
    const int taps = rule_.taps();
    for (std::int64_t o = 0; o < out_extent; ++o, index += taps, weight += taps, to += inner) {
      if (index[0] < 0) {
        std::fill_n(to, inner, rule_.extrapolation_value);
        continue;
      }
      const float* first = from + index[0] * inner;
      if (taps == 1) {
        std::copy_n(first, inner, to);
        continue;
      }
      for (std::int64_t i = 0; i < inner; ++i) {
        float sum = first[i] * weight[0];
        for (int k = 1; k < taps; ++k) sum += from[index[k] * inner + i] * weight[k];
        to[i] = sum;
      }
    }
  }

  ResizeRule rule_;
  std::vector<float> scales_;
  std::vector<std::int64_t> axes_;
  int scales_input_ = 2;
  int sizes_input_ = 3;
};

constexpr OperatorEntry kEntries[] = {
    {"Resize", 10, 21, &Resize::Make,
     "types other than float32; antialias; keep_aspect_ratio_policy other than stretch"},
    {"Upsample", 7, 9, &Resize::Make, "types other than float32"},
};

}  // namespace

std::span<const OperatorEntry> ResizeOperators() { return kEntries; }

}  // namespace visavis
