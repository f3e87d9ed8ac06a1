// Changes of layout between dense and c64 bytes.
#include <cstring>

#include "runtime/fast/quant_operators.h"

namespace visavis {
namespace {

enum class Change : std::uint8_t { kToC64, kReborder, kToDense };

std::uint8_t FlipOf(DType dtype) { return dtype == DType::kI8 ? 0x80 : 0; }

class ChangeStep final : public Step {
 public:
  ChangeStep(Change change, int zero, const NodeTypes& types)
      : change_(change), zero_(zero), flip_(FlipOf(types.inputs[0].dtype)) {
    if (change != Change::kToC64) in_ = QuantValue(types.inputs[0], types.input_storage[0]);
    if (change != Change::kToDense) out_ = QuantValue(types.outputs[0], types.output_storage[0]);
  }

  Status Run(const StepContext& context) const override {
    const Nchw& d = change_ == Change::kToDense ? in_.dims() : out_.dims();
    if (change_ != Change::kToDense) out_.FillBorder(context.output(0), zero_);
    for (int image = 0; image < d.n; ++image) {
      for (int y = 0; y < d.h; ++y) RunRow(context, d, image, y);
    }
    return {};
  }

  StepInfo Describe() const override {
    StepInfo info;
    info.kernel = "loops";
    info.algorithm = change_ == Change::kToC64     ? "dense to c64"
                     : change_ == Change::kToDense ? "c64 to dense"
                                                   : "c64 to another border";
    return info;
  }

 private:
  void RunRow(const StepContext& context, const Nchw& d, int image, int y) const {
    if (change_ == Change::kReborder) {
      const QuantIn from = in_.In(context.input(0), image, y);
      const QuantOut to = out_.Out(context.output(0), image, y);
      for (int block = 0; block < QuantBlocksOf(d.c); ++block) {
        std::memcpy(to.data + block * to.block, from.data + block * from.block,
                    static_cast<std::size_t>(d.w) * kQuantLanes);
      }
      return;
    }
    const std::ptrdiff_t plane = std::ptrdiff_t{d.h} * d.w;
    const std::ptrdiff_t dense = image * d.c * plane + std::ptrdiff_t{y} * d.w;
    for (int c = 0; c < d.c; ++c) {
      const std::ptrdiff_t at = dense + c * plane;
      if (change_ == Change::kToC64) {
        const QuantOut out = out_.Out(context.output(0), image, y);
        std::uint8_t* to = out.data + c / kQuantLanes * out.block + c % kQuantLanes;
        const std::uint8_t* from = context.in<std::uint8_t>(0) + at;
        for (int x = 0; x < d.w; ++x) to[std::ptrdiff_t{x} * kQuantLanes] = from[x] ^ flip_;
      } else {
        const QuantIn in = in_.In(context.input(0), image, y);
        const std::uint8_t* from = in.data + c / kQuantLanes * in.block + c % kQuantLanes;
        std::uint8_t* to = context.out<std::uint8_t>(0) + at;
        for (int x = 0; x < d.w; ++x) to[x] = from[std::ptrdiff_t{x} * kQuantLanes] ^ flip_;
      }
    }
  }

  Change change_;
  int zero_;
  std::uint8_t flip_;
  QuantValue in_;
  QuantValue out_;
};

class LayoutChange final : public Operator {
 public:
  LayoutChange(Change change, const Border& border, int zero)
      : change_(change), border_(border), zero_(zero) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_ASSIGN_OR_RETURN(const Nchw dims, NchwOf(context.shape(0)));
    const DType dtype = context.dtype(0);
    if (dtype != DType::kU8 && dtype != DType::kI8) {
      return MakeError(ErrorCode::kInvalidArgument, "input is {}, want uint8 or int8", Name(dtype));
    }
    if (change_ == Change::kToDense) return context.SetOutput(0, dtype, dims.shape());
    return context.SetOutput(0, dtype, dims.shape(), QuantStorage(dims, border_, dtype));
  }

  std::unique_ptr<Step> MakeStep(const NodeTypes& types) const override {
    return std::make_unique<ChangeStep>(change_, zero_, types);
  }

 private:
  Change change_;
  Border border_;
  int zero_;
};

}  // namespace

std::unique_ptr<Operator> MakeBytesToC64(const Border& border, const Quantization& stored) {
  return std::make_unique<LayoutChange>(Change::kToC64, border, stored.unsigned_zero());
}

std::unique_ptr<Operator> MakeC64Reborder(const Border& border, const Quantization& stored) {
  return std::make_unique<LayoutChange>(Change::kReborder, border, stored.unsigned_zero());
}

std::unique_ptr<Operator> MakeC64ToBytes() {
  return std::make_unique<LayoutChange>(Change::kToDense, Border{}, 0);
}

}  // namespace visavis
