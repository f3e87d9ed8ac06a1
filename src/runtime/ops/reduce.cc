// Reductions over any axes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/ops/attributes.h"
#include "runtime/ops/elements.h"
#include "runtime/ops/families.h"
#include "runtime/ops/nd_loop.h"

namespace visavis {
namespace {

// What a reduction adds up in: wide enough that the order of the elements hardly matters.
template <typename T>
using Accumulated = std::conditional_t<std::is_floating_point_v<Wide<T>>, double, std::int64_t>;

// Integer sums wrap around.
template <typename A>
A Plus(A a, A b) {
  if constexpr (std::is_integral_v<A>) {
    return static_cast<A>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
  } else {
    return a + b;
  }
}
template <typename A>
A Times(A a, A b) {
  if constexpr (std::is_integral_v<A>) {
    return static_cast<A>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
  } else {
    return a * b;
  }
}

// Each reduction: A is the accumulator type; Add takes the elements, Finish gives the result.
template <typename A>
struct SumOf {
  A sum = 0;
  void Add(A x) { sum = Plus(sum, x); }
  A Finish(std::int64_t) const { return sum; }
};
template <typename A>
struct MeanOf : SumOf<A> {
  A Finish(std::int64_t count) const {
    return count == 0 ? A(0) : this->sum / static_cast<A>(count);
  }
};
template <typename A>
struct ProductOf {
  A product = 1;
  void Add(A x) { product = Times(product, x); }
  A Finish(std::int64_t) const { return product; }
};
template <typename A>
struct SumOfSquares : SumOf<A> {
  void Add(A x) { SumOf<A>::Add(Times(x, x)); }
};
template <typename A>
struct L1Of : SumOf<A> {
  void Add(A x) { SumOf<A>::Add(x < 0 ? Times(x, A(-1)) : x); }
};
template <typename A>
struct L2Of : SumOfSquares<A> {
  A Finish(std::int64_t) const { return static_cast<A>(std::sqrt(static_cast<double>(this->sum))); }
};
template <typename A>
struct MaxOf {
  A largest = std::numeric_limits<A>::has_infinity ? -std::numeric_limits<A>::infinity()
                                                   : std::numeric_limits<A>::lowest();
  void Add(A x) { largest = x > largest || x != x ? x : largest; }
  A Finish(std::int64_t) const { return largest; }
};
template <typename A>
struct MinOf {
  A smallest = std::numeric_limits<A>::has_infinity ? std::numeric_limits<A>::infinity()
                                                    : std::numeric_limits<A>::max();
  void Add(A x) { smallest = x < smallest || x != x ? x : smallest; }
  A Finish(std::int64_t) const { return smallest; }
};
template <typename A>
struct LogSumOf : SumOf<A> {
  A Finish(std::int64_t) const { return static_cast<A>(std::log(static_cast<double>(this->sum))); }
};
// Scaled by the largest element so far, so that no exponential overflows.
template <typename A>
struct LogSumExpOf {
  double largest = -std::numeric_limits<double>::infinity();
  double sum = 0;
  void Add(A element) {
    const auto x = static_cast<double>(element);
    if (x > largest) {
      sum = sum * std::exp(largest - x) + 1;
      largest = x;
    } else if (x != -std::numeric_limits<double>::infinity()) {
      sum += std::exp(x - largest);
    }
  }
  A Finish(std::int64_t) const { return static_cast<A>(std::log(sum) + largest); }
};

template <template <typename> typename Reduction, bool kFloatsOnly>
class Reduce final : public DenseOperator {
 public:
  explicit Reduce(const OperatorArgs& args)
      : axes_(IntsFrom::Make(args.node, "axes", 1)),
        keep_axes_(args.node.Int("keepdims", 1) != 0),
        none_means_none_(args.node.Int("noop_with_empty_axes", 0) != 0) {}

  // Parameters: 1 for every axis that is reduced, 0 for the others.
  Status Infer(InferContext& context) const override {
    VISAVIS_RETURN_IF_ERROR(RequireInputs(context, 1));
    VISAVIS_RETURN_IF_ERROR(
        VisitFloatOrNumber<kFloatsOnly>(context.dtype(0), [](auto) { return Status(); }));
    const Shape& in = context.shape(0);
    VISAVIS_ASSIGN_OR_RETURN(const auto given, axes_.Get(context));
    std::vector<std::int64_t> reduced(static_cast<std::size_t>(in.rank()), 0);
    if (given.has_value() && !given->empty()) {
      VISAVIS_ASSIGN_OR_RETURN(const std::vector<int> axes, NormalizedAxes(*given, in.rank()));
      for (const int axis : axes) reduced[static_cast<std::size_t>(axis)] = 1;
    } else if (!none_means_none_) {
      std::ranges::fill(reduced, 1);
    }
    std::vector<std::int64_t> out;
    for (int axis = 0; axis < in.rank(); ++axis) {
      if (reduced[static_cast<std::size_t>(axis)] == 0) {
        out.push_back(in[axis]);
      } else if (keep_axes_) {
        out.push_back(1);
      }
    }
    context.SetParameters(std::move(reduced));
    return context.SetOutput(0, context.dtype(0), Shape(std::move(out)));
  }

  Status Run(const DenseContext& context) const override {
    return VisitFloatOrNumber<kFloatsOnly>(context.dtype(0), [&](auto tag) -> Status {
      Compute<typename decltype(tag)::type>(context);
      return {};
    });
  }

 private:
  template <typename T>
  static void Compute(const DenseContext& context) {
    const Shape& in = context.shape(0);
    const Extents strides = DenseStrides(in);
    // The kept axes walk over outputs, the reduced ones over the elements of each.
    Extents kept{};
    Extents reduced{};
    const auto rank = static_cast<std::size_t>(in.rank());
    std::int64_t count = 1;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      const bool is_reduced = context.integers()[axis] != 0;
      const std::int64_t extent = in.dims()[axis];
      kept[axis] = is_reduced ? 1 : extent;
      reduced[axis] = is_reduced ? extent : 1;
      count *= reduced[axis];
    }
    const auto outputs = NdLoop<1>::Make(Dims(kept).first(rank), {strides});
    const auto elements = NdLoop<1>::Make(Dims(reduced).first(rank), {strides});
    T* out = context.out<T>(0);
    outputs.ForEachRow([&](const std::array<std::int64_t, 1>& row) {
      for (std::int64_t i = 0; i < outputs.row_length(); ++i) {
        const T* first = context.in<T>(0) + row[0] + i * outputs.row_stride(0);
        using A = Accumulated<T>;
        Reduction<A> reduction;
        elements.ForEachRow([&](const std::array<std::int64_t, 1>& offsets) {
          const T* x = first + offsets[0];
          for (std::int64_t k = 0; k < elements.row_length(); ++k) {
            reduction.Add(static_cast<A>(static_cast<Wide<T>>(x[k * elements.row_stride(0)])));
          }
        });
        *out++ = ConvertElement<T>(reduction.Finish(count));
      }
    });
  }

  IntsFrom axes_;
  bool keep_axes_;
  bool none_means_none_;
};

constexpr OperatorEntry kEntries[] = {
    {"ReduceL1", 7, 21, &MakeOperator<Reduce<L1Of, false>>, ""},
    {"ReduceL2", 7, 21, &MakeOperator<Reduce<L2Of, false>>, ""},
    {"ReduceLogSum", 7, 21, &MakeOperator<Reduce<LogSumOf, true>>, ""},
    {"ReduceLogSumExp", 7, 21, &MakeOperator<Reduce<LogSumExpOf, true>>, ""},
    {"ReduceMax", 7, 21, &MakeOperator<Reduce<MaxOf, false>>, ""},
    {"ReduceMean", 7, 21, &MakeOperator<Reduce<MeanOf, false>>, ""},
    {"ReduceMin", 7, 21, &MakeOperator<Reduce<MinOf, false>>, ""},
    {"ReduceProd", 7, 21, &MakeOperator<Reduce<ProductOf, false>>, ""},
    {"ReduceSum", 7, 21, &MakeOperator<Reduce<SumOf, false>>, ""},
    {"ReduceSumSquare", 7, 21, &MakeOperator<Reduce<SumOfSquares, false>>, ""},
};

}  // namespace

std::span<const OperatorEntry> ReduceOperators() { return kEntries; }

}  // namespace visavis
