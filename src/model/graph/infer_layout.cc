// Shape rules of operators that move elements without changing them.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>

#include "model/graph/shape_context.h"

namespace visavis {
namespace {

using Ints = std::vector<std::int64_t>;

void InferShape(ShapeContext& context) {
  context.SetType(0, DType::kI64);
  const Dims* data = context.shape(0);
  if (data == nullptr || context.output() == nullptr) return;
  const auto rank = static_cast<std::int64_t>(data->size());
  const auto clamp = [rank](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  const std::int64_t start = clamp(context.node().Int("start", 0));
  const std::int64_t end = std::max(start, clamp(context.node().Int("end", rank)));
  Integers extents;
  for (std::int64_t i = start; i < end; ++i) {
    const Dim& dim = (*data)[static_cast<std::size_t>(i)];
    extents.push_back(dim.known() ? std::optional(dim.extent) : std::nullopt);
  }
  context.SetShape(0, {KnownDim(end - start)});
  context.output()->integers = std::move(extents);
}

void InferFlatten(ShapeContext& context) {
  context.SetTypeFrom(0);
  const Dims* data = context.shape(0);
  if (data == nullptr) return;
  const auto rank = static_cast<std::int64_t>(data->size());
  std::int64_t axis = context.node().Int("axis", 1);
  if (axis < -rank || axis > rank) return;
  if (axis < 0) axis += rank;
  const std::span<const Dim> all(*data);
  const auto join = [](std::span<const Dim> dims) {
    if (dims.size() == 1) return dims[0];
    const std::optional<std::int64_t> product = Product(dims);
    return product ? KnownDim(*product) : Dim{};
  };
  context.SetShape(0, {join(all.first(static_cast<std::size_t>(axis))),
                       join(all.subspan(static_cast<std::size_t>(axis)))});
}

void InferReshape(ShapeContext& context) {
  context.SetTypeFrom(0);
  const Dims* data = context.shape(0);
  const Integers* target = context.integers(1);
  if (target == nullptr || context.output() == nullptr) return;
  const bool allow_zero = context.node().Int("allowzero", 0) != 0;
  Dims out;
  std::optional<std::size_t> rest;
  for (std::size_t i = 0; i < target->size(); ++i) {
    const std::optional<std::int64_t>& extent = (*target)[i];
    if (extent == 0 && !allow_zero) {
      out.push_back(data != nullptr && i < data->size() ? (*data)[i] : Dim{});
    } else if (extent == -1) {
      rest = i;
      out.push_back(Dim{});
    } else {
      out.push_back(extent ? KnownDim(*extent) : Dim{});
    }
  }
  if (rest && data != nullptr) {
    const std::optional<std::int64_t> all = Product(*data);
    out[*rest] = KnownDim(1);
    const std::optional<std::int64_t> others = Product(out);
    out[*rest] = all && others && *others > 0 ? KnownDim(*all / *others) : Dim{};
  }
  if (context.integers(0) != nullptr) context.output()->integers = *context.integers(0);
  context.SetShape(0, std::move(out));
}

void InferTranspose(ShapeContext& context) {
  context.SetTypeFrom(0);
  const Dims* data = context.shape(0);
  if (data == nullptr) return;
  Dims out(data->rbegin(), data->rend());
  if (const Ints* perm = context.node().Ints("perm")) {
    if (perm->size() != data->size()) return;
    for (std::size_t i = 0; i < perm->size(); ++i) {
      const auto axis = ResolveAxis((*perm)[i], data->size());
      if (!axis) return;
      out[i] = (*data)[*axis];
    }
  }
  context.SetShape(0, std::move(out));
}

void InferConcat(ShapeContext& context) {
  context.SetTypeFrom(0);
  const std::size_t count = context.node().inputs.size();
  Integers joined;
  bool all_integers = count > 0;
  for (std::size_t i = 0; i < count && all_integers; ++i) {
    const Integers* part = context.integers(i);
    all_integers = part != nullptr && joined.size() + part->size() <= kMaxInferredIntegers;
    if (all_integers) joined.insert(joined.end(), part->begin(), part->end());
  }
  if (all_integers && context.output() != nullptr) context.output()->integers = std::move(joined);

  const Dims* first = context.shape(0);
  if (first == nullptr) return;
  const auto axis = ResolveAxis(context.node().Int("axis", 1), first->size());
  if (!axis) return;
  Dims out = *first;
  for (std::size_t i = 1; i < count; ++i) {
    const Dims* other = context.shape(i);
    if (other == nullptr || other->size() != out.size()) return;
    for (std::size_t d = 0; d < out.size(); ++d) {
      const Dim& extent = (*other)[d];
      if (d == *axis) {
        out[d] = out[d].known() && extent.known() ? KnownDim(out[d].extent + extent.extent) : Dim{};
      } else if (!out[d].known() && extent.known()) {
        out[d] = extent;
      }
    }
  }
  context.SetShape(0, std::move(out));
}

void InferSplit(ShapeContext& context) {
  const Dims* data = context.shape(0);
  const std::size_t count = context.node().outputs.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (context.input(0) != nullptr && context.input(0)->dtype) {
      context.SetType(i, *context.input(0)->dtype);
    }
  }
  if (data == nullptr || count == 0) return;
  const auto axis = ResolveAxis(context.node().Int("axis", 0), data->size());
  if (!axis) return;
  const std::optional<Ints> sizes = context.IntsOf(1, "split");
  const Dim& whole = (*data)[*axis];
  const auto parts = static_cast<std::int64_t>(count);
  for (std::size_t i = 0; i < count; ++i) {
    Dims out = *data;
    out[*axis] = Dim{};
    if (sizes && sizes->size() == count) {
      out[*axis] = KnownDim((*sizes)[i]);
    } else if (!sizes && whole.known()) {
      // Equal parts; with num_outputs the last may be smaller.
      const std::int64_t part = (whole.extent + parts - 1) / parts;
      const std::int64_t before = part * static_cast<std::int64_t>(i);
      out[*axis] = KnownDim(std::min(part, std::max<std::int64_t>(whole.extent - before, 0)));
    }
    context.SetShape(i, std::move(out));
  }
}

std::int64_t SlicedExtent(std::int64_t extent, std::int64_t start, std::int64_t end,
                          std::int64_t step) {
  const auto from_front = [extent](std::int64_t at) {
    return at < 0 ? std::max(at, -extent - 1) + extent : std::min(at, extent);
  };
  if (step > 0) {
    start = std::clamp<std::int64_t>(from_front(start), 0, extent);
    end = std::clamp<std::int64_t>(from_front(end), 0, extent);
    return end > start ? (end - start - 1) / step + 1 : 0;
  }
  start = std::clamp<std::int64_t>(from_front(start), -1, extent - 1);
  end = std::clamp<std::int64_t>(from_front(end), -1, extent - 1);
  // -(step + 1) + 1 instead of -step: the lowest number has no positive twin.
  return start > end ? (start - end - 1) / (-(step + 1) + 1) + 1 : 0;
}

void InferSlice(ShapeContext& context) {
  context.SetTypeFrom(0);
  const Dims* data = context.shape(0);
  if (data == nullptr) return;
  const std::optional<Ints> starts = context.IntsOf(1, "starts");
  const std::optional<Ints> ends = context.IntsOf(2, "ends");
  std::optional<Ints> axes = context.IntsOf(3, "axes");
  std::optional<Ints> steps = context.IntsOf(4, "steps");
  Dims out = *data;
  if (!starts || !ends || starts->size() != ends->size() ||
      (context.input(3) != nullptr && !axes) || (context.input(4) != nullptr && !steps)) {
    return context.SetShape(0, Dims(data->size()));
  }
  if (!axes) {
    axes.emplace();
    for (std::size_t i = 0; i < starts->size(); ++i) axes->push_back(static_cast<std::int64_t>(i));
  }
  if (!steps) steps = Ints(starts->size(), 1);
  if (axes->size() != starts->size() || steps->size() != starts->size()) return;
  constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
  for (std::size_t i = 0; i < axes->size(); ++i) {
    const auto axis = ResolveAxis((*axes)[i], data->size());
    const std::int64_t step = (*steps)[i];
    if (!axis || step == 0 || step == kLowest) return;
    const std::int64_t start = (*starts)[i];
    const std::int64_t end = (*ends)[i];
    Dim& extent = out[*axis];
    extent = extent.known() ? KnownDim(SlicedExtent(extent.extent, start, end, step)) : Dim{};
    if (const Integers* numbers = context.integers(0); numbers != nullptr && data->size() == 1 &&
                                                       step == 1 && extent.known() &&
                                                       context.output() != nullptr) {
      const auto size = static_cast<std::int64_t>(numbers->size());
      const std::int64_t first =
          std::clamp<std::int64_t>(start < 0 ? std::max(start, -size) + size : start, 0, size);
      const std::int64_t last = std::min(size, first + extent.extent);
      context.output()->integers = Integers(numbers->begin() + first, numbers->begin() + last);
    }
  }
  context.SetShape(0, std::move(out));
}

void InferSqueeze(ShapeContext& context) {
  context.SetTypeFrom(0);
  const Dims* data = context.shape(0);
  if (data == nullptr) return;
  const std::optional<Ints> axes = context.IntsOf(1, "axes");
  std::vector<bool> dropped(data->size(), false);
  if (axes) {
    for (const std::int64_t value : *axes) {
      const auto axis = ResolveAxis(value, data->size());
      if (!axis) return;
      dropped[*axis] = true;
    }
  } else {
    if (context.input(1) != nullptr) return;
    for (std::size_t i = 0; i < data->size(); ++i) {
      if (!(*data)[i].known()) return;
      dropped[i] = (*data)[i].extent == 1;
    }
  }
  Dims out;
  for (std::size_t i = 0; i < data->size(); ++i) {
    if (!dropped[i]) out.push_back((*data)[i]);
  }
  context.SetShape(0, std::move(out));
  if (context.integers(0) != nullptr && context.output() != nullptr) {
    context.output()->integers = *context.integers(0);
  }
}

void InferUnsqueeze(ShapeContext& context) {
  context.SetTypeFrom(0);
  const Dims* data = context.shape(0);
  const std::optional<Ints> axes = context.IntsOf(1, "axes");
  if (data == nullptr || !axes || axes->size() > kMaxInferredIntegers) return;
  const std::size_t rank = data->size() + axes->size();
  std::vector<bool> added(rank, false);
  for (const std::int64_t value : *axes) {
    const auto axis = ResolveAxis(value, rank);
    if (!axis || added[*axis]) return;
    added[*axis] = true;
  }
  Dims out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < rank; ++i) out.push_back(added[i] ? KnownDim(1) : (*data)[next++]);
  context.SetShape(0, std::move(out));
  if (context.integers(0) != nullptr && context.output() != nullptr) {
    context.output()->integers = *context.integers(0);
  }
}

void InferGather(ShapeContext& context) {
  context.SetTypeFrom(0);
  const Dims* data = context.shape(0);
  const Dims* indices = context.shape(1);
  if (data == nullptr || indices == nullptr || data->empty()) return;
  const auto axis = ResolveAxis(context.node().Int("axis", 0), data->size());
  if (!axis) return;
  const auto at = static_cast<std::ptrdiff_t>(*axis);
  Dims out(data->begin(), data->begin() + at);
  out.insert(out.end(), indices->begin(), indices->end());
  out.insert(out.end(), data->begin() + at + 1, data->end());
  context.SetShape(0, std::move(out));

  const Integers* numbers = context.integers(0);
  const Integers* positions = context.integers(1);
  if (numbers == nullptr || positions == nullptr || context.output() == nullptr) return;
  Integers picked;
  for (const std::optional<std::int64_t>& position : *positions) {
    const auto index = position ? ResolveAxis(*position, numbers->size()) : std::nullopt;
    picked.push_back(index ? (*numbers)[*index] : std::nullopt);
  }
  context.output()->integers = std::move(picked);
}

Dims FromIntegers(const Integers& extents) {
  Dims dims;
  for (const std::optional<std::int64_t>& extent : extents) {
    dims.push_back(extent ? KnownDim(*extent) : Dim{});
  }
  return dims;
}

void InferConstantOfShape(ShapeContext& context) {
  const Tensor* value = context.node().TensorAttribute("value");
  context.SetType(0, value != nullptr ? value->dtype() : DType::kF32);
  if (const Integers* shape = context.integers(0)) context.SetShape(0, FromIntegers(*shape));
}

void InferExpand(ShapeContext& context) {
  context.SetTypeFrom(0);
  const Dims* data = context.shape(0);
  const Integers* target = context.integers(1);
  if (data == nullptr || target == nullptr) return;
  if (auto shape = Broadcast(*data, FromIntegers(*target))) context.SetShape(0, *std::move(shape));
}

// The axes that Pad pads: all, or since operator set 18 those of input 3. Nothing if not known.
std::optional<std::vector<std::size_t>> PaddedAxes(const ShapeContext& context, std::size_t rank) {
  std::vector<std::size_t> axes;
  if (context.input(3) == nullptr) {
    for (std::size_t axis = 0; axis < rank; ++axis) axes.push_back(axis);
    return axes;
  }
  const std::optional<Ints> given = context.IntsOf(3, "axes");
  if (!given) return std::nullopt;
  for (const std::int64_t number : *given) {
    const std::optional<std::size_t> axis = ResolveAxis(number, rank);
    if (!axis || std::ranges::find(axes, *axis) != axes.end()) return std::nullopt;
    axes.push_back(*axis);
  }
  return axes;
}

void InferPad(ShapeContext& context) {
  context.SetTypeFrom(0);
  const Dims* data = context.shape(0);
  const std::optional<Ints> pads = context.IntsOf(1, "pads");
  if (data == nullptr || !pads) return;
  const auto axes = PaddedAxes(context, data->size());
  if (!axes || pads->size() != 2 * axes->size()) return;
  Dims out = *data;
  for (std::size_t i = 0; i < axes->size(); ++i) {
    const std::int64_t begin = (*pads)[i];
    const std::int64_t end = (*pads)[i + axes->size()];
    Dim& extent = out[(*axes)[i]];
    if (begin == 0 && end == 0) continue;
    const bool sane = std::abs(begin / 2) < kMaxInferredExtent &&
                      std::abs(end / 2) < kMaxInferredExtent && extent.known();
    extent = sane ? KnownDim(extent.extent + begin + end) : Dim{};
  }
  context.SetShape(0, std::move(out));
}

constexpr std::array kRules{
    InferEntry{"Shape", InferShape},
    InferEntry{"Flatten", InferFlatten},
    InferEntry{"Reshape", InferReshape},
    InferEntry{"Transpose", InferTranspose},
    InferEntry{"Concat", InferConcat},
    InferEntry{"Split", InferSplit},
    InferEntry{"Slice", InferSlice},
    InferEntry{"Squeeze", InferSqueeze},
    InferEntry{"Unsqueeze", InferUnsqueeze},
    InferEntry{"Gather", InferGather},
    InferEntry{"ConstantOfShape", InferConstantOfShape},
    InferEntry{"Expand", InferExpand},
    InferEntry{"Pad", InferPad},
};

}  // namespace

std::span<const InferEntry> LayoutRules() { return kRules; }

}  // namespace visavis
