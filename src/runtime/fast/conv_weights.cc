#include "runtime/fast/conv_weights.h"

#include <utility>

namespace visavis {
namespace {

GroupUse UseOf(const ConvAlgorithm& algorithm) {
  switch (algorithm.winograd_m) {
    case 2:
      return GroupUse::kWinograd2;
    case 3:
      return GroupUse::kWinograd3;
    case 4:
      return GroupUse::kWinograd4;
    default:
      return GroupUse::kConv;
  }
}

}  // namespace

ConvWeights::ConvWeights(ScaledWeights weights, const ConvShape& shape, const FastContext& context)
    : shape_(shape), context_(context), weights_(std::move(weights)) {}

ConvAlgorithm ConvWeights::Choose(const ConvWork& work) const {
  return ChooseAlgorithm(work, context_.cost);
}

PackedConv ConvWeights::Get(const ConvAlgorithm& algorithm) const {
  const std::lock_guard lock(mutex_);
  PackedConv& packed = packed_[static_cast<std::size_t>(algorithm.winograd_m)];
  if (packed.data == nullptr) {
    packed = Pack(algorithm);
    if (context_.sizes_fixed) weights_.Release();
  }
  return packed;
}

PackedConv ConvWeights::Pack(const ConvAlgorithm& algorithm) const {
  const std::vector<float> plain = weights_.Rows(0, shape_.out_channels);
  const int m = algorithm.winograd_m;
  const int vectors =
      GroupVectors(*context_.kernels, UseOf(algorithm), BlocksOf(shape_.out_channels));
  const bool transformed = m != 0 && !algorithm.raw;
  const std::size_t count =
      transformed ? PackedWinogradSize(shape_, m, vectors) : PackedConvSize(shape_, vectors);
  const std::size_t bytes = count * (algorithm.bf16 ? 2 : 4);
  void* data = context_.store->Allocate(bytes);
  if (algorithm.bf16) {
    auto* halves = static_cast<std::uint16_t*>(data);
    transformed ? PackWinogradBf16(plain.data(), shape_, m, vectors, halves)
                : PackConvBf16(plain.data(), shape_, vectors, halves);
  } else {
    auto* floats = static_cast<float*>(data);
    transformed ? PackWinograd(plain.data(), shape_, m, vectors, floats)
                : PackConv(plain.data(), shape_, vectors, floats);
  }
  return PackedConv{data, vectors, static_cast<std::int64_t>(bytes)};
}

PackedConv PackStemWeights(const ScaledWeights& weights, const ConvShape& shape,
                           const FastContext& context) {
  const std::vector<float> plain = weights.Rows(0, shape.out_channels);
  const int vectors = GroupVectors(*context.kernels, GroupUse::kStem, BlocksOf(shape.out_channels));
  const std::size_t bytes = PackedStemSize(shape, vectors) * sizeof(float);
  auto* data = static_cast<float*>(context.store->Allocate(bytes));
  PackStem(plain.data(), shape, vectors, data);
  return PackedConv{data, vectors, static_cast<std::int64_t>(bytes)};
}

}  // namespace visavis
