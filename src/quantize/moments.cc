#include "quantize/moments.h"

#include <algorithm>
#include <random>

#include "base/error.h"
#include "base/try.h"
#include "runtime/ops/window.h"

namespace visavis {
namespace {

constexpr int kPlaces = 64;

// Adds w w^T for the windows of one sample.
class Windows {
 public:
  Windows(const Layer& layer, const WindowAttributes& attributes)
      : layer_(layer), attributes_(attributes) {}

  Status Add(const Tensor& x, std::span<const std::int64_t> kernel, std::mt19937& random,
             std::vector<Moments>& moments) const {
    const auto row = static_cast<std::size_t>(layer_.row());
    std::vector<float> window(row);
    if (!layer_.conv) {
      const auto values = x.data<float>();
      for (std::size_t at = 0; at + row <= values.size(); at += row) {
        std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(at), row, window.begin());
        AddOuter(window, moments[0]);
      }
      return {};
    }
    VISAVIS_ASSIGN_OR_RETURN(const Window geometry, attributes_.Resolve(x.shape(), kernel));
    const std::int64_t places = geometry[0].out * geometry[1].out * geometry[2].out;
    for (int k = 0; k < kPlaces; ++k) {
      const auto place = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(places));
      for (int group = 0; group < layer_.groups; ++group) {
        Read(x, geometry, place, group, window);
        AddOuter(window, moments[static_cast<std::size_t>(group)]);
      }
    }
    return {};
  }

 private:
  void Read(const Tensor& x, const Window& geometry, std::int64_t place, int group,
            std::vector<float>& window) const {
    const auto& [d, h, w] = geometry;
    const std::int64_t plane = d.in * h.in * w.in;
    const float* base = x.data<float>().data() + std::int64_t{group} * layer_.per_group * plane;
    const std::int64_t od = place / (h.out * w.out);
    const std::int64_t oh = place / w.out % h.out;
    const std::int64_t ow = place % w.out;
    std::size_t at = 0;
    for (int c = 0; c < layer_.per_group; ++c, base += plane) {
      for (std::int64_t kd = 0; kd < d.kernel; ++kd) {
        for (std::int64_t kh = 0; kh < h.kernel; ++kh) {
          for (std::int64_t kw = 0; kw < w.kernel; ++kw) {
            const std::int64_t z = d.Start(od) + kd * d.dilation;
            const std::int64_t y = h.Start(oh) + kh * h.dilation;
            const std::int64_t v = w.Start(ow) + kw * w.dilation;
            const bool inside = z >= 0 && z < d.in && y >= 0 && y < h.in && v >= 0 && v < w.in;
            window[at++] = inside ? base[(z * h.in + y) * w.in + v] : 0.0f;
          }
        }
      }
    }
  }

  static void AddOuter(const std::vector<float>& window, Moments& moments) {
    const std::size_t n = window.size();
    for (std::size_t i = 0; i < n; ++i) {
      const double x = double{window[i]};
      if (x == 0) continue;
      double* out = moments.data() + i * n;
      for (std::size_t j = 0; j < n; ++j) out[j] += x * double{window[j]};
    }
  }

  const Layer& layer_;
  const WindowAttributes& attributes_;
};

}  // namespace

Result<std::map<int, std::vector<Moments>>> ObserveMoments(const Graph& graph,
                                                           std::span<const Layer> layers,
                                                           std::span<const Sample> samples,
                                                           const QuantizeHooks& hooks) {
  std::vector<ValueId> values;        // each once
  std::vector<std::size_t> value_of;  // by layer, an index into `values`
  std::vector<WindowAttributes> attributes;
  std::vector<std::vector<Moments>> moments;
  std::vector<std::mt19937> random;
  for (const Layer& layer : layers) {
    const Node& node = graph.nodes[static_cast<std::size_t>(layer.node)];
    const auto known = std::ranges::find(values, node.inputs[0]);
    value_of.push_back(static_cast<std::size_t>(known - values.begin()));
    if (known == values.end()) values.push_back(node.inputs[0]);
    VISAVIS_ASSIGN_OR_RETURN(WindowAttributes window, WindowAttributes::Make(node));
    attributes.push_back(std::move(window));
    const auto row = static_cast<std::size_t>(layer.row());
    moments.emplace_back(static_cast<std::size_t>(layer.groups), Moments(row * row, 0));
    random.emplace_back(static_cast<std::uint32_t>(layer.node));
  }
  const auto add = [&](std::size_t, std::span<const Tensor> seen) -> Status {
    std::vector<Status> results(layers.size());
    ParallelFor(hooks.pool, std::ssize(layers), [&](std::int64_t i, int) {
      const auto k = static_cast<std::size_t>(i);
      const Node& node = graph.nodes[static_cast<std::size_t>(layers[k].node)];
      const Shape& kernel = graph.constant(node.inputs[1])->shape();
      results[k] = Windows(layers[k], attributes[k])
                       .Add(seen[value_of[k]], kernel.dims().subspan(layers[k].conv ? 2 : 1),
                            random[k], moments[k]);
    });
    const auto failed =
        std::ranges::find_if(results, [](const Status& s) { return !s.has_value(); });
    return failed == results.end() ? Status() : *failed;
  };
  VISAVIS_RETURN_IF_ERROR(RunAndLook(graph, values, samples, hooks, "moments", add));
  std::map<int, std::vector<Moments>> by_node;
  for (std::size_t k = 0; k < layers.size(); ++k) {
    by_node[layers[k].node] = std::move(moments[k]);
  }
  return by_node;
}

}  // namespace visavis
