// Quantized convolutions on c64 values: dense, depthwise, and of pictures.
#include <cstring>
#include <utility>

#include "model/graph/passes/graph_editor.h"
#include "runtime/fast/conv_step.h"
#include "runtime/fast/quant_operators.h"
#include "runtime/fast/work.h"

namespace visavis {
namespace {

// Rows of output per strip of a picture: the padded copy of a strip's input stays in L1.
constexpr int kStripRows = 16;

struct QuantLayer {
  FusedConvNode node;  // weights unused
  QuantTail tail;
  const KernelTable* kernels = nullptr;
  Quantization x;
  std::vector<std::int32_t> start;
  const std::int8_t* weights = nullptr;
  std::int64_t weight_bytes = 0;
  // Of a picture:
  bool floats = false;  // not quantized yet
  std::vector<float> factor, term;

  double Flops(const Nchw& out) const { return ConvFlops(node, out); }
  int rows_for(int output_rows) const {
    return (output_rows - 1) * node.geometry.stride +
           node.geometry.dilation[0] * (node.shape.kernel_h - 1) + 1;
  }
  std::ptrdiff_t StripRow(const Nchw& in) const {
    return std::ptrdiff_t{in.w + node.geometry.pad[1] + node.geometry.pad[3]} * kQuantPicturePixel;
  }
  // Tiles of sixteen pixels may read behind the last row; so may a vector of four taps.
  std::size_t StripBytes(const Nchw& in) const {
    return (static_cast<std::size_t>(StripRow(in) * rows_for(kStripRows)) + 63) / 64 * 64 + 64;
  }
};

std::vector<std::ptrdiff_t> TapOffsets(const FusedConvNode& node, std::ptrdiff_t row,
                                       std::ptrdiff_t pixel) {
  std::vector<std::ptrdiff_t> offsets;
  for (int y = 0; y < node.shape.kernel_h; ++y) {
    for (int x = 0; x < node.shape.kernel_w; ++x) {
      offsets.push_back(y * node.geometry.dilation[0] * row +
                        x * node.geometry.dilation[1] * pixel);
    }
  }
  return offsets;
}

StepInfo Describe(const QuantLayer& layer, std::string_view algorithm, const Nchw& out) {
  StepInfo info;
  info.kernel = QuantKernelName(*layer.kernels);
  info.algorithm = algorithm;
  info.weight_bytes = layer.weight_bytes;
  info.flops = layer.Flops(out);
  return info;
}

class DenseStep final : public Step {
 public:
  DenseStep(const QuantLayer& layer, const NodeTypes& types)
      : layer_(layer),
        in_(types.inputs[0], types.input_storage[0]),
        tail_(layer.tail, *layer.kernels, types, 1),
        offsets_(TapOffsets(layer.node, in_.row_stride(), kQuantLanes)) {
    conv_.in_blocks = QuantBlocksOf(in_.dims().c);
    conv_.last_quads = QuantLastQuads(in_.dims().c);
    conv_.out_blocks = BlocksOf(tail_.dims().c);
    conv_.stride = layer.node.geometry.stride;
    conv_.taps = static_cast<int>(offsets_.size());
    conv_.weights = layer.weights;
    conv_.start = layer.start.data();
    rows_ = tail_.dims().h;
    conv_.out_width = tail_.dims().w;
    // Without borders a map is one long row.
    if (conv_.taps == 1 && conv_.stride == 1 && in_.gapless() && tail_.gapless()) {
      conv_.out_width *= rows_;
      rows_ = 1;
    }
  }

  Status Run(const StepContext& context) const override {
    tail_.FillBorders(context);
    const Split split = SplitFor(ThreadsOf(context.pool()));
    const int groups = GroupsOf(conv_.out_blocks, kQuantGroup);
    const int images = tail_.dims().n;
    ParallelFor(context.pool(), std::int64_t{split.groups} * images * split.rows,
                [&](std::int64_t item, int /*slot*/) {
                  const Piece y = PieceOf(rows_, split.rows, static_cast<int>(item % split.rows));
                  const int image = static_cast<int>(item / split.rows % images);
                  const Piece g =
                      PieceOf(groups, split.groups, static_cast<int>(item / split.rows / images));
                  BoundTail::Image bound;
                  tail_.Bind(context, image, 0, bound);
                  QuantConvArgs args = conv_;
                  args.tap_offsets = offsets_.data();
                  const ConvGeometry& geometry = layer_.node.geometry;
                  args.in = in_.In(context.input(0), image, -geometry.pad[0], -geometry.pad[1]);
                  args.epilogue = bound.epilogue;
                  layer_.kernels->quant.conv(args, g.begin, g.end, y.begin, y.end);
                });
    return {};
  }

  StepInfo Describe() const override { return visavis::Describe(layer_, "direct", tail_.dims()); }

 private:
  struct Split {
    int groups = 1;
    int rows = 1;
  };
  // Groups first: every thread then reads only its own weights. Rows where there are too few.
  Split SplitFor(int threads) const {
    const int groups = GroupsOf(conv_.out_blocks, kQuantGroup);
    const int images = tail_.dims().n;
    Split split;
    if (threads == 1 || images >= threads || layer_.Flops(tail_.dims()) < kWorthSharing) {
      return split;
    }
    if (groups >= threads || rows_ == 1) {
      split.groups = PiecesFor(groups, threads);
    } else {
      split.rows = PiecesFor(rows_, threads);
    }
    return split;
  }

  const QuantLayer& layer_;
  const QuantValue in_;
  const BoundTail tail_;
  const std::vector<std::ptrdiff_t> offsets_;
  QuantConvArgs conv_;
  int rows_ = 0;
};

class DepthwiseStep final : public Step {
 public:
  DepthwiseStep(const QuantLayer& layer, const NodeTypes& types)
      : layer_(layer),
        in_(types.inputs[0], types.input_storage[0]),
        tail_(layer.tail, *layer.kernels, types, 1) {}

  Status Run(const StepContext& context) const override {
    tail_.FillBorders(context);
    const int rows = tail_.dims().h;
    const bool share = layer_.Flops(tail_.dims()) >= kWorthSharing;
    const int pieces = share ? PiecesFor(rows, ThreadsOf(context.pool())) : 1;
    for (int image = 0; image < tail_.dims().n; ++image) {
      ParallelPieces(context.pool(), rows, pieces, [&](int begin, int end, int /*slot*/) {
        BoundTail::Image bound;
        tail_.Bind(context, image, 0, bound);
        const FusedConvNode& node = layer_.node;
        QuantDepthwiseArgs args;
        args.in = in_.In(context.input(0), image, -node.geometry.pad[0], -node.geometry.pad[1]);
        args.out_blocks = BlocksOf(tail_.dims().c);
        args.out_width = tail_.dims().w;
        args.stride = node.geometry.stride;
        args.kernel_h = node.shape.kernel_h;
        args.kernel_w = node.shape.kernel_w;
        args.weights = layer_.weights;
        args.start = layer_.start.data();
        args.epilogue = bound.epilogue;
        layer_.kernels->quant.depthwise(args, 0, QuantBlocksOf(tail_.dims().c), begin, end);
      });
    }
    return {};
  }

  StepInfo Describe() const override {
    return visavis::Describe(layer_, "depthwise", tail_.dims());
  }

 private:
  const QuantLayer& layer_;
  const QuantValue in_;
  const BoundTail tail_;
};

// A dense picture is quantized, or copied, strip by strip into pixels of four bytes.
class PictureStep final : public Step {
 public:
  PictureStep(const QuantLayer& layer, const NodeTypes& types, int threads)
      : layer_(layer),
        planned_threads_(threads),
        in_(*NchwOf(types.inputs[0].shape)),
        tail_(layer.tail, *layer.kernels, types, 1),
        offsets_(TapOffsets(layer.node, layer.StripRow(in_), kQuantPicturePixel)) {}

  Status Run(const StepContext& context) const override {
    tail_.FillBorders(context);
    const int strips = (tail_.dims().h + kStripRows - 1) / kStripRows;
    const bool share = planned_threads_ > 1 && layer_.Flops(tail_.dims()) >= kWorthSharing;
    ParallelFor(share ? context.pool() : nullptr, std::int64_t{strips} * in_.n,
                [&](std::int64_t item, int slot) {
                  RunStrip(context, static_cast<int>(item / strips),
                           static_cast<int>(item % strips) * kStripRows, slot);
                });
    return {};
  }

  StepInfo Describe() const override { return visavis::Describe(layer_, "stem", tail_.dims()); }

 private:
  void RunStrip(const StepContext& context, int image, int first_row, int slot) const {
    const int rows = std::min(kStripRows, tail_.dims().h - first_row);
    const ConvGeometry& g = layer_.node.geometry;
    auto* strip = reinterpret_cast<std::uint8_t*>(context.scratch()) +
                  static_cast<std::size_t>(slot) * layer_.StripBytes(in_);
    Fill(context, image, first_row * g.stride - g.pad[0], layer_.rows_for(rows), strip);
    BoundTail::Image bound;
    tail_.Bind(context, image, first_row, bound);
    QuantConvArgs args;
    args.in = {strip, layer_.StripRow(in_), 0};
    args.picture = true;
    args.in_blocks = 1;
    args.last_quads = 1;
    args.out_blocks = BlocksOf(tail_.dims().c);
    args.out_width = tail_.dims().w;
    args.stride = g.stride;
    args.taps = static_cast<int>(offsets_.size());
    args.tap_offsets = offsets_.data();
    args.weights = layer_.weights;
    args.start = layer_.start.data();
    args.epilogue = bound.epilogue;
    layer_.kernels->quant.conv_picture(args, 0, GroupsOf(args.out_blocks, kQuantGroup), 0, rows);
  }

  // Rows [first, first + rows) of the picture, which may lie outside it.
  void Fill(const StepContext& context, int image, int first, int rows, std::uint8_t* strip) const {
    const std::ptrdiff_t row = layer_.StripRow(in_);
    const int zero = layer_.x.unsigned_zero();
    const std::ptrdiff_t left = std::ptrdiff_t{layer_.node.geometry.pad[1]} * kQuantPicturePixel;
    const std::ptrdiff_t plane = std::ptrdiff_t{in_.h} * in_.w;
    const auto fill = [&](std::uint8_t* at, std::ptrdiff_t bytes) {
      std::memset(at, zero, static_cast<std::size_t>(bytes));
    };
    for (int r = 0; r < rows; ++r) {
      std::uint8_t* to = strip + r * row;
      const int y = first + r;
      if (y < 0 || y >= in_.h) {
        fill(to, row);
        continue;
      }
      fill(to, left);
      const std::ptrdiff_t inside = std::ptrdiff_t{in_.w} * kQuantPicturePixel;
      fill(to + left + inside, row - left - inside);
      const std::ptrdiff_t at = image * in_.c * plane + std::ptrdiff_t{y} * in_.w;
      if (layer_.floats) {
        layer_.kernels->quant.picture(context.in<float>(0) + at, plane, in_.c, in_.w,
                                      layer_.factor.data(), layer_.term.data(), layer_.x.scale,
                                      zero, to + left);
      } else {
        Interleave(context.in<std::uint8_t>(0) + at, plane, to + left);
      }
    }
  }

  void Interleave(const std::uint8_t* in, std::ptrdiff_t plane, std::uint8_t* out) const {
    const std::uint8_t flip = layer_.x.is_signed ? 0x80 : 0;
    for (int x = 0; x < in_.w; ++x) {
      for (int c = 0; c < kQuantPicturePixel; ++c) {
        *out++ = c < in_.c ? static_cast<std::uint8_t>(in[c * plane + x] ^ flip) : 0;
      }
    }
  }

  const QuantLayer& layer_;
  const int planned_threads_;
  const Nchw in_;
  const BoundTail tail_;
  const std::vector<std::ptrdiff_t> offsets_;
};

class QuantConv final : public Operator {
 public:
  QuantConv(const Graph& graph, const Node& conv, QuantConvForm form, QuantSpecs specs,
            const FastContext& context)
      : form_(form.kind), threads_(context.threads), store_(context.store) {
    layer_.node = ReadFusedConv(graph, conv);
    layer_.node.weights.Release();
    layer_.kernels = context.kernels;
    layer_.x = *GetQuantization(conv, "x");
    layer_.floats = form.quantizes_picture;
    layer_.factor = std::move(form.factor);
    layer_.term = std::move(form.term);
    const Tensor& weights = *graph.constant(conv.inputs[kConvWeights]);
    QuantTailParts parts = TailOf(graph, conv, layer_.node);
    QuantSumParts sums =
        StartsOf(weights, parts.scale, ConstantDoubles(graph, conv.inputs[kConvBias]),
                 layer_.x.unsigned_zero());
    layer_.start = std::move(sums.start);
    parts.shift = std::move(sums.shift);
    layer_.tail = QuantTail(parts, std::move(specs));
    Pack(weights.data<std::int8_t>().data());
  }

  Status Infer(InferContext& context) const override {
    VISAVIS_ASSIGN_OR_RETURN(const Nchw in, NchwOf(context.shape(0)));
    VISAVIS_ASSIGN_OR_RETURN(const Nchw out, layer_.node.OutputOf(in));
    VISAVIS_RETURN_IF_ERROR(CheckResidual(layer_.node, context, out));
    const DType want = layer_.floats ? DType::kF32 : layer_.x.dtype();
    if (context.dtype(0) != want) {
      return MakeError(ErrorCode::kInvalidArgument, "input is {}, want {}", Name(context.dtype(0)),
                       Name(want));
    }
    if (form_ == QuantConvForm::Kind::kPicture) {
      context.SetScratch(layer_.StripBytes(in) * static_cast<std::size_t>(threads_));
    }
    return layer_.tail.SetOutputs(context, out);
  }

  std::unique_ptr<Step> MakeStep(const NodeTypes& types) const override {
    switch (form_) {
      case QuantConvForm::Kind::kDepthwise:
        return std::make_unique<DepthwiseStep>(layer_, types);
      case QuantConvForm::Kind::kPicture:
        return std::make_unique<PictureStep>(layer_, types, threads_);
      case QuantConvForm::Kind::kDense:
        break;
    }
    return std::make_unique<DenseStep>(layer_, types);
  }

 private:
  void Pack(const std::int8_t* weights) {
    const ConvShape& shape = layer_.node.shape;
    std::size_t bytes = PackedQuantConvSize(shape);
    if (form_ == QuantConvForm::Kind::kPicture) bytes = PackedQuantPictureSize(shape);
    if (form_ == QuantConvForm::Kind::kDepthwise) {
      bytes = PackedQuantDepthwiseSize(shape.out_channels, shape.kernel_h, shape.kernel_w);
    }
    auto* packed = static_cast<std::int8_t*>(store_->Allocate(bytes));
    switch (form_) {
      case QuantConvForm::Kind::kPicture:
        PackQuantPicture(weights, shape, packed);
        break;
      case QuantConvForm::Kind::kDepthwise:
        PackQuantDepthwise(weights, shape.out_channels, shape.kernel_h, shape.kernel_w, packed);
        break;
      case QuantConvForm::Kind::kDense:
        PackQuantConv(weights, shape, packed);
        break;
    }
    layer_.weights = packed;
    layer_.weight_bytes = static_cast<std::int64_t>(bytes);
  }

  QuantConvForm::Kind form_;
  int threads_;
  std::shared_ptr<WeightStore> store_;
  QuantLayer layer_;
};

}  // namespace

std::unique_ptr<Operator> MakeQuantConv(const Graph& graph, const Node& conv, QuantConvForm form,
                                        QuantSpecs specs, const FastContext& context) {
  return std::make_unique<QuantConv>(graph, conv, std::move(form), std::move(specs), context);
}

}  // namespace visavis
