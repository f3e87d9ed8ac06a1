#include "model/recognise.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/graph/shape_inference.h"

namespace visavis {
namespace {

// A convolution's square kernel, filters, groups and stride.
struct Layer {
  std::int64_t kernel = 0;
  std::int64_t filters = 0;
  std::int64_t groups = 1;
  std::int64_t stride = 1;
  friend auto operator<=>(const Layer&, const Layer&) = default;
};

// The layers of a network in no order: exporters sort branches differently.
struct Anatomy {
  std::vector<Layer> convolutions;
  std::vector<std::int64_t> dense;  // outputs of each fully connected layer
  int slopes = 0;                   // PReLU layers
  int additions = 0;

  void Sort() {
    std::ranges::sort(convolutions);
    std::ranges::sort(dense);
  }
  friend bool operator==(const Anatomy&, const Anatomy&) = default;
};

Anatomy AnatomyOf(const Graph& graph) {
  Anatomy anatomy;
  for (const Node& node : graph.nodes) {
    const Tensor* weight = graph.constant(node.input(1));
    if (node.op_type == "PRelu") ++anatomy.slopes;
    if (node.op_type == "Add" && weight == nullptr) ++anatomy.additions;
    if (weight == nullptr) continue;
    const Shape& shape = weight->shape();
    if (node.op_type == "Conv" && shape.rank() == 4) {
      const std::vector<std::int64_t>* strides = node.Ints("strides");
      const std::int64_t stride = strides == nullptr || strides->empty() ? 1 : (*strides)[0];
      anatomy.convolutions.push_back({shape[2], shape[0], node.Int("group", 1), stride});
    } else if (node.op_type == "Gemm" && shape.rank() == 2) {
      anatomy.dense.push_back(shape[node.Int("transB", 0) != 0 ? 0 : 1]);
    }
  }
  anatomy.Sort();
  return anatomy;
}

// insightface's fresnet, version "IR", output block "E".
Anatomy LResNetEIr(const std::array<int, 4>& units) {
  constexpr std::array<std::int64_t, 4> kFilters{64, 128, 256, 512};
  Anatomy anatomy;
  anatomy.convolutions.push_back({3, kFilters[0], 1, 1});
  anatomy.slopes = 1;
  for (std::size_t stage = 0; stage < units.size(); ++stage) {
    const std::int64_t filters = kFilters[stage];
    for (int unit = 0; unit < units[stage]; ++unit) {
      const std::int64_t stride = unit == 0 ? 2 : 1;
      anatomy.convolutions.push_back({3, filters, 1, 1});
      anatomy.convolutions.push_back({3, filters, 1, stride});
      if (unit == 0) anatomy.convolutions.push_back({1, filters, 1, 2});
      ++anatomy.slopes;
      ++anatomy.additions;
    }
  }
  anatomy.dense = {512};
  anatomy.Sort();
  return anatomy;
}

// insightface's "y1".
Anatomy MobileFaceNet() {
  Anatomy anatomy;
  const auto add = [&anatomy](const Layer& layer, bool slope) {
    anatomy.convolutions.push_back(layer);
    anatomy.slopes += slope ? 1 : 0;
  };
  const auto separable = [&](std::int64_t out, std::int64_t stride, std::int64_t groups) {
    add({1, groups, 1, 1}, true);
    add({3, groups, groups, stride}, true);
    add({1, out, 1, 1}, false);
  };
  const auto residual = [&](int count, std::int64_t out, std::int64_t groups) {
    for (int i = 0; i < count; ++i) separable(out, 1, groups);
    anatomy.additions += count;
  };
  add({3, 64, 1, 2}, true);
  add({3, 64, 64, 1}, true);
  separable(64, 2, 128);
  residual(4, 64, 128);
  separable(128, 2, 256);
  residual(6, 128, 256);
  separable(128, 2, 512);
  residual(2, 128, 256);
  add({1, 512, 1, 1}, true);
  add({7, 512, 512, 1}, false);
  anatomy.dense = {128};
  anatomy.Sort();
  return anatomy;
}

Anatomy Mtcnn(std::vector<Layer> convolutions, std::vector<std::int64_t> dense, int slopes) {
  Anatomy anatomy{std::move(convolutions), std::move(dense), slopes, 0};
  anatomy.Sort();
  return anatomy;
}

// Five branches of RNet's convolutions, one per landmark.
Anatomy LandmarkNet() {
  std::vector<Layer> convolutions;
  std::vector<std::int64_t> dense{256};
  for (int i = 0; i < 5; ++i) {
    convolutions.insert(convolutions.end(), {{3, 28, 1, 1}, {3, 48, 1, 1}, {2, 64, 1, 1}});
    dense.insert(dense.end(), {64, 2});
  }
  return Mtcnn(std::move(convolutions), std::move(dense), 21);
}

std::string RecogniseByAnatomy(const Graph& graph) {
  const Anatomy anatomy = AnatomyOf(graph);
  struct Depth {
    int layers;
    std::array<int, 4> units;
  };
  constexpr std::array kDepths{Depth{18, {2, 2, 2, 2}},   Depth{34, {3, 4, 6, 3}},
                               Depth{50, {3, 4, 14, 3}},  Depth{74, {3, 6, 24, 3}},
                               Depth{90, {3, 8, 30, 3}},  Depth{100, {3, 13, 30, 3}},
                               Depth{152, {3, 8, 36, 3}}, Depth{200, {3, 24, 36, 3}}};
  for (const Depth& depth : kDepths) {
    if (anatomy == LResNetEIr(depth.units)) return fmt::format("LResNet{}E-IR", depth.layers);
  }
  if (anatomy == MobileFaceNet()) return "MobileFaceNet";
  if (anatomy == Mtcnn({{3, 10}, {3, 16}, {3, 32}, {1, 4}, {1, 2}}, {}, 3)) return "MTCNN PNet";
  if (anatomy == Mtcnn({{3, 28}, {3, 48}, {2, 64}}, {128, 4, 2}, 4)) return "MTCNN RNet";
  if (anatomy == Mtcnn({{3, 32}, {3, 64}, {3, 64}, {2, 128}}, {256, 10, 4, 2}, 5)) {
    return "MTCNN ONet";
  }
  if (anatomy == LandmarkNet()) return "MTCNN LNet";
  return {};
}

// Anchor-free detectors with landmarks differ in what they put out per anchor: SCRFD a score, four
// distances and ten offsets on each of three strides; YuNet a class and an objectness.
std::string RecogniseByOutputs(const Graph& graph) {
  const std::vector<InferredValue> inferred = InferShapes(graph);
  std::vector<std::int64_t> last;
  for (const ValueId id : graph.outputs) {
    const std::optional<std::vector<Dim>>& shape = inferred[static_cast<std::size_t>(id)].shape;
    if (!shape || shape->empty()) return {};
    last.push_back(shape->back().extent);
  }
  std::ranges::sort(last);
  if (last == std::vector<std::int64_t>{1, 1, 1, 4, 4, 4, 10, 10, 10}) return "SCRFD";
  if (last == std::vector<std::int64_t>{1, 1, 1, 1, 1, 1, 4, 4, 4, 10, 10, 10}) return "YuNet";
  return {};
}

}  // namespace

std::string RecogniseNetwork(const Graph& graph) {
  std::string name = RecogniseByAnatomy(graph);
  return name.empty() ? RecogniseByOutputs(graph) : name;
}

}  // namespace visavis
