#include "runtime/fast/quant_tail.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "model/graph/passes/graph_editor.h"

namespace visavis {
namespace {

// The bias leaves room for sums of bytes, see fuse_quantized.cc.
constexpr double kLargestStart = 1 << 30;

std::vector<float> Floats(const std::vector<double>& values, int channels, float divisor) {
  std::vector<float> result(static_cast<std::size_t>(QuantBlocksOf(channels) * kQuantLanes), 0.0f);
  for (std::size_t i = 0; i < values.size(); ++i) {
    // Adding zero makes a negative zero positive.
    result[i] = static_cast<float>(values[i]) / divisor + 0.0f;
  }
  return result;
}

}  // namespace

QuantTail::QuantTail(const QuantTailParts& parts, QuantSpecs specs)
    : has_residual_(parts.has_residual),
      residual_first_(parts.residual_first),
      residual_(parts.residual),
      out_(parts.out),
      copy_(parts.copy),
      specs_(std::move(specs)),
      activation_(parts.activation.activation) {
  const float unit = out_.has_value() ? out_->scale : 1.0f;
  lo_ = parts.activation.lo / unit;
  hi_ = parts.activation.hi / unit;
  addend_scale_ = (residual_.has_value() ? residual_->scale : 1.0f) / unit;
  scale_ = Floats(parts.scale, parts.channels, unit);
  shift_ = Floats(parts.shift, parts.channels, unit);
  if (residual_.has_value()) addend_zero_ = residual_->unsigned_zero();
  if (out_.has_value()) out_zero_ = out_->unsigned_zero();
  if (parts.added_to.has_value()) AddAsStored(*parts.added_to);
  slope_ = Floats({}, parts.channels, 1);
  std::copy(parts.activation.slope.begin(), parts.activation.slope.end(), slope_.begin());
  if (!copy_.has_value()) return;
  std::vector<double> copy_scale = parts.copy_scale;
  for (double& s : copy_scale) s *= unit;
  copy_scale_ = Floats(copy_scale, parts.channels, copy_->scale);
  copy_shift_ = Floats(parts.copy_shift, parts.channels, copy_->scale);
}

// v = fma(r, r_scale, fma(x, x_scale, zero - (r_scale * r_zero + x_scale * x_zero))), of stored
// values; rounded with the zero point in it. Where the sum lies between two integers, the last bits
// of this order decide, and a network of bytes amplifies what they decide.
void QuantTail::AddAsStored(const Quantization& x) {
  const float x_scale = x.scale / out_->scale;
  const float zeros = std::fma(addend_scale_, static_cast<float>(residual_->zero),
                               x_scale * static_cast<float>(x.zero));
  std::ranges::fill(scale_, x_scale);
  std::ranges::fill(shift_, static_cast<float>(out_->zero) - zeros);
  addend_zero_ = residual_->unsigned_zero() - residual_->zero;
  out_zero_ = out_->unsigned_zero() - out_->zero;
}

Status QuantTail::SetOutputs(InferContext& context, const Nchw& out) const {
  if (out_.has_value()) {
    VISAVIS_RETURN_IF_ERROR(context.SetOutput(0, out_->dtype(), out.shape(),
                                              QuantStorage(out, specs_.out.border, out_->dtype())));
  } else {
    VISAVIS_RETURN_IF_ERROR(
        context.SetOutput(0, DType::kF32, out.shape(), BlockedStorage(out, specs_.out)));
  }
  if (!copy_.has_value()) return {};
  return context.SetOutput(1, copy_->dtype(), out.shape(),
                           QuantStorage(out, specs_.copy_border, copy_->dtype()));
}

BoundTail::BoundTail(const QuantTail& tail, const KernelTable& kernels, const NodeTypes& types,
                     int residual_input)
    : tail_(tail), kernels_(kernels), residual_input_(residual_input) {
  const Shape& shape = types.outputs[0].shape;
  dims_ = Nchw{static_cast<int>(shape[0]), static_cast<int>(shape[1]), static_cast<int>(shape[2]),
               static_cast<int>(shape[3])};
  const auto gapless = [&](const Storage& storage) { return storage.row_pixels == dims_.w; };
  if (tail.quantizes()) {
    out_ = QuantValue(types.outputs[0], types.output_storage[0]);
  } else {
    float_out_ = BlockedValue(types.outputs[0], types.output_storage[0]);
    float_gapless_ &= gapless(types.output_storage[0]);
  }
  if (tail.has_copy()) copy_ = QuantValue(types.outputs[1], types.output_storage[1]);
  if (!tail.has_residual()) return;
  const auto i = static_cast<std::size_t>(residual_input);
  if (tail.residual_.has_value()) {
    residual_ = QuantValue(types.inputs[i], types.input_storage[i]);
  } else {
    float_residual_ = BlockedValue(types.inputs[i], types.input_storage[i]);
    float_gapless_ &= gapless(types.input_storage[i]);
  }
}

bool BoundTail::gapless() const {
  return float_gapless_ && (!tail_.quantizes() || out_.gapless()) &&
         (!tail_.has_copy() || copy_.gapless()) &&
         (!tail_.has_residual() || !tail_.residual_.has_value() || residual_.gapless());
}

void BoundTail::FillBorders(const StepContext& context) const {
  if (tail_.quantizes()) {
    out_.FillBorder(context.output(0), tail_.out_->unsigned_zero());
  } else {
    float_out_.FillBorder(kernels_, context.output(0), tail_.specs_.out);
  }
  if (tail_.has_copy()) copy_.FillBorder(context.output(1), tail_.copy_->unsigned_zero());
}

void BoundTail::Bind(const StepContext& context, int image, int row, Image& bound) const {
  QuantEpilogue& e = bound.epilogue;
  e = QuantEpilogue{};
  e.scale = tail_.scale_.data();
  e.shift = tail_.shift_.data();
  e.activation = tail_.activation_;
  e.slope = tail_.slope_.data();
  e.lo = tail_.lo_;
  e.hi = tail_.hi_;
  e.addend_scale = tail_.addend_scale_;
  e.residual = Residual::kNone;
  if (tail_.has_residual()) {
    e.residual = tail_.residual_first_ ? Residual::kBeforeActivation : Residual::kAfterActivation;
    const std::byte* base = context.input(residual_input_);
    if (tail_.residual_.has_value()) {
      e.addend = residual_.In(base, image, row);
      e.addend_zero = tail_.addend_zero_;
    } else {
      bound.addend = float_residual_.In(base, image, row);
      e.float_addend = &bound.addend;
    }
  }
  if (tail_.quantizes()) {
    e.out = out_.Out(context.output(0), image, row);
    e.zero = tail_.out_zero_;
  } else {
    bound.out = float_out_.Out(context.output(0), image, row);
    e.float_out = &bound.out;
  }
  if (tail_.has_copy()) {
    e.copy = copy_.Out(context.output(1), image, row);
    e.copy_scale = tail_.copy_scale_.data();
    e.copy_shift = tail_.copy_shift_.data();
    e.copy_zero = tail_.copy_->unsigned_zero();
  }
}

std::string QuantKernelName(const KernelTable& kernels) {
  return std::string(kernels.isa) + " c64 int8";
}

QuantSumParts StartsOf(const Tensor& weights, const std::vector<double>& unit,
                       const std::vector<double>& bias, int x_zero) {
  const std::size_t channels = unit.size();
  const std::span<const std::int8_t> w = weights.data<std::int8_t>();
  const std::size_t depth = w.size() / channels;
  QuantSumParts parts;
  parts.start.assign((channels + kQuantLanes - 1) / kQuantLanes * kQuantLanes, 0);
  parts.shift.assign(channels, 0.0);
  for (std::size_t o = 0; o < channels; ++o) {
    std::int32_t sum = 0;
    for (const std::int8_t x : w.subspan(o * depth, depth)) sum += x;
    const double real = bias.empty() ? 0.0 : bias[o];
    const double units = real / unit[o];
    double whole = 0;
    if (std::abs(units) < kLargestStart) whole = std::nearbyint(units);
    // The scales of an integer bias are products that each file rounds in its own way.
    const bool integer = std::abs(units - whole) <= 1e-6 * std::abs(units);
    parts.start[o] = static_cast<std::int32_t>(whole) - x_zero * sum;
    parts.shift[o] = integer ? 0.0 : real - whole * unit[o];
  }
  return parts;
}

QuantTailParts TailOf(const Graph& graph, const Node& conv, const FusedConvNode& read) {
  QuantTailParts parts;
  parts.channels = read.shape.out_channels;
  parts.activation = read.epilogue;
  parts.has_residual = read.has_residual;
  parts.residual_first = read.residual_first;
  parts.residual = GetQuantization(conv, "residual");
  parts.out = GetQuantization(conv, "out");
  parts.copy = GetQuantization(conv, "copy");
  parts.copy_scale = ConstantDoubles(graph, conv.input(kConvCopyScale));
  parts.copy_shift = ConstantDoubles(graph, conv.input(kConvCopyShift));
  parts.scale = ConstantDoubles(graph, conv.input(kConvOutScale));
  return parts;
}

}  // namespace visavis
