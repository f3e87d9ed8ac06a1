#include "runtime/ops/window.h"

#include <algorithm>
#include <string>

namespace visavis {
namespace {

// Keeps all sums and products of window arithmetic far inside 64 bits.
constexpr std::int64_t kLargest = 1 << 30;

Result<std::vector<std::int64_t>> ReadList(const Node& node, std::string_view name,
                                           std::int64_t smallest) {
  const std::vector<std::int64_t>* list = node.Ints(name);
  if (list == nullptr) return std::vector<std::int64_t>();
  for (const std::int64_t x : *list) {
    if (x < smallest || x > kLargest) {
      return MakeError(ErrorCode::kCorruptData, "{} has {}, want {} to {}", name, x, smallest,
                       kLargest);
    }
  }
  return *list;
}

Status CheckCount(std::string_view name, const std::vector<std::int64_t>& list,
                  std::size_t wanted) {
  if (list.empty() || list.size() == wanted) return {};
  return MakeError(ErrorCode::kInvalidArgument, "{} has {} entries, want {}", name, list.size(),
                   wanted);
}

}  // namespace

Result<WindowAttributes> WindowAttributes::Make(const Node& node) {
  WindowAttributes window;
  VISAVIS_ASSIGN_OR_RETURN(window.kernel_, ReadList(node, "kernel_shape", 1));
  VISAVIS_ASSIGN_OR_RETURN(window.strides_, ReadList(node, "strides", 1));
  VISAVIS_ASSIGN_OR_RETURN(window.dilations_, ReadList(node, "dilations", 1));
  VISAVIS_ASSIGN_OR_RETURN(window.pads_, ReadList(node, "pads", 0));
  window.ceil_mode_ = node.Int("ceil_mode", 0) != 0;
  const std::string auto_pad = node.String("auto_pad", "NOTSET");
  if (auto_pad == "VALID") {
    window.auto_pad_ = AutoPad::kValid;
  } else if (auto_pad == "SAME_UPPER") {
    window.auto_pad_ = AutoPad::kSameUpper;
  } else if (auto_pad == "SAME_LOWER") {
    window.auto_pad_ = AutoPad::kSameLower;
  } else if (auto_pad != "NOTSET") {
    return MakeError(ErrorCode::kUnsupported, "auto_pad '{}'", auto_pad);
  }
  return window;
}

Result<Window> WindowAttributes::Resolve(const Shape& input,
                                         std::span<const std::int64_t> kernel) const {
  const int axes = input.rank() - 2;
  if (axes < 1 || axes > 3) {
    return MakeError(ErrorCode::kUnsupported, "input has shape {}, want 1 to 3 spatial axes",
                     input.ToString());
  }
  const auto count = static_cast<std::size_t>(axes);
  const std::span<const std::int64_t> extents = kernel_.empty() ? kernel : std::span(kernel_);
  if (extents.size() != count || (!kernel.empty() && !std::ranges::equal(extents, kernel))) {
    return MakeError(ErrorCode::kInvalidArgument, "kernel_shape does not fit input {} and weights",
                     input.ToString());
  }
  VISAVIS_RETURN_IF_ERROR(CheckCount("strides", strides_, count));
  VISAVIS_RETURN_IF_ERROR(CheckCount("dilations", dilations_, count));
  VISAVIS_RETURN_IF_ERROR(CheckCount("pads", pads_, 2 * count));
  Window window;
  for (std::size_t i = 0; i < count; ++i) {
    WindowAxis& axis = window[3 - count + i];
    axis.in = input[static_cast<int>(i) + 2];
    axis.kernel = extents[i];
    VISAVIS_RETURN_IF_ERROR(ResolveAxis(i, count, axis));
  }
  return window;
}

Status WindowAttributes::ResolveAxis(std::size_t i, std::size_t axes, WindowAxis& axis) const {
  if (axis.in < 1 || axis.in > kLargest || axis.kernel < 1 || axis.kernel > kLargest) {
    return MakeError(ErrorCode::kInvalidArgument, "window of {} over an axis of {}", axis.kernel,
                     axis.in);
  }
  if (!strides_.empty()) axis.stride = strides_[i];
  if (!dilations_.empty()) axis.dilation = dilations_[i];
  const std::int64_t reach = (axis.kernel - 1) * axis.dilation + 1;
  if (auto_pad_ == AutoPad::kSameUpper || auto_pad_ == AutoPad::kSameLower) {
    axis.out = (axis.in + axis.stride - 1) / axis.stride;
    const std::int64_t total =
        std::max<std::int64_t>(0, (axis.out - 1) * axis.stride + reach - axis.in);
    axis.pad_begin = auto_pad_ == AutoPad::kSameUpper ? total / 2 : total - total / 2;
    axis.pad_end = total - axis.pad_begin;
    return {};
  }
  if (auto_pad_ == AutoPad::kNotSet && !pads_.empty()) {
    axis.pad_begin = pads_[i];
    axis.pad_end = pads_[i + axes];
  }
  const std::int64_t room = axis.in + axis.pad_begin + axis.pad_end - reach;
  if (room < 0) {
    return MakeError(ErrorCode::kInvalidArgument, "a window of {} does not fit into {} + {} + {}",
                     reach, axis.in, axis.pad_begin, axis.pad_end);
  }
  axis.out = room / axis.stride + 1;
  if (ceil_mode_ && room % axis.stride != 0) {
    // One more, unless it would start in the padding behind the input.
    if (axis.out * axis.stride < axis.in + axis.pad_begin) ++axis.out;
  }
  return {};
}

Shape WindowOutputShape(const Shape& input, std::int64_t channels, const Window& window) {
  std::vector<std::int64_t> extents{input[0], channels};
  for (std::size_t i = window.size() - static_cast<std::size_t>(input.rank() - 2);
       i < window.size(); ++i) {
    extents.push_back(window[i].out);
  }
  return Shape(std::move(extents));
}

}  // namespace visavis
