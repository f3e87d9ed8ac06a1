// Times every kernel on the layers of ArcFace networks and prints one JSON object per line:
//   {"kernel", "layer", "isa", "weights": "warm" | "cold", "ms_min", "ms_median", "gflops",
//    "share_of_peak"}
// Cold weights: every call takes another copy out of 400 MB, as in a real network.
// Usage: kernels_bench [--isa NAME] [--filter TEXT] [--runs N]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/huge_pages.h"
#include "kernels/kernels.h"

namespace visavis {
namespace {

double NowMs() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// 64-byte aligned zeroed floats.
class Buffer {
 public:
  explicit Buffer(std::size_t floats)
      : data_(static_cast<float*>(std::aligned_alloc(
            kHugePageBytes,
            (floats * sizeof(float) + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes))) {
    AdviseHugePages(data_.get(), floats * sizeof(float));
    std::fill(data_.get(), data_.get() + floats, 0.01f);
  }
  float* get() const { return data_.get(); }

 private:
  struct Free {
    void operator()(float* p) const { std::free(p); }
  };
  std::unique_ptr<float, Free> data_;
};

struct Options {
  const KernelTable* kernels = nullptr;
  std::string filter;
  int runs = 30;
};

struct Peaks {
  double f32 = 0;
  double bf16 = 0;
  double int8 = 0;
};

/// What a layer multiplies, and so which peak it is compared with.
enum class Products { kF32, kBf16, kInt8 };

Products ProductsOf(bool bf16) { return bf16 ? Products::kBf16 : Products::kF32; }

double PeakGflops(std::int64_t (*loop)(std::int64_t)) {
  if (loop == nullptr) return 0;
  double best = 0;
  for (int i = 0; i < 5; ++i) {
    const double start = NowMs();
    const std::int64_t operations = loop(1'000'000);
    best = std::max(best, static_cast<double>(operations) / (NowMs() - start) * 1e-6);
  }
  return best;
}

class Bench {
 public:
  explicit Bench(Options options) : options_(std::move(options)) {
    peaks_.f32 = PeakGflops(kernels().peak_f32);
    peaks_.bf16 = PeakGflops(kernels().peak_bf16);
    peaks_.int8 = PeakGflops(kernels().peak_int8);
    fmt::print(
        "{{\"isa\": \"{}\", \"peak_f32_gflops\": {:.0f}, \"peak_bf16_gflops\": {:.0f}, "
        "\"peak_int8_gops\": {:.0f}}}\n",
        kernels().isa, peaks_.f32, peaks_.bf16, peaks_.int8);
  }

  const KernelTable& kernels() const { return *options_.kernels; }

  /// `call(copy)` runs the layer once with weight copy `copy`.
  void Report(const std::string& kernel, const std::string& layer, double gflop,
              std::size_t weight_bytes, Products products,
              const std::function<void(std::size_t)>& call, std::size_t copies) const {
    for (const bool cold : {false, true}) {
      if (cold && copies < 2) continue;
      std::vector<double> times;
      for (int i = 0; i < options_.runs + 3; ++i) {
        const double start = NowMs();
        call(cold ? static_cast<std::size_t>(i) % copies : 0);
        if (i >= 3) times.push_back(NowMs() - start);
      }
      std::sort(times.begin(), times.end());
      const double rate = gflop / times[0] * 1e3;
      const double peak = products == Products::kInt8   ? peaks_.int8
                          : products == Products::kBf16 ? peaks_.bf16
                                                        : peaks_.f32;
      fmt::print(
          "{{\"kernel\": \"{}\", \"layer\": \"{}\", \"isa\": \"{}\", \"weights\": \"{}\", "
          "\"ms_min\": {:.4f}, \"ms_median\": {:.4f}, \"gflops\": {:.1f}, \"share_of_peak\": "
          "{:.3f}, \"weight_gb_per_s\": {:.1f}}}\n",
          kernel, layer, kernels().isa, cold ? "cold" : "warm", times[0], times[times.size() / 2],
          rate, peak > 0 ? rate / peak : 0, static_cast<double>(weight_bytes) / times[0] * 1e-6);
      std::fflush(stdout);
    }
  }

  bool Wanted(const std::string& name) const {
    return name.find(options_.filter) != std::string::npos;
  }

 private:
  Options options_;
  Peaks peaks_;
};

constexpr std::size_t kColdBytes = 400u << 20;

std::size_t Copies(std::size_t bytes) {
  return std::clamp<std::size_t>(kColdBytes / bytes, 1, 400);
}

struct Layer {
  int in;
  int out;
  int size;  ///< of the output, square
  int kernel = 3;
  int stride = 1;

  std::string Name() const {
    return fmt::format("{}->{}@{} {}x{} s{}", in, out, size, kernel, kernel, stride);
  }
  double Gflop() const {
    return 2e-9 * in * out * size * static_cast<double>(size) * kernel * kernel;
  }
};

/// Blocked input (with its border) and output (border 1) of a layer, fp32 sized.
struct Planes {
  explicit Planes(const Layer& l)
      : in_side((l.size - 1) * l.stride + l.kernel),
        in(static_cast<std::size_t>(BlocksOf(l.in) * in_side * in_side * kLanes)),
        out(static_cast<std::size_t>(BlocksOf(l.out) * (l.size + 2) * (l.size + 2) * kLanes)),
        bias(static_cast<std::size_t>(BlocksOf(l.out) * kLanes)) {}
  BlockedIn In(Store store) const {
    return {in.get(), in_side * kLanes, std::ptrdiff_t{in_side} * in_side * kLanes, store};
  }
  BlockedOut Out(const Layer& l, Store store) const {
    const int side = l.size + 2;
    const std::ptrdiff_t start = (side + 1) * kLanes;
    void* data = store == Store::kF32
                     ? static_cast<void*>(out.get() + start)
                     : static_cast<void*>(reinterpret_cast<std::uint16_t*>(out.get()) + start);
    return {data, side * kLanes, std::ptrdiff_t{side} * side * kLanes, store};
  }
  Epilogue MakeEpilogue() const {
    Epilogue e;
    e.bias = bias.get();
    e.activation = Activation::kPrelu;
    e.slope = bias.get();
    return e;
  }
  int in_side;
  Buffer in;
  Buffer out;
  Buffer bias;
};

void BenchConv(const Bench& bench, const Layer& l, bool bf16) {
  const std::string kernel = bf16 ? "conv_bf16" : "conv_f32";
  if (!bench.Wanted(kernel + " " + l.Name())) return;
  const Planes planes(l);
  const Store store = bf16 ? Store::kBf16 : Store::kF32;
  std::vector<std::ptrdiff_t> offsets;
  for (int y = 0; y < l.kernel; ++y) {
    for (int x = 0; x < l.kernel; ++x) offsets.push_back((y * planes.in_side + x) * kLanes);
  }
  ConvArgs a;
  a.in = planes.In(store);
  a.out = planes.Out(l, store);
  a.in_blocks = BlocksOf(l.in);
  a.out_blocks = BlocksOf(l.out);
  a.out_width = l.size;
  a.stride = l.stride;
  a.taps = l.kernel * l.kernel;
  a.tap_offsets = offsets.data();
  a.vectors = GroupVectors(bench.kernels(), GroupUse::kConv, a.out_blocks);
  a.epilogue = planes.MakeEpilogue();
  const std::size_t size = PackedConvSize({l.out, l.in, l.kernel, l.kernel}, a.vectors);
  const std::size_t bytes = size * (bf16 ? 2 : 4);
  const std::size_t copies = Copies(bytes);
  const Buffer weights((copies * bytes + 3) / 4);
  const auto conv = bf16 ? bench.kernels().conv_bf16 : bench.kernels().conv_f32;
  bench.Report(
      kernel, l.Name(), l.Gflop(), bytes, ProductsOf(bf16),
      [&](std::size_t copy) {
        a.weights = reinterpret_cast<const char*>(weights.get()) + copy * bytes;
        conv(a, 0, GroupsOf(a.out_blocks, a.vectors), 0, l.size);
      },
      copies);
}

/// Gathering its planes included, as a step does it.
void BenchTiles(const Bench& bench, const Layer& l, bool bf16) {
  const std::string kernel = bf16 ? "tiles_bf16" : "tiles_split";
  if (!bench.kernels().fast_tiles || !bench.Wanted(kernel + " " + l.Name())) return;
  const Store store = bf16 ? Store::kBf16 : Store::kF32;
  const Planes planes(l);
  const ConvShape shape{l.out, l.in, l.kernel, l.kernel};
  const TileGeometry geometry = MakeTileGeometry(shape, l.stride, l.size, l.size, !bf16);
  const std::vector<std::ptrdiff_t> offsets = TileTapOffsets(geometry);
  const int pairs = TilePairsOf(l.in);
  const Buffer gathered(static_cast<std::size_t>(geometry.pair * pairs + 1) / 2);
  TileGatherArgs gather;
  gather.in = planes.In(store);
  gather.in_blocks = BlocksOf(l.in);
  gather.geometry = geometry;
  gather.planes = reinterpret_cast<std::uint16_t*>(gathered.get());
  TileConvArgs a;
  a.planes = gather.planes;
  a.in_pairs = pairs;
  a.geometry = geometry;
  a.tap_offsets = offsets.data();
  a.out = planes.Out(l, store);
  a.out_blocks = BlocksOf(l.out);
  a.epilogue = planes.MakeEpilogue();
  const std::size_t bytes = PackedConvTilesSize(shape) * (bf16 ? 2 : 4);
  const std::size_t copies = Copies(bytes);
  const Buffer weights((copies * bytes + 3) / 4);
  bench.Report(
      kernel, l.Name(), l.Gflop(), bytes, ProductsOf(bf16),
      [&](std::size_t copy) {
        a.weights = reinterpret_cast<const std::uint16_t*>(
            reinterpret_cast<const char*>(weights.get()) + copy * bytes);
        bench.kernels().gather_tiles(gather, 0, pairs);
        bench.kernels().conv_tiles(a, 0, GroupsOf(a.out_blocks, kTileVectors), 0, geometry.tiles);
      },
      copies);
}

enum class WinogradKind { kF32, kRaw, kBf16 };

void BenchWinograd(const Bench& bench, const Layer& l, int m, WinogradKind kind) {
  const bool bf16 = kind == WinogradKind::kBf16;
  const std::string kernel = fmt::format("winograd{}_{}", m,
                                         bf16                         ? "bf16"
                                         : kind == WinogradKind::kRaw ? "raw"
                                                                      : "f32");
  if (!bench.Wanted(kernel + " " + l.Name())) return;
  const Planes planes(l);
  const Store store = bf16 ? Store::kBf16 : Store::kF32;
  WinogradArgs a;
  a.m = m;
  a.in = planes.In(store);
  a.out = planes.Out(l, store);
  a.in_blocks = BlocksOf(l.in);
  a.out_blocks = BlocksOf(l.out);
  a.height = a.width = l.size;
  a.vectors = GroupVectors(bench.kernels(),
                           m == 2   ? GroupUse::kWinograd2
                           : m == 3 ? GroupUse::kWinograd3
                                    : GroupUse::kWinograd4,
                           a.out_blocks);
  a.epilogue = planes.MakeEpilogue();
  const ConvShape shape{l.out, l.in, 3, 3};
  const std::size_t bytes = kind == WinogradKind::kRaw
                                ? PackedConvSize(shape, a.vectors) * 4
                                : PackedWinogradSize(shape, m, a.vectors) * (bf16 ? 2 : 4);
  const std::size_t copies = Copies(bytes);
  const Buffer weights((copies * bytes + 3) / 4);
  const int all = WinogradTileCount(m, l.size, l.size);
  const int pass = WinogradTilesPerPass(all);
  const Buffer v(WinogradInputSize(m, a.in_blocks, pass));
  const Buffer products(WinogradProductSize(m, a.vectors, pass));
  const Buffer u(WinogradRawSize(m, a.vectors));
  const KernelTable& k = bench.kernels();
  const auto input = bf16 ? k.winograd_input_bf16 : k.winograd_input_f32;
  const auto output = bf16                         ? k.winograd_output_bf16
                      : kind == WinogradKind::kRaw ? k.winograd_output_raw
                                                   : k.winograd_output_f32;
  bench.Report(
      kernel, l.Name(), l.Gflop(), bytes, ProductsOf(bf16),
      [&](std::size_t copy) {
        a.weights = reinterpret_cast<const char*>(weights.get()) + copy * bytes;
        a.raw_weights = static_cast<const float*>(a.weights);
        for (int begin = 0; begin < all; begin += pass) {
          const WinogradTiles tiles{begin, std::min(pass, all - begin), v.get(), products.get(),
                                    u.get()};
          input(a, tiles, 0, a.in_blocks);
          output(a, tiles, 0, GroupsOf(a.out_blocks, a.vectors));
        }
      },
      copies);
}

void BenchDepthwise(const Bench& bench, const Layer& l, bool bf16) {
  const std::string kernel = bf16 ? "depthwise_bf16" : "depthwise_f32";
  if (!bench.Wanted(kernel + " " + l.Name())) return;
  const Planes planes(l);
  const Store store = bf16 ? Store::kBf16 : Store::kF32;
  const Buffer weights(PackedDepthwiseSize(l.in, l.kernel * l.kernel));
  DepthwiseArgs a;
  a.in = planes.In(store);
  a.out = planes.Out(l, store);
  a.out_width = l.size;
  a.stride = l.stride;
  a.kernel_h = a.kernel_w = l.kernel;
  a.weights = weights.get();
  a.epilogue = planes.MakeEpilogue();
  bench.Report(
      kernel, l.Name(), l.Gflop() / l.out, 0, Products::kF32,
      [&](std::size_t) { bench.kernels().depthwise(a, 0, BlocksOf(l.in), 0, l.size); }, 1);
}

void BenchStem(const Bench& bench, const Layer& l, bool blocked) {
  const std::string kernel = blocked ? "conv_stem" : "conv_planar";
  if (!bench.Wanted(kernel + " " + l.Name())) return;
  const Planes planes(l);
  const std::ptrdiff_t row = planes.in_side;
  const Buffer in(static_cast<std::size_t>(l.in * row * row));
  const Buffer out(static_cast<std::size_t>(l.out * l.size * l.size));
  std::vector<std::ptrdiff_t> offsets;
  for (int c = 0; c < l.in; ++c) {
    for (int y = 0; y < l.kernel; ++y) {
      for (int x = 0; x < l.kernel; ++x) offsets.push_back((c * row + y) * row + x);
    }
  }
  PlanarConvArgs a;
  a.in = in.get();
  a.in_row = row;
  a.stride = l.stride;
  a.depth = static_cast<int>(offsets.size());
  a.offsets = offsets.data();
  a.out_width = l.size;
  a.out_channels = l.out;
  a.vectors = GroupVectors(bench.kernels(), GroupUse::kStem, BlocksOf(l.out));
  a.blocked_out = planes.Out(l, Store::kF32);
  a.planar_out = {out.get(), l.size, std::ptrdiff_t{l.size} * l.size};
  a.epilogue = planes.MakeEpilogue();
  const Buffer weights(PackedStemSize({l.out, l.in, l.kernel, l.kernel}, a.vectors));
  a.weights = weights.get();
  bench.Report(
      kernel, l.Name(), l.Gflop(), 0, Products::kF32,
      [&](std::size_t) {
        if (blocked) {
          bench.kernels().conv_stem(a, 0, GroupsOf(BlocksOf(l.out), a.vectors), 0, l.size);
        } else {
          bench.kernels().conv_planar(a, 0, PlanarGroupsOf(l.out), 0, l.size);
        }
      },
      1);
}

void BenchFc(const Bench& bench, int depth, int out_channels, int batch, bool bf16) {
  const std::string kernel = bf16 ? "fc_bf16" : "fc_f32";
  const std::string name = fmt::format("{}->{} batch {}", depth, out_channels, batch);
  if (!bench.Wanted(kernel + " " + name)) return;
  const std::size_t bytes = PackedFcSize(out_channels, depth) * (bf16 ? 2 : 4);
  const std::size_t copies = Copies(bytes);
  const Buffer weights(copies * bytes / 4);
  const Buffer in(static_cast<std::size_t>(depth * batch));
  const Buffer out(static_cast<std::size_t>(out_channels * batch));
  FcArgs a;
  a.in = in.get();
  a.in_row = depth;
  a.batch = batch;
  a.depth = depth;
  a.out_channels = out_channels;
  a.out = out.get();
  a.out_row = out_channels;
  const auto fc = bf16 ? bench.kernels().fc_bf16 : bench.kernels().fc_f32;
  bench.Report(
      kernel, name, 2e-9 * depth * out_channels * batch, bytes, ProductsOf(bf16),
      [&](std::size_t copy) {
        a.weights = reinterpret_cast<const char*>(weights.get()) + copy * bytes;
        fc(a, 0, FcGroupsOf(out_channels));
      },
      copies);
}

/// c64 input (with its border) and output (border 1) of a layer, bytes. A picture has pixels of
/// four.
struct QuantPlanes {
  explicit QuantPlanes(const Layer& l, bool picture = false)
      : in_side((l.size - 1) * l.stride + l.kernel),
        pixel(picture ? kQuantPicturePixel : kQuantLanes),
        in(Quarter(QuantBlocksOf(l.in) * in_side * in_side * pixel + kQuantOverread)),
        out(Quarter(QuantBlocksOf(l.out) * (l.size + 2) * (l.size + 2) * kQuantLanes)),
        floats(static_cast<std::size_t>(QuantBlocksOf(l.out) * kQuantLanes)),
        start(static_cast<std::size_t>(QuantBlocksOf(l.out) * kQuantLanes)) {}
  static std::size_t Quarter(int bytes) { return static_cast<std::size_t>(bytes) / 4 + 16; }

  QuantIn In() const {
    const std::ptrdiff_t row = std::ptrdiff_t{in_side} * pixel;
    return {reinterpret_cast<const std::uint8_t*>(in.get()), row, row * in_side};
  }
  const std::int32_t* Start() const { return reinterpret_cast<const std::int32_t*>(start.get()); }
  QuantEpilogue MakeEpilogue(const Layer& l) const {
    const std::ptrdiff_t row = std::ptrdiff_t{l.size + 2} * kQuantLanes;
    QuantEpilogue e;
    e.scale = e.shift = e.slope = floats.get();
    e.activation = Activation::kPrelu;
    e.residual = Residual::kNone;
    e.out = {reinterpret_cast<std::uint8_t*>(out.get()) + row + kQuantLanes, row,
             row * (l.size + 2)};
    return e;
  }
  int in_side;
  int pixel;
  Buffer in;
  Buffer out;
  Buffer floats;
  Buffer start;
};

void BenchQuantConv(const Bench& bench, const Layer& l) {
  const bool picture = l.in <= kQuantPicturePixel;
  const std::string kernel = picture ? "picture_int8" : "conv_int8";
  if (!bench.Wanted(kernel + " " + l.Name())) return;
  const QuantPlanes planes(l, picture);
  std::vector<std::ptrdiff_t> offsets;
  for (int y = 0; y < l.kernel; ++y) {
    for (int x = 0; x < l.kernel; ++x) offsets.push_back((y * planes.in_side + x) * planes.pixel);
  }
  QuantConvArgs a;
  a.in = planes.In();
  a.picture = picture;
  a.in_blocks = QuantBlocksOf(l.in);
  a.last_quads = picture ? 1 : QuantLastQuads(l.in);
  a.out_blocks = BlocksOf(l.out);
  a.out_width = l.size;
  a.stride = l.stride;
  a.taps = l.kernel * l.kernel;
  a.tap_offsets = offsets.data();
  a.start = planes.Start();
  a.epilogue = planes.MakeEpilogue(l);
  const ConvShape shape{l.out, l.in, l.kernel, l.kernel};
  const std::size_t bytes = picture ? PackedQuantPictureSize(shape) : PackedQuantConvSize(shape);
  const std::size_t copies = picture ? 1 : Copies(bytes);
  const Buffer weights(copies * bytes / 4);
  const QuantKernels& k = bench.kernels().quant;
  const auto conv = picture ? k.conv_picture : k.conv;
  bench.Report(
      kernel, l.Name(), l.Gflop(), bytes, Products::kInt8,
      [&](std::size_t copy) {
        a.weights = reinterpret_cast<const std::int8_t*>(weights.get()) + copy * bytes;
        conv(a, 0, GroupsOf(a.out_blocks, kQuantGroup), 0, l.size);
      },
      copies);
}

void BenchQuantDepthwise(const Bench& bench, const Layer& l) {
  const std::string kernel = "depthwise_int8";
  if (!bench.Wanted(kernel + " " + l.Name())) return;
  const QuantPlanes planes(l);
  const Buffer weights(PackedQuantDepthwiseSize(l.in, l.kernel, l.kernel) / 4);
  QuantDepthwiseArgs a;
  a.in = planes.In();
  a.out_blocks = BlocksOf(l.out);
  a.out_width = l.size;
  a.stride = l.stride;
  a.kernel_h = a.kernel_w = l.kernel;
  a.weights = reinterpret_cast<const std::int8_t*>(weights.get());
  a.start = planes.Start();
  a.epilogue = planes.MakeEpilogue(l);
  bench.Report(
      kernel, l.Name(), l.Gflop() / l.out, 0, Products::kInt8,
      [&](std::size_t) { bench.kernels().quant.depthwise(a, 0, QuantBlocksOf(l.in), 0, l.size); },
      1);
}

/// A fully connected layer is the convolution of a map of one pixel.
void BenchQuantFc(const Bench& bench, int depth, int out_channels) {
  const std::string kernel = "fc_int8";
  const std::string name = fmt::format("{}->{} batch 1", depth, out_channels);
  if (!bench.Wanted(kernel + " " + name)) return;
  const Layer l{depth, out_channels, 1, 1};
  const QuantPlanes planes(l);
  const std::ptrdiff_t tap = 0;
  QuantConvArgs a;
  a.in = planes.In();
  a.in_blocks = QuantBlocksOf(depth);
  a.last_quads = QuantLastQuads(depth);
  a.out_blocks = BlocksOf(out_channels);
  a.out_width = 1;
  a.taps = 1;
  a.tap_offsets = &tap;
  a.start = planes.Start();
  a.epilogue = planes.MakeEpilogue(l);
  const std::size_t bytes = PackedQuantConvSize({out_channels, depth, 1, 1});
  const std::size_t copies = Copies(bytes);
  const Buffer weights(copies * bytes / 4);
  bench.Report(
      kernel, name, l.Gflop(), bytes, Products::kInt8,
      [&](std::size_t copy) {
        a.weights = reinterpret_cast<const std::int8_t*>(weights.get()) + copy * bytes;
        bench.kernels().quant.conv(a, 0, GroupsOf(a.out_blocks, kQuantGroup), 0, 1);
      },
      copies);
}

void RunAll(const Bench& bench) {
  const std::vector<Layer> same = {{64, 64, 112},  {64, 64, 56},   {64, 128, 56},  {128, 128, 28},
                                   {128, 256, 28}, {256, 256, 14}, {256, 512, 14}, {512, 512, 7}};
  const std::vector<Layer> others = {
      {64, 64, 56, 3, 2},   {128, 128, 28, 3, 2}, {256, 256, 14, 3, 2}, {512, 512, 7, 3, 2},
      {64, 64, 56, 1, 2},   {64, 128, 28, 1, 2},  {128, 256, 14, 1, 2}, {256, 512, 7, 1, 2},
      {64, 128, 56, 1, 1},  {64, 128, 28, 1, 1},  {128, 64, 28, 1, 1},  {64, 256, 28, 1, 1},
      {256, 128, 14, 1, 1}, {128, 256, 14, 1, 1}, {128, 512, 14, 1, 1}, {512, 128, 7, 1, 1},
      {128, 256, 7, 1, 1},  {256, 128, 7, 1, 1},  {128, 512, 7, 1, 1}};
  const std::vector<Layer> depthwise = {
      {64, 64, 56},         {128, 128, 28},       {256, 256, 14},      {256, 256, 7},
      {128, 128, 28, 3, 2}, {256, 256, 14, 3, 2}, {512, 512, 7, 3, 2}, {512, 512, 1, 7, 1}};
  for (const bool bf16 : {false, true}) {
    if (bf16 && !bench.kernels().fast_bf16) continue;
    for (const Layer& l : same) BenchConv(bench, l, bf16);
    for (const Layer& l : others) BenchConv(bench, l, bf16);
    for (const Layer& l : same) BenchTiles(bench, l, bf16);
    for (const Layer& l : others) BenchTiles(bench, l, bf16);
    for (const Layer& l : same) {
      for (int m = 2; m <= 4; ++m) {
        BenchWinograd(bench, l, m, bf16 ? WinogradKind::kBf16 : WinogradKind::kF32);
      }
    }
    for (const Layer& l : depthwise) BenchDepthwise(bench, l, bf16);
    for (const int batch : {1, 8}) BenchFc(bench, 25088, 512, batch, bf16);
  }
  for (const Layer& l : same) BenchQuantConv(bench, l);
  for (const Layer& l : others) BenchQuantConv(bench, l);
  for (const Layer& l : depthwise) BenchQuantDepthwise(bench, l);
  BenchQuantConv(bench, {3, 64, 112});
  BenchQuantConv(bench, {3, 64, 56, 3, 2});
  BenchQuantFc(bench, 25088, 512);
  for (const Layer& l : same) {
    for (int m = 2; m <= 4; ++m) BenchWinograd(bench, l, m, WinogradKind::kRaw);
  }
  BenchStem(bench, {3, 64, 112}, true);
  BenchStem(bench, {3, 64, 56, 3, 2}, true);
  BenchStem(bench, {3, 16, 320, 3, 2}, true);
  for (const Layer& l : std::vector<Layer>{
           {3, 10, 320}, {10, 16, 160}, {16, 32, 160}, {32, 4, 160, 1}, {3, 16, 320, 3, 2}}) {
    BenchStem(bench, l, false);
  }
}

}  // namespace
}  // namespace visavis

int main(int argc, char** argv) {
  visavis::Options options;
  std::string isa(visavis::BestIsa());
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    if (flag == "--isa") isa = argv[i + 1];
    if (flag == "--filter") options.filter = argv[i + 1];
    if (flag == "--runs") options.runs = std::max(1, std::atoi(argv[i + 1]));
  }
  options.kernels = visavis::FindKernels(isa);
  if (options.kernels == nullptr) {
    fmt::print(stderr, "kernels_bench: this machine cannot run instruction set \"{}\"\n", isa);
    return 1;
  }
  visavis::RunAll(visavis::Bench(options));
  return 0;
}
