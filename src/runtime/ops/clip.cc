// Clip: limits to [min, max], from attributes before operator set 11 and from inputs since.
#include <algorithm>
#include <limits>

#include "runtime/ops/attributes.h"
#include "runtime/ops/elements.h"
#include "runtime/ops/families.h"

namespace visavis {
namespace {

class Clip final : public DenseOperator {
 public:
  explicit Clip(const OperatorArgs& args)
      : from_inputs_(args.opset() >= 11),
        low_(args.node.Float("min", std::numeric_limits<float>::lowest())),
        high_(args.node.Float("max", std::numeric_limits<float>::max())) {}

  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 1));
    VISAVIS_RETURN_IF_ERROR(VisitNumber(context.dtype(0), [](auto) { return Status(); }));
    for (const int i : {1, 2}) {
      if (!from_inputs_ || !context.has(i)) continue;
      VISAVIS_RETURN_IF_ERROR(RequireSameType(context, i));
      if (context.shape(i).elements() != 1) {
        return MakeError(ErrorCode::kInvalidArgument, "input {} has shape {}, want a scalar", i,
                         context.shape(i).ToString());
      }
    }
    return context.SetOutput(0, context.dtype(0), context.shape(0));
  }

  Status Run(const DenseContext& context) const override {
    const std::int64_t count = context.shape(0).elements();
    return VisitNumber(context.dtype(0), [&](auto tag) -> Status {
      using T = typename decltype(tag)::type;
      using W = Wide<T>;
      W low = from_inputs_ ? Lowest<W>() : ConvertElement<W>(low_);
      W high = from_inputs_ ? Highest<W>() : ConvertElement<W>(high_);
      if (from_inputs_ && context.has(1)) low = *context.in<T>(1);
      if (from_inputs_ && context.has(2)) high = *context.in<T>(2);
      const T* in = context.in<T>(0);
      T* out = context.out<T>(0);
      for (std::int64_t i = 0; i < count; ++i) {
        // In this order min > max gives max, and NaN stays NaN.
        const W x = in[i];
        const W raised = x < low ? low : x;
        out[i] = static_cast<T>(raised > high ? high : raised);
      }
      return {};
    });
  }

  bool may_overwrite(int i) const override { return i == 0; }

 private:
  template <typename W>
  static W Lowest() {
    return std::is_floating_point_v<W> ? -std::numeric_limits<W>::infinity()
                                       : std::numeric_limits<W>::lowest();
  }
  template <typename W>
  static W Highest() {
    return std::is_floating_point_v<W> ? std::numeric_limits<W>::infinity()
                                       : std::numeric_limits<W>::max();
  }

  bool from_inputs_;
  float low_;
  float high_;
};

constexpr OperatorEntry kEntries[] = {{"Clip", 7, 21, &MakeOperator<Clip>, ""}};

}  // namespace

std::span<const OperatorEntry> ClipOperators() { return kEntries; }

}  // namespace visavis
