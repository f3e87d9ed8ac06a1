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

// F(1x1) is no algorithm, so its place is free.
std::size_t SlotOf(const ConvAlgorithm& algorithm) {
  return algorithm.tiles ? 1 : static_cast<std::size_t>(algorithm.winograd_m);
}

std::size_t PackedSize(const ConvAlgorithm& algorithm, const ConvShape& shape, int vectors) {
  if (algorithm.tiles) return PackedConvTilesSize(shape);
  if (algorithm.winograd_m == 0 || algorithm.raw) return PackedConvSize(shape, vectors);
  return PackedWinogradSize(shape, algorithm.winograd_m, vectors);
}

void PackInto(const ConvAlgorithm& algorithm, const float* weights, const ConvShape& shape,
              int vectors, std::byte* to) {
  const int m = algorithm.raw ? 0 : algorithm.winograd_m;
  if (algorithm.bf16) {
    auto* halves = reinterpret_cast<std::uint16_t*>(to);
    if (algorithm.tiles) return PackConvTiles(weights, shape, halves);
    return m != 0 ? PackWinogradBf16(weights, shape, m, vectors, halves)
                  : PackConvBf16(weights, shape, vectors, halves);
  }
  auto* floats = reinterpret_cast<float*>(to);
  return m != 0 ? PackWinograd(weights, shape, m, vectors, floats)
                : PackConv(weights, shape, vectors, floats);
}

}  // namespace

ConvWeights::ConvWeights(ScaledWeights weights, const ConvShape& shape, const FastContext& context)
    : shape_(shape), context_(context), weights_(std::move(weights)) {}

ConvAlgorithm ConvWeights::Choose(const ConvWork& work) const {
  return ChooseAlgorithm(work, context_.cost);
}

PackedConv ConvWeights::Get(const ConvAlgorithm& algorithm) const {
  const std::lock_guard lock(mutex_);
  PackedConv& packed = packed_[SlotOf(algorithm)];
  if (packed.data == nullptr) {
    packed = Pack(algorithm);
    if (context_.sizes_fixed) weights_.Release();
  }
  return packed;
}

// Group by group: the scaled copy of one stays in cache, and the file's weights go as they are
// packed.
PackedConv ConvWeights::Pack(const ConvAlgorithm& algorithm) const {
  const int blocks = BlocksOf(shape_.out_channels);
  const int vectors =
      algorithm.tiles ? kTileVectors : GroupVectors(*context_.kernels, UseOf(algorithm), blocks);
  const auto bytes_of = [&](const ConvShape& shape) {
    return PackedSize(algorithm, shape, vectors) *
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
    PackInto(algorithm, plain.data(), shape, vectors,
             data + static_cast<std::size_t>(group) * group_bytes);
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
