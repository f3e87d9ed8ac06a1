// Tensors for kernel tests: guard bytes on both sides, an odd alignment, random contents.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "kernels/bf16.h"
#include "kernels/kernels.h"

namespace visavis {

/// `count` elements with guards around them, deliberately aligned to sizeof(T) only.
template <typename T>
class Guarded {
 public:
  explicit Guarded(std::size_t count)
      : count_(count), bytes_((count + 1) * sizeof(T) + 2 * kGuard, kCanary) {}
  T* data() { return reinterpret_cast<T*>(bytes_.data() + kGuard + sizeof(T)); }
  const T* data() const { return reinterpret_cast<const T*>(bytes_.data() + kGuard + sizeof(T)); }
  std::size_t size() const { return count_; }
  T& operator[](std::size_t i) { return data()[i]; }
  const T& operator[](std::size_t i) const { return data()[i]; }
  /// Whether every guard byte is untouched.
  bool intact() const {
    const std::size_t begin = kGuard + sizeof(T);
    const std::size_t end = begin + count_ * sizeof(T);
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
      if ((i < begin || i >= end) && bytes_[i] != kCanary) return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t kGuard = 256;
  static constexpr unsigned char kCanary = 0xA5;  // as a float: -2.9e-16, as bf16 likewise
  std::size_t count_;
  std::vector<unsigned char> bytes_;
};

using Random = std::mt19937;

inline float Uniform(Random& random) {
  return std::uniform_real_distribution<float>(-1, 1)(random);
}

inline std::vector<float> RandomFloats(std::size_t count, Random& random) {
  std::vector<float> values(count);
  for (float& value : values) value = Uniform(random);
  return values;
}

/// A blocked tensor with a border of random values; lanes of missing channels are zero everywhere.
class BlockedTensor {
 public:
  BlockedTensor(int channels, int rows, int width, int border, Store store)
      : channels_(channels),
        rows_(rows),
        width_(width),
        border_(border),
        store_(store),
        row_((width + 2 * border) * kLanes),
        block_(row_ * (rows + 2 * border)),
        floats_(store == Store::kF32 ? Elements() : 0),
        halves_(store == Store::kBf16 ? Elements() : 0) {}

  void FillRandom(Random& random) {
    for (int c = 0; c < BlocksOf(channels_) * kLanes; ++c) {
      for (int y = -border_; y < rows_ + border_; ++y) {
        for (int x = -border_; x < width_ + border_; ++x) {
          Set(c, y, x, c < channels_ ? Uniform(random) : 0);
        }
      }
    }
  }

  float Get(int c, int y, int x) const {
    const std::size_t at = Index(c, y, x);
    return store_ == Store::kF32 ? floats_[at] : Bf16ToFloat(halves_[at]);
  }
  void Set(int c, int y, int x, float value) {
    const std::size_t at = Index(c, y, x);
    if (store_ == Store::kF32) {
      floats_[at] = value;
    } else {
      halves_[at] = FloatToBf16(value);
    }
  }

  /// Views at pixel (y, x) of block 0.
  BlockedIn In(int y = 0, int x = 0) const { return {Address(y, x), row_, block_, store_}; }
  BlockedOut Out() { return {const_cast<void*>(Address(0, 0)), row_, block_, store_}; }

  int channels() const { return channels_; }
  int blocks() const { return BlocksOf(channels_); }
  int rows() const { return rows_; }
  int width() const { return width_; }
  int border() const { return border_; }
  bool intact() const { return floats_.intact() && halves_.intact(); }
  const Guarded<float>& floats() const { return floats_; }
  const Guarded<std::uint16_t>& halves() const { return halves_; }

 private:
  std::size_t Elements() const {
    return static_cast<std::size_t>(block_) * static_cast<std::size_t>(BlocksOf(channels_));
  }
  std::size_t Index(int c, int y, int x) const {
    return static_cast<std::size_t>(c / kLanes * block_ + (y + border_) * row_ +
                                    (x + border_) * kLanes + c % kLanes);
  }
  const void* Address(int y, int x) const {
    const std::size_t at = Index(0, y, x);
    return store_ == Store::kF32 ? static_cast<const void*>(floats_.data() + at)
                                 : static_cast<const void*>(halves_.data() + at);
  }

  int channels_;
  int rows_;
  int width_;
  int border_;
  Store store_;
  std::ptrdiff_t row_;
  std::ptrdiff_t block_;
  Guarded<float> floats_;
  Guarded<std::uint16_t> halves_;
};

/// Expects equal interiors up to `tolerance` absolute, equal borders, and intact guards.
inline void ExpectNear(const BlockedTensor& got, const BlockedTensor& want, double tolerance,
                       const std::string& what) {
  EXPECT_TRUE(got.intact()) << what << ": wrote outside its output";
  int reported = 0;
  for (int c = 0; c < got.blocks() * kLanes; ++c) {
    for (int y = -got.border(); y < got.rows() + got.border(); ++y) {
      for (int x = -got.border(); x < got.width() + got.border(); ++x) {
        const double difference = std::fabs(double{got.Get(c, y, x)} - double{want.Get(c, y, x)});
        if (difference <= tolerance) continue;
        ADD_FAILURE() << what << ": channel " << c << " pixel (" << y << ", " << x << ") is "
                      << got.Get(c, y, x) << ", want " << want.Get(c, y, x);
        if (++reported == 5) return;
      }
    }
  }
}

/// The instruction sets to compare with the portable kernels on this machine.
inline std::vector<const KernelTable*> VectorTables() {
  std::vector<const KernelTable*> tables;
  for (const std::string_view isa : KnownIsas()) {
    const KernelTable* table = FindKernels(isa);
    if (table != nullptr && isa != "scalar") tables.push_back(table);
  }
  return tables;
}

/// Random bias, slopes and residual, and the epilogue that uses them.
struct TestEpilogue {
  std::vector<float> bias;
  std::vector<float> slope;
  BlockedTensor addend;
  Epilogue epilogue;

  TestEpilogue(const BlockedTensor& out, Activation activation, Residual residual,
               Store addend_store, Random& random)
      : bias(RandomFloats(static_cast<std::size_t>(out.blocks() * kLanes), random)),
        slope(RandomFloats(bias.size(), random)),
        addend(out.channels(), out.rows(), out.width(), 1, addend_store) {
    addend.FillRandom(random);
    for (std::size_t c = static_cast<std::size_t>(out.channels()); c < bias.size(); ++c) {
      bias[c] = slope[c] = 0;
    }
    epilogue = {bias.data(), activation, slope.data(), -0.25f, 0.5f, residual, addend.In()};
  }
};

}  // namespace visavis
