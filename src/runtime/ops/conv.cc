// Conv over 1 to 3 spatial axes: windows copied into columns, then a matrix product.
#include <algorithm>

#include "runtime/ops/attributes.h"
#include "runtime/ops/families.h"
#include "runtime/ops/im2col.h"
#include "runtime/ops/matmul.h"
#include "runtime/ops/window.h"

namespace visavis {
namespace {

class Conv final : public DenseOperator {
 public:
  static Result<std::unique_ptr<Operator>> Make(const OperatorArgs& args) {
    auto op = std::make_unique<Conv>();
    VISAVIS_ASSIGN_OR_RETURN(op->attributes_, WindowAttributes::Make(args.node));
    VISAVIS_ASSIGN_OR_RETURN(op->groups_, ConvGroups(args.node));
    return std::unique_ptr<Operator>(std::move(op));
  }

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 2));
    for (int i = 0; i < std::min(3, context.input_count()); ++i) {
      if (context.has(i)) VISAVIS_RETURN_IF_ERROR(RequireType(context, i, DType::kF32));
    }
    const Shape& x = context.shape(0);
    const Shape& w = context.shape(1);
    VISAVIS_RETURN_IF_ERROR(CheckConvShapes(x, w, groups_));
    if (context.has(2) && context.shape(2) != Shape{w[0]}) {
      return MakeError(ErrorCode::kInvalidArgument, "bias has shape {}, want [{}]",
                       context.shape(2).ToString(), w[0]);
    }
    VISAVIS_ASSIGN_OR_RETURN(const Window window, attributes_.Resolve(x, w.dims().subspan(2)));
    VISAVIS_RETURN_IF_ERROR(context.SetOutput(0, DType::kF32, WindowOutputShape(x, w[0], window)));
    const std::int64_t depth = w.elements() / w[0];
    const std::int64_t columns = depth * ColumnBandRows(window, depth) * window[2].out;
    if (columns > context.limits().tensor_elements) {
      return MakeError(ErrorCode::kLimitExceeded, "a row of windows has {} elements", columns);
    }
    context.SetScratch(static_cast<std::size_t>(columns) * sizeof(float));
    return {};
  }

  Status Run(const DenseContext& context) const override {
    const Shape& x = context.shape(0);
    const Shape& w = context.shape(1);
    Result<Window> resolved = attributes_.Resolve(x, w.dims().subspan(2));
    if (!resolved.has_value()) return std::move(resolved).error();
    const Window& window = *resolved;

    const std::int64_t in_plane = window[0].in * window[1].in * window[2].in;
    const std::int64_t out_plane = window[0].out * window[1].out * window[2].out;
    const std::int64_t out_channels = w[0] / groups_;
    const std::int64_t depth = w.elements() / w[0];
    const std::int64_t rows = window[0].out * window[1].out;
    const std::int64_t band = ColumnBandRows(window, depth);
    for (std::int64_t image = 0; image < x[0]; ++image) {
      for (std::int64_t group = 0; group < groups_; ++group) {
        const float* in = context.in<float>(0) + (image * x[1] + group * w[1]) * in_plane;
        const float* weights = context.in<float>(1) + group * out_channels * depth;
        float* out = context.out<float>(0) + (image * w[0] + group * out_channels) * out_plane;
        const float* bias = context.has(2) ? context.in<float>(2) + group * out_channels : nullptr;
        FillBias(bias, out_channels, out_plane, out);
        for (std::int64_t row = 0; row < rows; row += band) {
          const std::int64_t count = std::min(band, rows - row);
          const std::int64_t width = count * window[2].out;
          float* columns = context.scratch<float>();
          CopyWindows(in, w[1], window, row, count, columns, [](float value) { return value; });
          MatMulAdd(weights, depth, columns, width, out + row * window[2].out, out_plane,
                    out_channels, width, depth);
        }
      }
    }
    return {};
  }

  double Flops(const NodeTypes& types) const override {
    const Shape& w = types.inputs[1].shape;
    return 2.0 * static_cast<double>(types.outputs[0].shape.elements()) *
           static_cast<double>(w.elements() / w[0]);
  }
  std::string_view algorithm() const override { return "im2col"; }

 private:
  static void FillBias(const float* bias, std::int64_t channels, std::int64_t plane, float* out) {
    for (std::int64_t c = 0; c < channels; ++c) {
      std::fill_n(out + c * plane, plane, bias == nullptr ? 0.0f : bias[c]);
    }
  }

  WindowAttributes attributes_;
  std::int64_t groups_ = 1;
};

constexpr OperatorEntry kEntries[] = {
    {"Conv", 7, 21, &Conv::Make, "types other than float32; more than 3 spatial axes"}};

}  // namespace

std::span<const OperatorEntry> ConvOperators() { return kEntries; }

}  // namespace visavis
