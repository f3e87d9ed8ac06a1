#include "runtime/fast/conv_weights.h"

#include <algorithm>
#include <utility>
#include <vector>

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

// Group by group: the scaled copy of one stays in cache, and the file's weights go as they are
// packed.
PackedConv ConvWeights::Pack(const ConvAlgorithm& algorithm) const {
  const int m = algorithm.winograd_m;
  const bool transformed = m != 0 && !algorithm.raw;
  const int blocks = BlocksOf(shape_.out_channels);
  const int vectors = GroupVectors(*context_.kernels, UseOf(algorithm), blocks);
  const auto bytes_of = [&](const ConvShape& shape) {
    return (transformed ? PackedWinogradSize(shape, m, vectors) : PackedConvSize(shape, vectors)) *
           (algorithm.bf16 ? sizeof(std::uint16_t) : sizeof(float));
  };
  ConvShape whole_group = shape_;
  whole_group.out_channels = vectors * kLanes;
  const std::size_t group_bytes = bytes_of(whole_group);
  const std::size_t bytes = bytes_of(shape_);
  auto* data = static_cast<std::byte*>(context_.store->Allocate(bytes));

  const auto pack_group = [&](std::int64_t group, int /*slot*/) {
    const int begin = static_cast<int>(group) * whole_group.out_channels;
    const int end = std::min(begin + whole_group.out_channels, shape_.out_channels);
    ConvShape shape = shape_;
    shape.out_channels = end - begin;
    const std::vector<float> plain = weights_.Rows(begin, end);
    if (context_.sizes_fixed) weights_.DiscardRows(begin, end);
    std::byte* to = data + static_cast<std::size_t>(group) * group_bytes;
    if (algorithm.bf16) {
      auto* halves = reinterpret_cast<std::uint16_t*>(to);
      transformed ? PackWinogradBf16(plain.data(), shape, m, vectors, halves)
                  : PackConvBf16(plain.data(), shape, vectors, halves);
    } else {
      auto* floats = reinterpret_cast<float*>(to);
      transformed ? PackWinograd(plain.data(), shape, m, vectors, floats)
                  : PackConv(plain.data(), shape, vectors, floats);
    }
  };
  ParallelFor(context_.pool, GroupsOf(blocks, vectors), pack_group);
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
