// QLinearConv and ConvInteger: windows less their zero point copied into columns, then an integer
// matrix product. Exact.
#include <algorithm>
#include <memory>

#include "runtime/ops/attributes.h"
#include "runtime/ops/families.h"
#include "runtime/ops/im2col.h"
#include "runtime/ops/matmul.h"
#include "runtime/ops/quantization.h"
#include "runtime/ops/window.h"

namespace visavis {
namespace {

// Where the inputs of one of the operators are; -1: it has none.
struct ConvInputs {
  int w = 1;
  int x_zero = 2;
  int w_zero = 3;
  int x_scale = -1;
  int w_scale = -1;
  int y_scale = -1;
  int y_zero = -1;
  int bias = -1;
};
constexpr ConvInputs kConvInteger;
constexpr ConvInputs kQLinearConv{.w = 3,
                                  .x_zero = 2,
                                  .w_zero = 5,
                                  .x_scale = 1,
                                  .w_scale = 4,
                                  .y_scale = 6,
                                  .y_zero = 7,
                                  .bias = 8};

template <const ConvInputs& kInputs>
class QuantizedConv final : public DenseOperator {
 public:
  static constexpr bool kRequantizes = kInputs.y_scale >= 0;

  static Result<std::unique_ptr<Operator>> Make(const OperatorArgs& args) {
    auto op = std::make_unique<QuantizedConv>();
    VISAVIS_ASSIGN_OR_RETURN(op->attributes_, WindowAttributes::Make(args.node));
    VISAVIS_ASSIGN_OR_RETURN(op->groups_, ConvGroups(args.node));
    return std::unique_ptr<Operator>(std::move(op));
  }

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, kRequantizes ? 8 : 2));
    VISAVIS_RETURN_IF_ERROR(RequireByte(context, 0));
    VISAVIS_RETURN_IF_ERROR(RequireByte(context, kInputs.w));
    const Shape& x = context.shape(0);
    const Shape& w = context.shape(kInputs.w);
    VISAVIS_RETURN_IF_ERROR(CheckConvShapes(x, w, groups_));
    VISAVIS_RETURN_IF_ERROR(
        CheckScaleAndZeroPoint(context, kInputs.x_scale, kInputs.x_zero, context.dtype(0)));
    VISAVIS_RETURN_IF_ERROR(CheckScaleAndZeroPoint(context, kInputs.w_scale, kInputs.w_zero,
                                                   context.dtype(kInputs.w), w[0]));
    DType type = DType::kI32;
    if constexpr (kRequantizes) {
      VISAVIS_RETURN_IF_ERROR(RequireByte(context, kInputs.y_zero));
      type = context.dtype(kInputs.y_zero);
      VISAVIS_RETURN_IF_ERROR(
          CheckScaleAndZeroPoint(context, kInputs.y_scale, kInputs.y_zero, type));
      VISAVIS_RETURN_IF_ERROR(CheckBias(context, w[0]));
    }
    VISAVIS_ASSIGN_OR_RETURN(const Window window, attributes_.Resolve(x, w.dims().subspan(2)));
    VISAVIS_RETURN_IF_ERROR(context.SetOutput(0, type, WindowOutputShape(x, w[0], window)));
    const Scratch scratch(w, groups_, window);
    if (scratch.columns > context.limits().tensor_elements ||
        scratch.sums > context.limits().tensor_elements) {
      return MakeError(ErrorCode::kLimitExceeded, "a row of windows has {} elements",
                       std::max(scratch.columns, scratch.sums));
    }
    context.SetScratch(scratch.bytes());
    return {};
  }

  Status Run(const DenseContext& context) const override {
    return VisitByte(context.dtype(0), [&](auto x) {
      return VisitByte(context.dtype(kInputs.w), [&](auto w) {
        return Convolve<typename decltype(x)::type, typename decltype(w)::type>(context);
      });
    });
  }

  double Flops(const NodeTypes& types) const override {
    const Shape& w = types.inputs[static_cast<std::size_t>(kInputs.w)].shape;
    return 2.0 * static_cast<double>(types.outputs[0].shape.elements()) *
           static_cast<double>(w.elements() / w[0]);
  }
  std::string_view algorithm() const override { return "im2col"; }

 private:
  // Working memory: sums of a band, then weights of a group and columns of a band, less their zero
  // points.
  struct Scratch {
    Scratch(const Shape& w, std::int64_t groups, const Window& window)
        : out_channels(w[0] / groups),
          depth(w.elements() / w[0]),
          band(ColumnBandRows(window, depth)),
          sums(out_channels * band * window[2].out),
          weights(out_channels * depth),
          columns(depth * band * window[2].out) {}
    std::size_t bytes() const {
      return static_cast<std::size_t>(sums) * sizeof(std::int32_t) +
             static_cast<std::size_t>(weights + columns) * sizeof(std::int16_t);
    }

    std::int64_t out_channels;
    std::int64_t depth;
    std::int64_t band;  // output rows
    std::int64_t sums;
    std::int64_t weights;
    std::int64_t columns;
  };

  static Status CheckBias(const InferContext& context, std::int64_t channels) {
    if (!context.has(kInputs.bias)) return {};
    VISAVIS_RETURN_IF_ERROR(RequireType(context, kInputs.bias, DType::kI32));
    if (context.shape(kInputs.bias) == Shape{channels}) return {};
    return MakeError(ErrorCode::kInvalidArgument, "bias has shape {}, want [{}]",
                     context.shape(kInputs.bias).ToString(), channels);
  }

  template <typename X, typename W>
  Status Convolve(const DenseContext& context) const {
    const Shape& x = context.shape(0);
    const Shape& w = context.shape(kInputs.w);
    Result<Window> resolved = attributes_.Resolve(x, w.dims().subspan(2));
    if (!resolved.has_value()) return std::move(resolved).error();
    const Window& window = *resolved;
    const Scratch sizes(w, groups_, window);
    auto* sums = context.scratch<std::int32_t>();
    auto* weights = reinterpret_cast<std::int16_t*>(sums + sizes.sums);
    std::int16_t* columns = weights + sizes.weights;

    const std::int32_t x_zero = ZeroPointAt(context, kInputs.x_zero);
    const auto centred = [x_zero](X value) { return value - x_zero; };
    const std::int64_t in_plane = window[0].in * window[1].in * window[2].in;
    const std::int64_t out_plane = window[0].out * window[1].out * window[2].out;
    const std::int64_t rows = window[0].out * window[1].out;
    for (std::int64_t group = 0; group < groups_; ++group) {
      const std::int64_t first = group * sizes.out_channels;
      for (std::int64_t c = 0; c < sizes.out_channels; ++c) {
        SubtractZeroPoint(context.in<W>(kInputs.w) + (first + c) * sizes.depth, sizes.depth,
                          ZeroPointAt(context, kInputs.w_zero, first + c),
                          weights + c * sizes.depth);
      }
      for (std::int64_t image = 0; image < x[0]; ++image) {
        const X* in = context.in<X>(0) + (image * x[1] + group * w[1]) * in_plane;
        for (std::int64_t row = 0; row < rows; row += sizes.band) {
          const std::int64_t count = std::min(sizes.band, rows - row);
          const std::int64_t width = count * window[2].out;
          CopyWindows(in, w[1], window, row, count, columns, centred);
          StartSums(context, first, sizes.out_channels, width, sums);
          MatMulAdd(weights, sizes.depth, columns, width, sums, width, sizes.out_channels, width,
                    sizes.depth);
          for (std::int64_t c = 0; c < sizes.out_channels; ++c) {
            const std::int64_t at = (image * w[0] + first + c) * out_plane + row * window[2].out;
            VISAVIS_RETURN_IF_ERROR(Store(context, first + c, sums + c * width, width, at));
          }
        }
      }
    }
    return {};
  }

  static void StartSums(const DenseContext& context, std::int64_t first, std::int64_t channels,
                        std::int64_t width, std::int32_t* sums) {
    for (std::int64_t c = 0; c < channels; ++c) {
      const bool biased = kInputs.bias >= 0 && context.has(kInputs.bias);
      const std::int32_t start =
          biased ? context.in<std::int32_t>(kInputs.bias)[first + c] : std::int32_t{0};
      std::fill_n(sums + c * width, width, start);
    }
  }

  static Status Store(const DenseContext& context, std::int64_t channel, const std::int32_t* sums,
                      std::int64_t count, std::int64_t at) {
    if constexpr (!kRequantizes) {
      std::copy_n(sums, count, context.out<std::int32_t>(0) + at);
      return {};
    } else {
      const float multiplier = ScaleAt(context, kInputs.x_scale) *
                               ScaleAt(context, kInputs.w_scale, channel) /
                               ScaleAt(context, kInputs.y_scale);
      const std::int32_t zero_point = ZeroPointAt(context, kInputs.y_zero);
      return VisitByte(context.out_dtype(0), [&](auto y) -> Status {
        using Q = typename decltype(y)::type;
        Requantize(sums, count, multiplier, zero_point, context.out<Q>(0) + at);
        return {};
      });
    }
  }

  WindowAttributes attributes_;
  std::int64_t groups_ = 1;
};

constexpr std::string_view kRefused = "more than 3 spatial axes";
constexpr OperatorEntry kEntries[] = {
    {"ConvInteger", 10, 21, &QuantizedConv<kConvInteger>::Make, kRefused},
    {"QLinearConv", 10, 21, &QuantizedConv<kQLinearConv>::Make, kRefused},
};

}  // namespace

std::span<const OperatorEntry> QuantizedConvOperators() { return kEntries; }

}  // namespace visavis
