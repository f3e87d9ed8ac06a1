// Cast and CastLike.
#include "model/graph/onnx_types.h"
#include "runtime/ops/attributes.h"
#include "runtime/ops/elements.h"
#include "runtime/ops/families.h"

namespace visavis {
namespace {

class Cast final : public DenseOperator {
 public:
  explicit Cast(std::optional<DType> to) : to_(to) {}

  static Result<std::unique_ptr<Operator>> Make(const OperatorArgs& args) {
    const std::int64_t to = args.node.Int("to", 0);
    const std::optional<DType> dtype = DTypeOfOnnxType(to);
    if (!dtype.has_value()) {
      return MakeError(ErrorCode::kUnsupported, "to is data type {} of ONNX", to);
    }
    return std::unique_ptr<Operator>(std::make_unique<Cast>(dtype));
  }

  // CastLike: the type of input 1.
  static Result<std::unique_ptr<Operator>> MakeLike(const OperatorArgs&) {
    return std::unique_ptr<Operator>(std::make_unique<Cast>(std::nullopt));
  }

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, to_.has_value() ? 1 : 2));
    return context.SetOutput(0, to_.has_value() ? *to_ : context.dtype(1), context.shape(0));
  }

  Status Run(const DenseContext& context) const override {
    const std::int64_t count = context.shape(0).elements();
    return VisitElement(context.dtype(0), [&](auto from) {
      return VisitElement(context.out_dtype(0), [&](auto to) -> Status {
        using From = typename decltype(from)::type;
        using To = typename decltype(to)::type;
        const From* in = context.in<From>(0);
        To* out = context.out<To>(0);
        for (std::int64_t i = 0; i < count; ++i) {
          out[i] = ConvertElement<To>(static_cast<Wide<From>>(in[i]));
        }
        return {};
      });
    });
  }

  bool may_overwrite(int i) const override { return i == 0; }

 private:
  std::optional<DType> to_;
};

constexpr OperatorEntry kEntries[] = {
    {"Cast", 7, 21, &Cast::Make, "strings, 8-bit floats, uint32, uint64"},
    {"CastLike", 15, 21, &Cast::MakeLike, "strings, 8-bit floats, uint32, uint64"},
};

}  // namespace

std::span<const OperatorEntry> CastOperators() { return kEntries; }

}  // namespace visavis
